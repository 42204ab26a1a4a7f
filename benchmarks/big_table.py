"""A table of many items and columns through the whole way, by folder: ``python -m benchmarks.big_table``.

A CSV of two views is written that eight causes lie behind, with a class and with gaps. Then every command that a
person types is run in a process of its own: `bvae data init`, `bvae data`, `bvae train`, `bvae maps`, `bvae embed`; of
each the seconds, and the most memory that it and its children held at one time, are printed. The default is small; the
largest that is meant is ``--items 100000 --columns 2000 --time 2m``, whose CSV has nearly 2 GB.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.browser import machine
from benchmarks.report import markdown
from bvae.io.storage import write_json

RESULTS = Path(__file__).with_name("results") / "big_table.json"
ROOT = Path(__file__).resolve().parents[1]
METHOD, FILE = "mwb-vae", "measured.csv"
CAUSES, CLASSES, GAPS, BLOCK = 8, 12, 0.01, 5_000
EVERY = 0.1
"""Seconds between two looks at the memory of a process."""


class Step(NamedTuple):
    """What a command took: its name, seconds, MB at the most; "" or how it failed."""

    name: str
    seconds: float
    megabytes: float
    failed: str


def write_table(path: Path, items: int, columns: int) -> None:
    """A CSV: id, class, three quarters of the columns of one view and the rest of another, in blocks of rows."""
    import pyarrow as pa
    from pyarrow import csv

    draw = np.random.default_rng(0)
    mixing, middles = draw.normal(size=(CAUSES, columns)) / np.sqrt(CAUSES), 2 * draw.normal(size=(CLASSES, CAUSES))
    first = columns * 3 // 4
    names = [f"{'rna' if k < first else 'protein'}_{k + 1:04d}" for k in range(columns)]
    with path.open("wb") as file:
        for start in range(0, items, BLOCK):
            n = min(BLOCK, items - start)
            of = draw.integers(CLASSES, size=n)
            values = np.tanh((middles[of] + draw.normal(size=(n, CAUSES))) @ mixing) + draw.normal(
                scale=0.3, size=(n, columns))
            values[draw.random(values.shape) < GAPS] = np.nan
            cells = [pa.array(v, from_pandas=True) for v in values.round(5).T]
            table = pa.table([pa.array([f"item{start + k:06d}" for k in range(n)]),
                              pa.array([f"type {k + 1}" for k in of]), *cells], names=["id", "class", *names])
            csv.write_csv(table, file, csv.WriteOptions(include_header=not start, quoting_style="none"))


def family(process: int) -> Iterator[int]:
    """A process and all that it started, and they started."""
    yield process
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
        for child in children.split():
            yield from family(int(child))


def held(process: int) -> float:
    """MB that a process and all that it started hold; what they share is counted once for each."""
    total = 0.0
    for one in family(process):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{one}/status").read_text(encoding="ascii", errors="replace").splitlines()
            total += sum(float(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024
    return total


def ran(name: str, command: list[str]) -> Step:
    """A command, watched until it ends."""
    began, most = time.perf_counter(), 0.0
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                most = max(most, held(process.pid))
                time.sleep(EVERY)
        finally:
            process.kill()
            process.wait()
        seconds = time.perf_counter() - began
        said.seek(0)
        words = said.read().decode(errors="replace").strip().splitlines()
    failed = f"exit status {process.returncode}: {words[-1] if words else ''}"[:200] if process.returncode else ""
    step = Step(name, seconds, most, failed)
    print(f"{name:40} {seconds:8.1f} s {most:8,.0f} MB  {failed}", flush=True)
    return step


def commands(folder: Path, limit: str, tsne: bool) -> list[tuple[str, list[str]]]:
    """What a person types, in order: a name, and what comes after ``bvae``."""
    data, out = str(folder), str(folder.parent)
    listed = [
        ("data init", ["data", "init", data, "--overwrite"]),
        ("data", ["data", data]),
        (f"train --time {limit} --no-evaluate",
         ["train", data, METHOD, "--time", limit, "--no-evaluate", "--overwrite"]),
        ("maps, PCA", ["maps", data, METHOD, "--to", f"{out}/pca.csv"]),
        ("embed", ["embed", data, METHOD, "--to", f"{out}/embedding.parquet"]),
        ("contributions", ["contributions", data, METHOD, "--to", f"{out}/who.csv"]),
    ]
    return listed + [("maps, t-SNE", ["maps", data, METHOD, "--map", "tsne", "--to", f"{out}/tsne.csv"])] * tsne


def told(steps: Sequence[Step], options: argparse.Namespace, size: float) -> dict[str, Any]:
    """The steps as a file of results, see `benchmarks.report`; `size` is that of the CSV in MB."""
    return {
        "title": f"A table of {options.items:,} items and {options.columns:,} columns, by folder",
        "command": f"python -m benchmarks.big_table --items {options.items} --columns {options.columns} "
                   f"--time {options.time}" + " --tsne" * options.tsne,
        "columns": ["step", "seconds", "MB at the most"],
        "rows": [[f"bvae {s.name}" + (f" ({s.failed})" if s.failed else ""), round(s.seconds, 1), round(s.megabytes)]
                 for s in steps],
        "notes": [f"A CSV of {size:,.0f} MB with {GAPS:.0%} gaps and two views, {METHOD}; "
                  + ", ".join(f"{k} {v}" for k, v in machine().items()) + "."]}


def main() -> None:
    """Measure, print, and write the figures down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=5_000, metavar="N")
    parser.add_argument("--columns", type=int, default=200, metavar="N")
    parser.add_argument("--time", default="20s", metavar="TIME", help="of training (default: 20s)")
    parser.add_argument("--tsne", action="store_true", help="the t-SNE map too")
    parser.add_argument("--only", nargs="+", metavar="STEP", help="steps by the first word of their names, "
                        "where a folder has been kept")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="for the files, which stay; those there are used")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    known = {name.split(",")[0].split(" --")[0] for name, _ in commands(Path(), "", True)}
    if options.items < 100 or options.columns < 8 or not set(options.only or known) <= known:
        parser.error(f"--items must be at least 100, --columns at least 8, --only among {', '.join(sorted(known))}")

    with tempfile.TemporaryDirectory() as aside:
        folder = (options.keep or Path(aside)).resolve() / "table"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE
        if not path.exists():
            write_table(path, options.items, options.columns)
        size = path.stat().st_size / 1e6
        print(f"{options.items:,} items of {options.columns:,} columns, {size:,.0f} MB", flush=True)
        steps: list[Step] = []
        for name, command in commands(folder, options.time, options.tsne):
            if not options.only or name.split(",")[0].split(" --")[0] in options.only:
                steps.append(ran(name, [sys.executable, "-m", "bvae", *command]))
                result = told(steps, options, size)
                write_json(options.json, result)  # a run takes long: what is known stays, whatever comes
    print(f"\n{markdown(result)}\nwritten to {options.json}")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
