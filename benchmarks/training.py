"""Speed of training beside MultiVae, and against the machine: ``python -m benchmarks.training``.

Every figure comes from one run of this script. Ours and the peer's steps run in a process each, in turn, round after
round, so that whatever else the machine does hits both; ratios are medians of the rounds' ratios, with their smallest
and largest. Both get the same networks (the published ones of PolyMNIST), items, batch size, likelihood and precision
(float32); before anything is timed, both losses are compared at the same weights and posteriors. "step" is a step on
batches that are there already, "with data" composes or loads them too, each its own way. Then the same with our own
default networks and precision, the share of the machine's peak that a step reaches, and where its time goes.

The peer is optional, see :mod:`benchmarks.peer`; without it only our own side is measured. How long both take to be
good is :mod:`benchmarks.quality`. ``python -m benchmarks.report`` prints the tables.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import peer
from benchmarks.report import RESULTS, figure, markdown
from bvae.data.base import Batch
from bvae.io.storage import write_json
from bvae.models.methods import METHODS
from bvae.training.settings import Settings

CAUTION = {
    "mmvae": "our mmvae decodes one expert's sample of each item, the peer's MMVAE those of all M experts",
    "mmvae-dreg": "all M experts' samples are decoded on both sides, K = 1, DReG",
}


# -- a process for each side -------------------------------------------------------------------------------------------


def side(spec: dict[str, Any]) -> peer.Ours | peer.Theirs:
    """What a worker is told to be."""
    if spec["side"] == "peer":
        return peer.Theirs(spec["method"], spec["batch_size"])
    return peer.Ours(spec["method"], spec["side"] == "ours", spec["batch_size"])


def worker(spec: dict[str, Any]) -> None:
    """Read "KIND STEPS" lines, do them, answer with seconds of the clock and of the processor, as JSON lines."""
    torch.set_num_threads(spec["threads"])
    peer.PUBLISHED["latent_dim"], peer.OWN["width"] = spec["latent_dim"], spec["width"]
    it = side(spec)
    own, ready = it.batches(), list(itertools.islice(peer.Ours(spec["method"], True, spec["batch_size"]).batches(), 4))
    it.step(ready[0])
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        kind, steps = line.split()
        batches: Iterator[Batch] = itertools.cycle(ready) if kind == "step" else own
        clock, processor = time.perf_counter(), time.process_time()
        for batch in itertools.islice(batches, int(steps)):
            it.step(batch)
        print(json.dumps([time.perf_counter() - clock, time.process_time() - processor]), flush=True)


class Worker:
    """A process that is one side."""

    def __init__(self, **spec: Any) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": str(spec["threads"])}
        self.process = subprocess.Popen([sys.executable, "-m", "benchmarks.training", "--worker", json.dumps(spec)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
                                        env=environment)
        self._answer()

    def _answer(self) -> Any:
        for line in self.process.stdout:
            try:
                return json.loads(line)
            except ValueError:
                continue  # something that a library prints
        raise RuntimeError("a worker of the benchmark has ended; its message is above")

    def time(self, kind: str, steps: int) -> list[float]:
        """Seconds of the clock and of the processor."""
        self.process.stdin.write(f"{kind} {steps}\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def in_turn(method: str, sides: list[str], options: argparse.Namespace) -> dict[str, dict[str, list[list[float]]]]:
    """side -> kind -> round -> seconds of the clock and of the processor of `options.steps` steps."""
    workers = {name: Worker(side=name, method=method, batch_size=options.batch_size, threads=options.threads,
                            latent_dim=options.latent_dim, width=options.width)
               for name in sides}
    times: dict[str, dict[str, list]] = {name: {"step": [], "data": []} for name in sides}
    for number, kind in itertools.product(range(options.rounds), ("step", "data")):
        order = sides if number % 2 == 0 else sides[::-1]
        for name in order:
            times[name][kind].append(workers[name].time(kind, options.steps))
    for w in workers.values():
        w.close()
    return times


def ratio(theirs: list[list[float]], ours: list[list[float]], column: int = 0) -> str:
    """Median, smallest and largest of the rounds' ratios."""
    values = [a[column] / b[column] for a, b in zip(theirs, ours, strict=True)]
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def rate(times: list[list[float]], options: argparse.Namespace) -> float:
    """Median items per second."""
    return figure(options.steps * options.batch_size / statistics.median(t[0] for t in times))


