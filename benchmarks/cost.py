"""What a training step costs, and what large runs would: ``python -m benchmarks.cost``.

Seconds per step of MWB-VAE with our default networks are measured against the number of modalities M, the latent
dimension D, the batch size B and the size of the images, and a sum of six terms is fitted to them, each of which is
work that is there: something per step, per modality, per parameter (the optimiser), per cell of pixels (the networks),
per pixel (likelihoods), and per component of the posterior (2^M - 1 subsets). From the fit come the predictions, with
what is assumed beside it.
``python -m benchmarks.report --into docs/scale.md`` puts the tables there.
"""

from __future__ import annotations

import argparse
import itertools
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import nnls

import bvae
from benchmarks.report import RESULTS, figure, markdown
from bvae.data import Modality, MultimodalDataset
from bvae.data.shards import write
from bvae.io.storage import write_json
from bvae.models.networks import fold_factor
from bvae.training.loop import Trainer, make_fabric
from bvae.training.memory import denormals_flushed, memory_kept
from bvae.training.settings import Settings

BASE = {"m": 5, "d": 32, "b": 128, "size": 28}
ALONG = {"m": (2, 8), "d": (8, 128, 512), "b": (32, 256), "size": (20, 40, 48, 64)}
GRID = [BASE, *({**BASE, key: value} for key, values in ALONG.items() for value in values)]
TERMS = ("a step", "a modality", "a million parameters", "a thousand cells", "a million pixels",
         "a thousand components x D")


class Synthetic(MultimodalDataset):
    """Random images."""

    name, num_classes = "synthetic", 1

    def __init__(self, m: int, b: int, size: int, **_: int) -> None:
        g = torch.Generator().manual_seed(0)
        self.modalities = {f"m{k}": Modality(f"m{k}", "image", (3, size, size)) for k in range(m)}
        self.x = {name: torch.rand(b, 3, size, size, generator=g) for name in self.modalities}
        self.y = torch.zeros(b, dtype=torch.int64)


def run_of(point: dict[str, int], **changes: Any) -> Trainer:
    """A training run of this size that is ready to step."""
    settings = Settings.for_method("polymnist", "mwb-vae", batch_size=point["b"], latent_dim=point["d"], **changes)
    run = Trainer(settings, Path(), Synthetic(**point), make_fabric(settings, "cpu"))
    run.step_module.train()
    return run


