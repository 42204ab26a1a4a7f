"""Which way to draw z gives inventions whose views agree: ``python -m benchmarks.samplers``.

Every registered sampler is fitted to the same posterior draws of the training items of a shipped model, three times
with other seeds; the judges of coherence look at as many inventions as there are test items. Beside it, how likely the
sampler finds posterior draws of test items.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import bvae
from benchmarks.report import RESULTS, markdown
from bvae.io.storage import write_json
from bvae.metrics import classifiers
from bvae.metrics.inventions import evenness
from bvae.models.vae import MultimodalVAE
from bvae.samplers import SAMPLERS, Draws, posterior_draws, samplers
from bvae.training import checkpoints_root

SEEDS = 3
COLUMNS = ["model", "sampler", "joint coherence", "± over seeds", "evenness of classes", "log density of test draws, "
           "nats", "seconds to fit", "numbers stored"]


def agreement(judges: classifiers.Classifiers, values: dict[str, Tensor], classes: int) -> tuple[float, float]:
    """Share of inventions, name -> (N, ...), on which all judges agree, and how even the classes of these are."""
    votes = torch.stack([p.argmax(-1) for p in judges.probabilities(values).values()])
    agree = (votes == votes[0]).all(0)
    return float(agree.double().mean()), evenness(votes[0][agree], classes)["mean"]


def row(model: MultimodalVAE, sampler: str, draws: Draws, test: Draws, judges: classifiers.Classifiers,
        classes: int) -> list[Any]:
    """One sampler of one model, over the seeds of its fit and of what is drawn."""
    found, dense, seconds = [], [], []
    for seed in range(SEEDS):
        begun = time.process_time()
        fitted = SAMPLERS[sampler].fitted(draws, seed)
        seconds.append(time.process_time() - begun)
        invented = model.sample(len(test.z), fitted, torch.Generator().manual_seed(seed))
        found.append(agreement(judges, invented, classes))
        dense.append(float(fitted.log_prob(test.z).mean()))
    shares, even = zip(*found, strict=True)
    return [sampler, statistics.mean(shares), statistics.stdev(shares), statistics.mean(even),
            statistics.mean(dense), statistics.mean(seconds), sum(v.numel() for v in fitted.state().values())]


def measure(data_name: str, names: Sequence[str], kinds: Sequence[str], root: Path) -> dict[str, Any]:
    """The table of some models of a data set, which are in a folder of all checkpoints."""
    judges = classifiers.load(checkpoints_root(), data_name)
    train, test = (bvae.dataset(data_name, split=split) for split in ("train", "test"))
    rows = []
    for name in names:
        model = bvae.load(data_name, name, root)
        draws, held = (posterior_draws(model, data, seed=0) for data in (train, test))
        for sampler in kinds:
            rows.append([name, *row(model, sampler, draws, held, judges, test.num_classes)])
            print(*rows[-1], flush=True)
    return {"title": "Samplers", "command": f"python -m benchmarks.samplers {' '.join(names)}", "columns": COLUMNS,
            "rows": rows,
            "notes": [f"Embedded {data_name}; {SEEDS} seeds of the fit; seconds of one core's time."]}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["mwb-vae"])
    parser.add_argument("--dataset", default="polymnist")
    parser.add_argument("--samplers", nargs="+", choices=samplers(), default=samplers())
    parser.add_argument("--root", type=Path, default=checkpoints_root(), help="folder of all checkpoints")
    parser.add_argument("--json", type=Path, default=RESULTS / "samplers.json")
    options = parser.parse_args()
    result = measure(options.dataset, options.models, options.samplers, options.root)
    write_json(options.json, result)
    print(markdown(result))


if __name__ == "__main__":
    main()
