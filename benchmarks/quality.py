"""Minutes of training until a model is good, ours and MultiVae's: ``python -m benchmarks.quality``.

Good: on embedded PolyMNIST, latent accuracy from all views of at least 0.95 and coherence from one view of at least
0.60, by the metrics and judges that the app reports. Both sides see the same freshly composed batches. Ours trains with
all defaults; MultiVae with the published networks and its trainer's optimiser, once with the published likelihood and
once with that of our recipe. Looks at a model cost no time here. The peer is optional, see :mod:`benchmarks.peer`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from benchmarks import peer
from benchmarks.report import RESULTS, figure, markdown
from bvae.io.storage import read_json, write_json
from bvae.metrics.base import EvaluationData
from bvae.metrics.coherence import coherent
from bvae.metrics.latent_accuracy import Probes
from bvae.models.methods import METHODS
from bvae.models.vae import MultimodalVAE
from bvae.training.checkpoint import checkpoints_root
from bvae.training.settings import Settings

TARGETS = {"latent accuracy": 0.95, "coherence": 0.60}
LOOKS = 1.1
"""Each look comes when the training has taken that many times as long as at the look before."""
SIDES: Mapping[str, tuple[bool, Mapping[str, Any]]] = {
    "ours": (True, {}),
    "ours, half as wide": (True, {"width": Settings.width // 2}),
    "MultiVae": (False, {}),
    "MultiVae, our likelihood": (False, {"likelihood": Settings.likelihood,
                                         "likelihood_scale": Settings.likelihood_scale}),
}
"""Side in the table -> whether it is our training, and what it changes in `peer.OWN` or `peer.PUBLISHED`."""
GLANCE = slice(None, None, 5)
"""Test items (sorted by class) by which coherence is judged first: a whole look takes several times as long."""
MARGIN = 0.04
"""How far below the target that coherence may be without a whole look."""


def coherence(model: MultimodalVAE, data: EvaluationData, items: slice) -> float:
    """From one view, of some test items."""
    experts, y = model.experts(data.test.subset(items)), data.test.y[items]
    generator = torch.Generator().manual_seed(0)
    views = [coherent(model, experts, (m,), data, y, generator) for m in range(len(model.modalities))]
    return float(torch.stack(views).mean())


def latent_accuracy(model: MultimodalVAE, data: EvaluationData) -> float:
    """From all views."""
    probes, everyone = Probes(model, data), tuple(range(len(model.modalities)))
    return float(probes.right(probes.fitted(everyone), everyone).double().mean())


@torch.inference_mode()
def look(model: MultimodalVAE, data: EvaluationData, whole: bool) -> dict[str, float] | None:
    """Both figures on all test items, or None where a glance at some shows that the targets are far and not `whole`."""
    model.eval()
    try:
        if not whole and coherence(model, data, GLANCE) < TARGETS["coherence"] - MARGIN:
            return None
        return {"latent accuracy": latent_accuracy(model, data), "coherence": coherence(model, data, slice(None))}
    finally:
        model.train()


def run(method: str, side: str, options: argparse.Namespace) -> dict[str, Any]:
    """Train until both targets are met or the time is up. "minutes", "steps", the targets' values at the last look."""
    torch.set_num_threads(options.threads)
    (own, changes), clock = SIDES[side], time.process_time if options.by_processor else time.perf_counter
    peer.PUBLISHED["latent_dim"] = options.latent_dim
    (peer.OWN if own else peer.PUBLISHED).update(changes)
    source = peer.Ours(method, not own, options.batch_size)
    it = source if own else peer.Theirs(method, options.batch_size)
    data, batches = EvaluationData("polymnist", checkpoints_root()), source.batches()
    limit = it.settings.steps if own else sys.maxsize
    seconds, next_look = 0.0, 10.0
    for step in itertools.count(1):
        start = clock()
        it.step(next(batches))
        seconds += clock() - start
        over = seconds > 60 * options.minutes or step >= limit
        if seconds > next_look or over:
            next_look = seconds * LOOKS
            last = look(it.model(), data, whole=over)
            print(f"  {method}, {side}: step {step}, {seconds / 60:.2f} min, {last}", file=sys.stderr, flush=True)
            reached = last is not None and all(last[name] >= target for name, target in TARGETS.items())
            if reached or over:
                return {"minutes": seconds / 60, "reached": reached, "steps": step, **last}
    raise AssertionError