def terms(point: dict[str, int]) -> list[float]:
    """How much of each of `TERMS` a step has."""
    m, d, b, size = (point[key] for key in ("m", "d", "b", "size"))
    image = Modality("m0", "image", (3, size, size))
    with torch.device("meta"):
        one = bvae.MultimodalVAE([image], bvae.aggregator("poe"), bvae.ModelConfig(latent_dim=d))
    parameters = m * sum(p.numel() for p in one.parameters())
    cells = m * b * (size // fold_factor(size, size)) ** 2
    return [1.0, m, parameters / 1e6, cells / 1e3, m * b * size**2 / 1e6, b * (2**m - 1) * d / 1e3]


def measure(rounds: int, steps: int) -> list[float]:
    """Median seconds per step at each point of the grid, points in turn."""
    with memory_kept(), denormals_flushed():  # as `train` does
        return _measure(rounds, steps)


def _measure(rounds: int, steps: int) -> list[float]:
    runs = [run_of(point) for point in GRID]
    present = [torch.ones(p["m"], p["b"], dtype=torch.bool) for p in GRID]
    seconds: list[list[float]] = [[] for _ in GRID]
    for number in range(rounds + 1):
        for k, run in enumerate(runs):
            start = time.process_time()
            for _ in range(steps):
                run.one_step(run.data.x, present[k])
            if number:
                seconds[k].append((time.process_time() - start) / steps / torch.get_num_threads())
        print(f"round {number} of {rounds}", file=sys.stderr)
    return [statistics.median(values) for values in seconds]


def per_item(action: Any, items: int, rounds: int) -> float:
    """Median seconds per item of an action."""
    times = []
    for _ in range(rounds + 1):
        start = time.process_time()
        action()
        times.append((time.process_time() - start) / items)
    return statistics.median(times[1:])


def duration(seconds: float) -> str:
    """Seconds for a person."""
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{figure(seconds / length):,g} {unit}"
    return f"{figure(seconds):g} s"


def predictions(
    rates: np.ndarray, options: argparse.Namespace, read: float, noise: float, calls: float
) -> list[list]:
    """Rows: the run, devices, steps, seconds per step, of which not computing, the whole."""
    rows = []
    epochs, million, items = 300, 1_000_000, 60_000
    for what, n, per_device, total in (
        ("60,000 x 5, 300 epochs", 1, 256, items * epochs),
        ("60,000 x 5, 300 epochs, the same batch shared", 8, 32, items * epochs),
        ("1,000,000 x 5, 100 epochs", 1, 256, 100 * million),
        ("1,000,000 x 5, 100 epochs, the same batch shared", 8, 32, 100 * million),
        ("1,000,000 x 5, 100 epochs", 1000, 256, 100 * million),
        ("1,000,000,000 x 5, 1 epoch", 1000, 256, 1000 * million),
    ):
        for kind, speed in (("cores", 1.0), ("GPUs", options.gpu)):
            point = {**BASE, "b": per_device}
            t = terms(point)
            compute = max(float(np.dot(rates, t)) / speed, calls)
            # Every process draws for the whole batch; shards are read by those that need them.
            drawing = noise * (n - 1) * per_device / speed + read * per_device
            sending = 2 * (n - 1) / n * 4e6 * t[2] / (options.network * 1e9 / 8)
            talking = sending + 2 * math.ceil(math.log2(n)) * options.hop * 1e-6
            step = compute + drawing + talking
            steps = total // (n * per_device)
            rows.append([what, f"{n:,} {kind if n > 1 else kind[:-1]}", n * per_device, steps, figure(1000 * step),
                         f"{100 * (drawing + talking) / step:.0f} %", duration(steps * step)])
    return rows


def main() -> None:
    """Measure, fit, predict."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=3, help="in each round")
    parser.add_argument("--gpu", type=float, default=100.0, help="assumed: a GPU does a step so many times as fast")
    parser.add_argument("--network", type=float, default=100.0, help="assumed: Gbit/s between machines")
    parser.add_argument("--hop", type=float, default=10.0, help="assumed: microseconds of each message")
    parser.add_argument("--json", type=Path, default=RESULTS / "cost.json")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    seconds = np.array(measure(options.rounds, options.steps))
    matrix = np.array([terms(point) for point in GRID])
    rates, _ = nnls(matrix / seconds[:, None], np.ones(len(GRID)))  # relative errors count alike
    fitted = matrix @ rates
    apart = fitted / seconds - 1

    data = bvae.dataset("polymnist", split="train")
    g = torch.Generator().manual_seed(0)
    index, pairing = torch.arange(128), data.pairing(g)
    compose = per_item(lambda: data.items(index, pairing, g), 128, 20)
    with tempfile.TemporaryDirectory() as folder:
        write(data, Path(folder), shard_items=1000)
        shards = bvae.dataset("polymnist", "train", "shards", root=folder)
        batches = itertools.cycle(shards.epoch(0, 256, 0, g))
        read = per_item(lambda: next(batches), 256, 14)
    small = run_of({"m": BASE["m"], "d": 2, "b": 2, "size": 8}, width=4)
    none_missing = torch.ones(BASE["m"], 2, dtype=torch.bool)
    calls = per_item(lambda: small.one_step(small.data.x, none_missing), 1, 20)
    noise = per_item(lambda: (torch.randn(10_000, BASE["d"], generator=g), torch.randperm(10_000, generator=g)),
                     10_000, 20)
    processor = torch.cpu.get_capabilities().get("cpu_name", "unknown processor")
    result = {
        "title": "Cost of training", "command": " ".join(["python -m benchmarks.cost", *sys.argv[1:]]),
        "tables": [
            {"title": "Seconds per step of MWB-VAE, measured and fitted",
             "columns": ["M", "D", "B", "image", "ms", "fitted ms", "apart"],
             "rows": [[p["m"], p["d"], p["b"], f"{p['size']} x {p['size']}", figure(1000 * s), figure(1000 * f),
                       f"{100 * a:+.0f} %"] for p, s, f, a in zip(GRID, seconds, fitted, apart, strict=True)],
             "notes": [f"Largest deviation {100 * abs(apart).max():.0f} percent."]},
            {"title": "The fit", "columns": ["each of", "ms", "share of the step at M = 5, D = 32, B = 128, 28 x 28"],
             "rows": [[name, figure(1000 * r), f"{100 * r * t / fitted[0]:.0f} %"]
                      for name, r, t in zip(TERMS, rates, matrix[0], strict=True)],
             "notes": ["Cells are what the networks compute on: 2 x 2 pixels, 4 x 4 from 48 x 48 on, of all M images "
                       f"of all B items. Beside the step: {figure(1e6 * compose):g} microseconds to compose an item "
                       f"of PolyMNIST afresh, {figure(1e6 * read):g} to read it from shards, {figure(1e6 * noise):g} "
                       f"to draw its noise; and {figure(1e3 * calls):g} ms for a step of almost no work (M = 5, B = 2, "
                       "8 x 8), which is the calls alone."]},
            {"title": "Predictions at 28 x 28, D = 32",
             "columns": ["run", "devices", "global batch", "steps", "ms a step", "not computing", "whole run"],
             "rows": predictions(rates, options, read, noise, calls),
             "notes": [f"Assumed, not measured: a GPU does a step {options.gpu:g} times as fast as a core here, but no "
                       "faster than a core makes the calls; an all-"
                       f"reduce of float32 gradients over {options.network:g} Gbit/s, in 2 log2(N) turns of "
                       f"{options.hop:g} microseconds, that does not overlap with the backward pass. Every process "
                       "draws the noise of the global batch, and reads its own items from shards on one core, between "
                       "the steps; these three are \"not computing\". Whether a "
                       "batch of 256,000 trains as well as one of 256 is another question."]},
        ],
        "notes": [f"{processor}, {options.threads} thread{'s' * (options.threads > 1)}, torch {torch.__version__}, "
                  f"{Settings('polymnist', 'mwb-vae').precision} precision; median of {options.rounds} rounds of "
                  f"{options.steps} steps, by processor time."]}
    write_json(options.json, result)
    print(markdown(result))


if __name__ == "__main__":
    main()
