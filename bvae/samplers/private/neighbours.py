"""Private parts of the training items whose shared part is nearest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bvae.samplers.private.base import PRIVATE_SAMPLERS, PrivateDraws, PrivateSampler

KEPT = 2000
"""Items of each modality that are kept, at most."""
NEAREST = 20
WIDTH = 0.1
"""Standard deviation around a private part that is kept, in units of the prior's."""
AT_ONCE = 4096
SHARED, OF_ITEMS, OF_VIEWS = "shared", "z", "w"


@PRIVATE_SAMPLERS.register("neighbours")
@dataclass(frozen=True)
class Neighbours(PrivateSampler):
    """p(w | z) = 1/k sum_j N(w; w_j, 0.1^2 I) over the k = 20 training items whose shared parts z_j are nearest to z.

    z_j is the mean of an item's joint posterior of all its views, so that dimensions that say nothing are the same for
    all items. It invents no private part beyond those of the items that are kept, and draws none that does not occur
    together with such a z: where a density in between (`ConditionalMixture`) has the private part of one class beside
    the shared part of another, this one has not.

    Parameters
    ----------
    z, w : mapping of str to Tensor
        Modality -> (N, D) and (N, P) of N items.
    """

    name = "neighbours"
    z: Mapping[str, Tensor]
    w: Mapping[str, Tensor]

    def __post_init__(self) -> None:
        for name, z in self.z.items():
            w = self.w[name]
            if z.ndim != 2 or w.ndim != 2 or len(z) != len(w) or not len(z):
                raise ValueError(f"private sampler: expected (N, D) and (N, P) for {name!r}, got {tuple(z.shape)} and "
                                 f"{tuple(w.shape)}")
            if not (bool(z.isfinite().all()) and bool(w.isfinite().all())):
                raise ValueError(f"private sampler: expected finite numbers for {name!r}")

    @classmethod
    def fitted(cls, draws: Mapping[str, PrivateDraws], seed: int = 0) -> Neighbours:
        """See `PrivateSampler.fitted`. Raises ValueError without any modality; nothing is drawn."""
        if not draws:
            raise ValueError("private sampler: expected draws of at least one modality, got none")
        some = {name: torch.linspace(0, len(d.z) - 1, min(len(d.z), KEPT)).round().long() for name, d in draws.items()}
        return cls({name: d.whole[some[name]] for name, d in draws.items()},
                   {name: d.w[some[name]] for name, d in draws.items()})

    def placed(self, modality: str, z: Tensor, noise: Tensor, level: Tensor) -> Tensor:
        """See `PrivateSampler.placed`."""
        near = self._nearest(modality, z)
        index = near.gather(1, (level * near.shape[1]).long().clamp_max(near.shape[1] - 1).unsqueeze(1)).squeeze(1)
        return self.w[modality][index] + WIDTH * noise

    def log_prob(self, modality: str, z: Tensor, w: Tensor) -> Tensor:
        """See `PrivateSampler.log_prob`."""
        near = self._nearest(modality, z)
        apart = (w.unsqueeze(1) - self.w[modality][near]) / WIDTH  # (N, k, P)
        each = -(apart.square() + math.log(2 * math.pi * WIDTH**2)).sum(2) / 2
        return each.logsumexp(1) - math.log(near.shape[1])

    def _nearest(self, modality: str, z: Tensor) -> Tensor:
        """(N, k) kept items."""
        kept = self.z[modality]
        k = min(NEAREST, len(kept))
        return torch.cat([torch.cdist(part, kept).topk(k, 1, largest=False).indices
                          for part in z.float().split(AT_ONCE)])

    def state(self) -> dict[str, Tensor]:
        """See `PrivateSampler.state`: the shared parts once, if they are the same for all modalities."""
        first = next(iter(self.z.values()))
        same = all(torch.equal(z, first) for z in self.z.values())
        shared = {SHARED: first} if same else {f"{OF_ITEMS}/{name}": z for name, z in self.z.items()}
        return shared | {f"{OF_VIEWS}/{name}": w for name, w in self.w.items()}

    @classmethod
    def of_state(cls, state: Mapping[str, Tensor]) -> Neighbours:
        """See `PrivateSampler.of_state`."""
        w = {key.partition("/")[2]: value for key, value in state.items() if key.startswith(f"{OF_VIEWS}/")}
        z = {name: state[SHARED] if SHARED in state else state[f"{OF_ITEMS}/{name}"] for name in w}
        return cls(z, w)

    def sizes(self) -> dict[str, tuple[int, int]]:
        """See `PrivateSampler.sizes`."""
        return {name: (z.shape[1], self.w[name].shape[1]) for name, z in self.z.items()}