def beside_the_peer(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Identical networks at float32, and our defaults."""
    there = peer.installed()
    rows: dict[str, list[list]] = {"ours": [], "defaults": []}
    losses, cautions = [], []
    for method in options.methods:
        if there and method in peer.PEERS:
            if method != "mmvae":  # another estimator, see CAUTION
                ours, theirs = peer.agreement(method)
                losses.append([METHODS[method].title, f"{ours:,.2f}", f"{theirs:,.2f}"])
                if abs(ours - theirs) > 1e-5 * abs(theirs):
                    raise AssertionError(f"{method}: our loss {ours} and the peer's {theirs} differ")
            cautions += [f"{METHODS[method].title}: {CAUTION[method]}."] if method in CAUTION else []
        sides = ["ours", "defaults"] + ["peer"] * (there and method in peer.PEERS)
        times = in_turn(method, sides, options)
        for name, table in rows.items():
            row = [METHODS[method].title, rate(times[name]["step"], options), rate(times[name]["data"], options)]
            if "peer" in times:
                row += [rate(times["peer"]["step"], options), rate(times["peer"]["data"], options)]
                row += [ratio(times["peer"][kind], times[name][kind]) for kind in ("step", "data")]
                row += [ratio(times["peer"]["step"], times[name]["step"], column=1)]
            table.append(row + [None] * (8 - len(row)))
            print(f"{method}, {name}: {row[1:]}", flush=True)
    columns = ["method", "ours, step", "ours, with data", "peer, step", "peer, with data", "ratio, step",
               "ratio, with data", "ratio, step, by processor time"]
    notes = [] if there else [peer.HOW_TO_INSTALL]
    tables = [
        {"title": "Identical networks, float32: items per second", "columns": columns, "rows": rows["ours"],
         "notes": [*notes, *cautions, "Ratios: median (smallest-largest) of the rounds. The optimisers are AdamW here "
                   "(fused, gradients clipped) and Adam there (the default of its trainer)."]},
        {"title": "Our default networks and precision, the peer as above: items per second", "columns": columns,
         "rows": rows["defaults"], "notes": notes},
    ]
    if losses:
        tables.append({"title": "Loss at the same weights and posteriors, without noise", "rows": losses,
                       "columns": ["method", "ours", "peer"],
                       "notes": ["The peer's MMVAE adds the items of a batch up, where we average, and has no beta: "
                                 "its loss is divided by the batch size and compared at beta 1. Its MoPoE cuts the "
                                 "batch into blocks in order, one for each subset, the last one longer; we draw the "
                                 "places. In both, its assignment is used here on both sides."]})
    return tables


# -- the machine -------------------------------------------------------------------------------------------------------


def peak(dtype: torch.dtype) -> tuple[float, int]:
    """Best rate of square matrix products, FLOP/s, and at which size."""
    best, size = 0.0, 0
    for n in (256, 384, 512, 768, 1024, 1536, 2048):
        a, b = torch.randn(n, n).to(dtype), torch.randn(n, n).to(dtype)
        out = a @ b
        for _ in range(max(3, 4096 // n)):
            start = time.perf_counter()
            torch.mm(a, b, out=out)
            rate_here = 2 * n**3 / (time.perf_counter() - start)
            if rate_here > best:
                best, size = rate_here, n
    return best, size


def fastest(action: Callable[[], Any], times: int) -> tuple[float, float]:
    """Median and smallest seconds of the processor of some calls; with one thread that is the clock without waiting."""
    seconds = []
    for _ in range(times):
        start = time.process_time()
        action()
        seconds.append((time.process_time() - start) / torch.get_num_threads())
    return statistics.median(seconds), min(seconds)


def share_of_peak(options: argparse.Namespace) -> dict[str, Any]:
    """Floating-point operations of a step, and which share of the peak they reach."""
    rows = []
    for method, published in itertools.product(options.methods, (False, True)):
        it = peer.Ours(method, published, options.batch_size)
        batch = next(it.batches())
        it.step(batch)
        with (mock.patch("bvae.models.acceleration.transposed.FEW_CHANNELS", 0),
              mock.patch("bvae.models.acceleration.convolution.has_tiles", return_value=False),
              FlopCounterMode(display=False) as counter):  # as `torch.nn` does them, without zeros that we add
            it.step(batch)
        dtype = torch.bfloat16 if "bf16" in it.run.fabric._precision.precision else torch.float32
        best, size = peak(dtype)
        seconds, _ = fastest(lambda it=it, batch=batch: it.step(batch), options.steps)
        flops = counter.get_total_flops()
        rows.append([METHODS[method].title, "published" if published else "default", str(dtype).split(".")[1],
                     figure(flops / 1e9), figure(1000 * seconds), figure(flops / seconds / 1e9), figure(best / 1e9),
                     size, f"{100 * flops / seconds / best:.1f} %"])
        print(rows[-1], flush=True)
    return {"title": "Share of the measured peak that a step reaches",
            "columns": ["method", "networks", "precision", "GFLOP a step", "ms a step", "GFLOP/s", "peak GFLOP/s",
                        "peak at size", "share"], "rows": rows,
            "notes": ["Operations of convolutions and matrix products of `torch.nn`'s layers, forward and backward, "
                      "counted by torch; seconds are those of the processor. Peak: the fastest product of two square "
                      "matrices of the same type and number of threads."]}


PARTS = {
    "convolutions, forward": ("mkldnn_convolution", "convolution", "_slow_conv", "slow_conv"),
    "convolutions, backward": ("convolution_backward", "slow_conv_transpose2d_backward"),
    "matrix products": ("mm", "addmm", "bmm", "linear", "matmul"),
    "copies, casts and layouts": ("copy_", "_to_copy", "to", "clone", "contiguous", "cat", "stack", "pixel_shuffle",
                                  "index", "gather", "where", "repeat", "index_select", "constant_pad_nd", "im2col",
                                  "pixel_unshuffle", "_reshape_copy"),
    "optimiser and clipping": ("_fused_adamw_", "_foreach_norm", "linalg_vector_norm", "_foreach_mul_", "_fused_adam_"),
    "activations": ("silu", "silu_backward", "relu", "threshold_backward", "sigmoid", "sigmoid_backward", "softplus",
                    "softplus_backward", "clamp_min"),
    "random numbers": ("randn", "normal_", "rand", "randperm", "random_", "multinomial", "uniform_", "randint"),
}


def part_of(name: str) -> str:
    """Part of a step that an operation of the profiler counts to."""
    if not name.startswith(("aten::", "mkldnn")):
        return "Python and the profiler's own ranges"
    short = name.split("::")[-1]
    for part, names in PARTS.items():
        if short in names:
            return part
    return "other operations (elementwise, sums)"


def where_time_goes(options: argparse.Namespace) -> dict[str, Any]:
    """Self time of the operations of steps with our defaults, composition of the data included."""
    rows = []
    for method in options.profile:
        it = peer.Ours(method, False, options.batch_size)
        batches = it.batches()
        for _ in range(2):
            it.step(next(batches))
        compose = fastest(lambda batches=batches: next(batches), options.steps)[0]
        batch = next(batches)
        step = fastest(lambda it=it, batch=batch: it.step(batch), options.steps)[0]
        with profile(activities=[ProfilerActivity.CPU]) as record:
            for _ in range(options.steps):
                it.step(batch)
        parts: dict[str, float] = {}
        for event in record.key_averages():
            part = part_of(event.key)
            parts[part] = parts.get(part, 0.0) + event.self_cpu_time_total
        whole = sum(parts.values())
        for part, value in sorted(parts.items(), key=lambda item: -item[1]):
            rows.append([METHODS[method].title, part, figure(1000 * step * value / whole),
                         f"{100 * value / whole:.1f} %"])
        rows.append([METHODS[method].title, "composing a batch, beside the step", figure(1000 * compose),
                     f"{100 * compose / step:.1f} %"])
    return {"title": "Where a step of our defaults goes", "columns": ["method", "part", "ms", "share of the step"],
            "rows": rows, "notes": ["Shares by torch's profiler, self time of the operations; milliseconds are these "
                                    "shares of a step without it."]}


# -- all of it ---------------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--threads", type=int, default=1)
    top.add_argument("--methods", nargs="+", default=[*peer.PEERS, "wb-vae", "mwb-vae"], choices=list(METHODS))
    top.add_argument("--profile", nargs="+", default=["mwb-vae"], choices=list(METHODS), metavar="METHOD",
                     help="methods whose step is taken apart (default: mwb-vae)")
    top.add_argument("--batch-size", type=int, default=256)
    top.add_argument("--latent-dim", type=int, default=64,
                     help="of the networks that both sides share (the published models: 512; default: %(default)s)")
    top.add_argument("--width", type=int, default=Settings.width, help="of our own networks (default: %(default)s)")
    top.add_argument("--rounds", type=int, default=9)
    top.add_argument("--steps", type=int, default=10, help="in each round")
    top.add_argument("--only", nargs="+", choices=["peer", "peak", "profile"], default=["peer", "peak", "profile"])
    top.add_argument("--json", type=Path, default=RESULTS / "training.json", help="where the results go")
    top.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    return top


def main() -> None:
    """All tables."""
    options = parser().parse_args()
    if options.worker:
        return worker(options.worker)
    torch.set_num_threads(options.threads)
    peer.PUBLISHED["latent_dim"], peer.OWN["width"] = options.latent_dim, options.width
    if not peer.installed():
        print(peer.HOW_TO_INSTALL)
    tables = beside_the_peer(options) if "peer" in options.only else []
    tables += [share_of_peak(options)] if "peak" in options.only else []
    tables += [where_time_goes(options)] if "profile" in options.only else []
    processor = torch.cpu.get_capabilities().get("cpu_name", "unknown processor")
    result = {"title": "Training speed", "command": " ".join(["python -m benchmarks.training", *sys.argv[1:]]),
              "tables": tables,
              "notes": [f"{processor}, {options.threads} thread{'s' * (options.threads > 1)}, torch "
                        f"{torch.__version__}; batch {options.batch_size}, latent dimension of the shared networks "
                        f"{options.latent_dim}, width of our own {options.width}, {options.rounds} rounds of "
                        f"{options.steps} steps."]}
    write_json(options.json, result)
    print(markdown(result))
    return None


if __name__ == "__main__":
    main()
