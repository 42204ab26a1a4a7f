"""Settings that follow from the data: networks, steps, batch and learning rate for tables of 50 to 1,000,000 items."""

from __future__ import annotations

import dataclasses
import math
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bvae.data.own.own_data import OwnData
from bvae.data.own.weights import cells
from bvae.training.callbacks import OnStep
from bvae.training.loop import train
from bvae.training.settings import Settings

FEWEST_STEPS, MOST_STEPS = 1000, 20_000
EPOCHS = 80
"""Times that a training of a small data set sees each item; large ones are seen less often."""
LEAST_BETA, FULL_BETA_AT = 0.3, 200
"""Weight of the divergence: 1 from so many columns on, below in proportion to them, not below the first."""


class Sizing(NamedTuple):
    """What was chosen.

    Attributes
    ----------
    settings : dict
        Changes of `Settings`.
    why : list of str
        A sentence for each.
    """

    settings: dict[str, Any]
    why: list[str]

    def explained(self, changes: Mapping[str, Any]) -> list[str]:
        """The sentences, and which settings a person gave instead."""
        given = ", ".join(f"{k} = {v}" for k, v in changes.items() if k in self.settings)
        return [*self.why, f"given instead: {given}"] if given else self.why


def sized(data: OwnData) -> Sizing:
    """Settings for own data.

    Parameters
    ----------
    data : OwnData
        Items to train on.
    """
    n, total = len(data), sum(map(cells, data.modalities.values()))
    batch = 2 ** round(math.log2(min(512, max(16, n / 12 if n < 1500 else 128 if n < 50_000 else n / 400))))
    batch = min(batch, n)
    steps = round(EPOCHS * n / batch)
    steps = max(FEWEST_STEPS, min(steps, 3000 if n <= 20_000 else MOST_STEPS))
    if n > 20_000:
        steps = max(3000, min(MOST_STEPS, round(12 * n / batch)))
    latent = max(2, min(16 if total < 300 else 32, total // 2))
    beta = float(f"{min(1.0, max(LEAST_BETA, total / FULL_BETA_AT)):.2g}")
    width = 32 if n < 300 else 64 if n < 20_000 else 128
    validation = 0.1 if n >= 100 else 0.0
    learnt = n - (int((n - 1) * validation) + 1 if validation else 0)  # see `bvae.training.validation.held_out`
    epochs = steps * batch / learnt
    settings = {"batch_size": batch, "steps": steps, "latent_dim": latent, "width": width, "beta": beta,
                "learning_rate": 2e-3 if n >= 300 else 1e-3, "warmup_steps": min(100, steps // 10),
                "validation": validation, "precision": "32-true"}
    why = [f"{steps:,} steps of {batch} items: each of {learnt:,} items is seen about {epochs:,.0f} times",
           f"{latent} latent dimensions for {total:,} columns (or pixels, or characters)",
           "beta 1, the bound itself" if beta == 1 else
           f"beta {beta:g}: with so few columns the prior would count for more than the data",
           f"networks of width {width} (two hidden layers of {2 * width}), since there are {n:,} items",
           f"{validation:.0%} of the items are kept to stop early; the best state is left" if validation else
           "no items are kept to stop early: there are fewer than 100"]
    return Sizing(settings, why)


TRIED, WARM = 40, 10
"""Steps that are timed, and those before them that are not."""


def within(data: OwnData, settings: Settings, seconds: float) -> tuple[Settings, str]:
    """Settings of as many steps as fit into a time on this machine, and why; at most those that were chosen.

    Some steps are tried and forgotten.
    """
    moments: list[float] = []
    tried = dataclasses.replace(settings, steps=TRIED + WARM, validation=0.0, warmup_steps=0)
    with tempfile.TemporaryDirectory() as folder:
        train(tried, Path(folder), progress=False, data=data, callbacks=[OnStep(lambda _: moments.append(
            time.perf_counter()))])
    cost = (moments[-1] - moments[WARM - 1]) / TRIED * (1.1 if settings.validation else 1.0)
    steps = max(TRIED, min(settings.steps, int(seconds / cost)))
    why = (f"{steps:,} steps of {1000 * cost:.1f} ms fit into {seconds:,.0f} s" if steps < settings.steps else
           f"all {steps:,} steps take about {steps * cost:,.0f} s")
    return dataclasses.replace(settings, steps=steps, warmup_steps=min(settings.warmup_steps, steps // 10)), why
