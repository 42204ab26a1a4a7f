"""A normalising flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bvae.aggregators.learned.splines import spline_flow
from bvae.samplers.base import SAMPLERS, Draws, Sampler

TRANSFORMS, HIDDEN, BINS = 4, (64, 64), 8
STEPS, BATCH, RATE = 600, 256, 2e-3
HELD_OUT, LOOK = 5, 50
"""Every fifth draw is held out; how likely they are is asked every 50 steps, and the best state is kept."""
LEAST = 20
"""Draws without which there is nothing to fit."""
FLOW = "flow."


def network(dim: int) -> Any:
    """An untrained flow over D dimensions. Raises MissingPackage without zuko, which is an extra."""
    return spline_flow("normalising-flow", dim, transforms=TRANSFORMS, hidden=HIDDEN, bins=BINS)


@SAMPLERS.register("normalising-flow")
@dataclass(frozen=True, eq=False)
class Flow(Sampler):
    """z = loc + scale f(e) with e ~ N(0, I): f a neural spline flow of four couplings, fitted by maximum likelihood.

    The state of it that makes held-out draws most likely is kept. It needs the extra ``flows``.

    Parameters
    ----------
    loc, scale : Tensor
        (D,), scale positive: mean and standard deviation of the draws.
    flow : zuko.flows.Flow

    References
    ----------
    Durkan, Bekasov, Murray, Papamakarios: *Neural Spline Flows*, NeurIPS 2019. Implementation: zuko.
    """

    name = "normalising-flow"
    loc: Tensor
    scale: Tensor
    flow: Any

    def __post_init__(self) -> None:
        d = self.loc.numel()
        if not d or self.loc.shape != (d,) or self.scale.shape != (d,):
            raise ValueError("normalising flow: expected loc and scale (D,), got "
                             f"{tuple(self.loc.shape)} and {tuple(self.scale.shape)}")
        numbers = (self.loc, self.scale, *self.flow.state_dict().values())
        if not all(bool(v.isfinite().all()) for v in numbers) or bool((self.scale <= 0).any()):
            raise ValueError("normalising flow: expected finite numbers and positive scales")

    @classmethod
    def fitted(cls, draws: Draws, seed: int = 0) -> Flow:
        """See `Sampler.fitted`. Raises ValueError for fewer than 20 draws, MissingPackage without zuko."""
        if len(draws.z) < LEAST:
            raise ValueError(f"normalising flow: expected at least {LEAST} draws, got {len(draws.z)}")
        with torch.inference_mode(False), torch.enable_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # of the initial weights, which zuko draws without a generator
            z = draws.z.detach().cpu().float().clone()
            loc, scale = z.mean(0), z.std(0).clamp_min(1e-6)
            flow = network(z.shape[1])
            _train(flow, (z - loc) / scale, seed)
        return cls(loc, scale, flow.eval().requires_grad_(False))

    def sample(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """See `Sampler.sample`."""
        noise = torch.randn(count, self.dim, generator=generator)
        return self.loc + self.scale * self.flow().transform.inv(noise)

    def log_prob(self, z: Tensor) -> Tensor:
        """See `Sampler.log_prob`."""
        return self.flow().log_prob((z.float() - self.loc) / self.scale).to(z.dtype) - self.scale.log().sum().to(z)

    def state(self) -> dict[str, Tensor]:
        """See `Sampler.state`."""
        return {"loc": self.loc, "scale": self.scale,
                **{FLOW + name: value for name, value in self.flow.state_dict().items()}}

    @classmethod
    def of_state(cls, state: Mapping[str, Tensor]) -> Flow:
        """See `Sampler.of_state`. Raises MissingPackage without zuko."""
        flow = network(state["loc"].numel())
        flow.load_state_dict({name.removeprefix(FLOW): value for name, value in state.items()
                              if name.startswith(FLOW)})
        return cls(state["loc"].float(), state["scale"].float(), flow.eval().requires_grad_(False))

    @property
    def dim(self) -> int:
        """See `Sampler.dim`."""
        return self.loc.numel()


def _train(flow: Any, z: Tensor, seed: int) -> None:
    """Fit a flow to standardised draws (N, D), in place."""
    generator = torch.Generator().manual_seed(seed)
    held = torch.arange(len(z)) % HELD_OUT == HELD_OUT - 1
    kept, told = z[~held], z[held]
    optimizer = torch.optim.AdamW(flow.parameters(), RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    best, lowest = {k: v.clone() for k, v in flow.state_dict().items()}, float("inf")
    for step in range(1, STEPS + 1):
        some = torch.randint(len(kept), (min(BATCH, len(kept)),), generator=generator)
        loss = -flow().log_prob(kept[some]).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        if step % LOOK == 0:
            with torch.no_grad():
                now = float(-flow().log_prob(told).mean())
            if now < lowest:
                best, lowest = {k: v.clone() for k, v in flow.state_dict().items()}, now
    flow.load_state_dict(best)