def in_a_process(method: str, side: str, options: argparse.Namespace) -> dict[str, Any]:
    """`run` in a process of its own, so that no run inherits another's memory."""
    child = subprocess.run([sys.executable, "-m", "benchmarks.quality", *sys.argv[1:], "--run", method, side],
                           check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8",
                           env={**os.environ, "OMP_NUM_THREADS": str(options.threads)})
    return json.loads(child.stdout.splitlines()[-1])


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--methods", nargs="+", default=["mmvae", "mopoe-vae", "mwb-vae"], choices=list(METHODS))
    top.add_argument("--threads", type=int, default=1)
    top.add_argument("--batch-size", type=int, default=Settings.batch_size)
    top.add_argument("--latent-dim", type=int, default=64, help="of the peer's networks (the published models: 512)")
    top.add_argument("--minutes", type=float, default=30.0, help="at most, for each run")
    top.add_argument("--by-processor", action="store_true",
                     help="count minutes of the processor instead of the clock, on a busy machine")
    top.add_argument("--resume", action="store_true", help="go on where the same command was stopped")
    top.add_argument("--run", nargs=2, metavar=("METHOD", "SIDE"), help=argparse.SUPPRESS)
    return top


def main() -> None:
    """The table; the file of results is written before the first run and after every one."""
    options = parser().parse_args()
    if options.run:
        print(json.dumps(run(*options.run, options)))
        return
    there = peer.installed()
    result: dict[str, Any] = {
        "title": "Minutes until 0.95 latent accuracy (all views) and 0.60 coherence (one view)",
        "command": " ".join(["python -m benchmarks.quality", *(a for a in sys.argv[1:] if a != "--resume")]),
        "columns": ["method", "side", "minutes", "steps", *TARGETS], "rows": [],
        "notes": [f"Embedded PolyMNIST, batches of {options.batch_size}, minutes of the "
                  f"{'processor' if options.by_processor else 'clock'} with {options.threads} "
                  f"thread{'s' * (options.threads > 1)}; looks {100 * (LOOKS - 1):.0f} % of the time apart. Ours: all "
                  "defaults, or networks of half the width, to their last step at most. MultiVae: the published "
                  f"networks with {options.latent_dim} latent dimensions, beta {peer.PUBLISHED['beta']}, Adam at 1e-3, "
                  "the published Laplace likelihood or our recipe's normal one. Last two columns: at the last look.",
                  *([] if there else [peer.HOW_TO_INSTALL])]}
    runs = {(METHODS[method].title, side): (method, side)
            for method, side in itertools.product(options.methods, SIDES)
            if SIDES[side][0] or (there and method in peer.PEERS)}
    file, done = RESULTS / "quality.json", {}
    if options.resume and file.exists() and (before := read_json(file))["command"] == result["command"]:
        done = {tuple(row[:2]): row for row in before["rows"]}
    written = write(file, result, runs, done)
    for title in runs:
        if title not in done:
            out = in_a_process(*runs[title], options)
            minutes = figure(out["minutes"])
            done[title] = [*title, minutes if out["reached"] else f"not within {minutes}", out["steps"],
                           *(round(out[name], 3) for name in TARGETS)]
            written = write(file, result, runs, done)
    print(markdown(written))


def write(file: Path, result: dict[str, Any], runs: Iterable[tuple[str, str]], done: dict[tuple, list]) -> dict:
    """Write the rows that there are, in the order of the runs, and say which ones are missing; returns all of it."""
    missing = [f"{method} ({side})" for method, side in runs if (method, side) not in done]
    notes = [*result["notes"], *([f"Not measured yet: {', '.join(missing)}."] if missing else [])]
    result = {**result, "rows": [done[title] for title in runs if title in done], "notes": notes}
    write_json(file, result)
    return result


if __name__ == "__main__":
    main()
