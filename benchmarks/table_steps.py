"""What a training step on tables costs beside a plain PyTorch loop: ``python -m benchmarks.table_steps``.

Both train the same networks, a perceptron and a straight line past it, on the same numbers with the same bound, for
WB-VAE (one Gaussian) and MWB-VAE (all subsets). Ours is `Trainer.one_step`, with checks, clipping, learned scales,
room for gaps and missing views; the plain loop has none of it: numbers standardised and gaps filled beforehand,
``nn.Linear``, ``AdamW``. Where there are gaps, its encoders see too which cells they are, and its loss leaves them
out. The two take turns, and what counts is the median over the turns of the ratio, so that what else the machine does
falls on both.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bvae.aggregators.subsets import subset_membership
from bvae.data import Modality, MultimodalDataset
from bvae.training.loop import Trainer, make_fabric
from bvae.training.settings import Settings

SHAPES = {"mfeat: six views of 216, 76, 64, 6, 240, 47 columns": (216, 76, 64, 6, 240, 47),
          "three views of 10 columns": (10, 10, 10), "two views of 2,000 and 20 columns": (2000, 20)}
ITEMS, BATCH, LATENT, WIDTH = 1600, 128, 16, 64


class Numbers(MultimodalDataset):
    """Random numbers with something in common; a share of the cells may be gaps."""

    name, split, source, num_classes = "numbers", "train", "embedded", 1

    def __init__(self, columns: tuple[int, ...], gaps: float) -> None:
        g = torch.Generator().manual_seed(0)
        z = torch.randn(ITEMS, LATENT, generator=g)
        self.modalities = {f"v{k}": Modality(f"v{k}", "vector", (p,)) for k, p in enumerate(columns)}
        self.x = {}
        for name, p in zip(self.modalities, columns, strict=True):
            x = 5 + 3 * (z @ torch.randn(LATENT, p, generator=g) + torch.randn(ITEMS, p, generator=g))
            self.x[name] = torch.where(torch.rand(ITEMS, p, generator=g) < gaps, math.nan, x)
        self.y = torch.zeros(ITEMS, dtype=torch.int64)


def ours(data: Numbers, method: str) -> Callable[[Tensor], object]:
    """A step of a training run with the items of these positions."""
    settings = Settings.for_method("polymnist", method, batch_size=BATCH, latent_dim=LATENT, width=WIDTH, beta=1.0,
                                   precision="32-true")
    run = Trainer(settings, Path(), data, make_fabric(settings, "cpu"))
    run.step_module.train()
    present = torch.ones(len(data.x), BATCH, dtype=torch.bool)
    return lambda index: run.one_step(data.subset(index), present)


class Plain(nn.Module):
    """A perceptron, and a straight line from the first of the numbers that it gets."""

    def __init__(self, before: int, hidden: int, after: int, straight: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(before, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(),
                                 nn.Linear(hidden, after))
        self.straight = nn.Linear(straight, after, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x) + self.straight(x[:, : self.straight.in_features])


def plain(data: Numbers, method: str) -> Callable[[Tensor], object]:
    """A step of a plain loop."""
    xs, seen = [], []
    for x in data.x.values():
        mean = x.nanmean(0)
        xs.append(((x - mean) / (x - mean).square().nanmean(0).sqrt()).nan_to_num(0.0))
        seen.append(1.0 - x.isnan().float())
    gaps = any(bool((s == 0).any()) for s in seen)
    h, d = 2 * WIDTH, LATENT
    encoders = nn.ModuleList(Plain(x.shape[1] * (1 + gaps), h, 2 * d, x.shape[1]) for x in xs)
    decoders = nn.ModuleList(Plain(d, h, x.shape[1], d) for x in xs)
    log_scales = nn.ParameterList(torch.zeros(x.shape[1]) for x in xs)
    parameters = [*encoders.parameters(), *decoders.parameters(), *log_scales.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, fused=True)
    members = subset_membership(len(xs)).float()
    members = members / members.sum(1, keepdim=True)  # (K, M)

    def step(index: Tensor) -> None:
        batch, there = [x[index] for x in xs], [s[index] for s in seen] if gaps else [None] * len(xs)
        given = [x if s is None else torch.cat([x, s], 1) for x, s in zip(batch, there, strict=True)]
        raw = torch.stack([net(x) for net, x in zip(encoders, given, strict=True)])  # (M, B, 2 D)
        loc, scale = raw[..., :d], F.softplus(raw[..., d:] - 2) + 1e-4
        if method == "wb-vae":
            loc, scale = loc.mean(0), scale.mean(0)
            kl = 0.5 * (loc.square() + scale.square() - 1).sum(1) - scale.log().sum(1)
        else:
            loc, scale = ((members @ v.flatten(1)).unflatten(1, (BATCH, d)) for v in (loc, scale))  # (K, B, D)
            kl = (0.5 * (loc.square() + scale.square() - 1).sum(2) - scale.log().sum(2)).mean(0)
            chosen, items = torch.randint(len(members), (BATCH,)), torch.arange(BATCH)
            loc, scale = loc[chosen, items], scale[chosen, items]
        z = loc + scale * torch.randn_like(loc)
        error = torch.zeros(BATCH)
        for net, log_scale, x, s in zip(decoders, log_scales, batch, there, strict=True):
            u = (x - net(z)) * (-log_scale).exp()
            each = 0.5 * u.square() + log_scale + 0.5 * math.log(2 * math.pi)
            error = error + (each if s is None else each * s).sum(1)
        optimizer.zero_grad(set_to_none=True)
        (error + kl).mean().backward()
        optimizer.step()

    return step


def seconds(step: Callable[[Tensor], object], steps: int, generator: torch.Generator) -> float:
    """Of a step, over some of them."""
    began = time.perf_counter()
    for _ in range(steps):
        step(torch.randint(ITEMS, (BATCH,), generator=generator))
    return (time.perf_counter() - began) / steps


def main() -> None:
    """Measure, and print a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--steps", type=int, default=20, help="of each in a turn")
    options = parser.parse_args()
    for words, columns in SHAPES.items():
        for method in ("wb-vae", "mwb-vae"):
            for gaps in (0.0, 0.1):
                torch.manual_seed(0)
                data = Numbers(columns, gaps)
                both, g = (ours(data, method), plain(data, method)), torch.Generator().manual_seed(0)
                for step in both:
                    seconds(step, 5, g)
                turns = [[seconds(step, options.steps, g) for step in both] for _ in range(options.turns)]
                ratio = statistics.median(a / b for a, b in turns)
                ms = [1000 * statistics.median(column) for column in zip(*turns, strict=True)]
                print(f"{words}, {method}, {gaps:.0%} gaps: {ms[0]:.2f} ms, plain {ms[1]:.2f} ms, ratio {ratio:.2f}",
                      flush=True)


if __name__ == "__main__":
    main()
