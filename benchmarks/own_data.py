"""Ours, simpler methods and peers on tables that several views share: ``python -m benchmarks.own_data``.

On `mfeat` (2,000 handwritten digits in six views) and `simulated-cells` (counts and proteins), with every view of the
training items, and with 20 and 50 percent of them missing: class read from 1, some and all views, R2 of the views that
were left out, share of their numbers within 90 percent intervals, CPU seconds of fitting, memory.

The same for everybody: the training items that lack views; a logistic regression on what a method says of an item (kNN
votes itself), fitted on the training items, each through those of the views S that it has; test items that have all of
S. R2 and intervals are those of the metric `imputation`, over all sets of so many views and all that are not in them.

Every row is a process of its own with one thread, and is kept in a file of results as soon as it is done: what stands
there is not computed again (``--again`` does). Peers live in an environment of their own, so that they change nothing
here::

    python -m venv ../peers && ../peers/bin/pip install mofapy2 multivae scvi-tools
    python -m benchmarks.own_data --peers ../peers/bin/python
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import own_data_rivals as rivals
from benchmarks.memory import peak_memory
from benchmarks.report import markdown
from bvae.data import dataset
from bvae.data.columns import Column
from bvae.data.own.own_data import OwnData
from bvae.io.storage import read_json, write_text
from bvae.metrics.imputation import Errors, errors, mean_of, r2, scale_of
from bvae.models.methods import title_of
from bvae.training.sizing import sized

SETS = {"mfeat": "mfeat: 2,000 handwritten digits, six views",
        "simulated-cells": "simulated cells: counts and proteins"}
MISSING = (0.0, 0.2, 0.5)
OURS = ("mwb-vae", "wb-vae-tc", "wb-vae", "mopoe-vae", "mmvae", "mvtcae", "mvae")
PEERS = {"mofa": "mofapy2", "multivae-mopoe": "multivae", "multivae-mvtcae": "multivae", "totalvi": "scvi"}
"""Method -> the module that it needs."""
TITLES = {"ridge": "columns, ridge", "neighbours": "10 nearest neighbours", "pca": "PCA, gaps at the mean",
          "factors": "factor analysis with gaps (EM)", "mofa": "MOFA+", "multivae-mopoe": "MultiVae's MoPoE",
          "multivae-mvtcae": "MultiVae's MVTCAE", "totalvi": "totalVI"}
SOME = 10
"""Sets of a number of views that are tried, spread over all."""
KEPT = Path(__file__).parent / "results" / "own_data.json"


def problem_of(name: str, missing: float, quick: bool = False) -> tuple[rivals.Problem, OwnData]:
    """What everybody gets, and the same training items as a data set.

    Of each training item every view is left out with the same probability, the same for all methods, and one is kept.
    """
    train, test = dataset(name, "train"), dataset(name, "test")
    assert isinstance(train, OwnData)
    assert isinstance(test, OwnData)
    if quick:
        train, test = (d.rows(np.linspace(0, len(d) - 1, 120).round().astype(int), d.split) for d in (train, test))
    train, test = flat(train), flat(test)
    names = list(train.modalities)
    g = np.random.default_rng(7)
    chance = g.random((len(names), len(train)))
    have = train.present.numpy() & (chance >= missing)
    best = np.where(train.present.numpy(), chance, -1.0).argmax(0)
    have[best, np.arange(len(train))] = True
    x = {n: torch.where(torch.from_numpy(have[m])[:, None], train.x[n], torch.nan) for m, n in enumerate(names)}
    data = OwnData(name, list(train.modalities.values()), x, torch.from_numpy(have), train.ids, train.label_columns,
                   "train", classes=train.classes)
    blank = {n: torch.where(test.present[m][:, None], test.x[n], torch.nan) for m, n in enumerate(names)}
    return rivals.Problem(
        tuple(names), tuple(train.modalities[n].kind == "counts" for n in names),
        tuple(x[n].double().numpy() for n in names), tuple(blank[n].double().numpy() for n in names),
        data.y.numpy(), test.y.numpy(), sized(data).settings["latent_dim"]), data


def flat(data: OwnData) -> OwnData:
    """The data with pictures as tables of their pixels, which everybody can read."""
    modalities, x = [], {}
    for m in data.modalities.values():
        picture = not m.columns
        columns = tuple(Column(f"pixel {k + 1}", "number") for k in range(math.prod(m.shape)))
        modalities.append(dataclasses.replace(m, kind="vector", shape=(len(columns),), columns=columns)
                          if picture else m)
        x[m.name] = data.x[m.name].flatten(1)
    return OwnData(data.name, modalities, x, data.mask, data.ids, data.label_columns, data.split,
                   classes=data.classes)


def sizes(count: int) -> tuple[int, int]:
    """Of `count` views: some, and all but one."""
    return (count + 1) // 2, count - 1


def subsets(count: int) -> list[tuple[int, ...]]:
    """Sets of views that everybody is asked for: one, some, all but one, all."""
    out = []
    for k in sorted({1, *sizes(count), count}):
        every = list(itertools.combinations(range(count), k))
        out += [every[j] for j in np.linspace(0, len(every) - 1, min(SOME, len(every))).round().astype(int)]
    return out


def judged(problem: rivals.Problem, answer: rivals.Answer, data: OwnData) -> dict[str, dict[str, Any]]:
    """Figures of a method: "probe", "r2", "within": number of views -> {"mean", "se"} or None; "r2_of": view, given all
    others -> the same."""
    count, n = len(problem.names), len(problem.y_test)
    test = [torch.from_numpy(v) for v in problem.test]
    scales = [scale_of(data.modalities[name], torch.from_numpy(problem.train[m])[data.present[m]])
              for m, name in enumerate(problem.names)]
    right: dict[int, list[Tensor]] = {}
    gathered: dict[int, list[Errors]] = {}
    of_view: dict[str, Any] = {}
    for members in subsets(count):
        there = torch.stack([~test[m].isnan().all(1) for m in members]).all(0)
        said = answer(members)
        hits = torch.full((n,), torch.nan, dtype=torch.float64)
        guess = said.classes if said.classes is not None else rivals.probe(said.train, problem.y_train, said.test)
        hits[there] = torch.from_numpy(guess == problem.y_test).double()[there]
        right.setdefault(len(members), []).append(hits)
        for m, (mean, deviation) in said.views.items():
            truth = torch.where(there[:, None], test[m], torch.nan)
            found = errors(scales[m], truth, torch.from_numpy(mean),
                           None if deviation is None else torch.from_numpy(deviation))
            gathered.setdefault(len(members), []).append(found)
            if len(members) == count - 1:
                of_view[problem.names[m]] = r2(found)
    out: dict[str, dict[str, Any]] = {"probe": {}, "r2": {}, "within": {}, "r2_of": of_view}
    for k, values in right.items():
        out["probe"][str(k)] = mean_of(torch.stack(values).nanmean(0))
    for k, lists in gathered.items():
        over_sets = Errors(*(torch.stack(values).nanmean(0) for values in zip(*lists, strict=True)))
        out["r2"][str(k)], out["within"][str(k)] = r2(over_sets), mean_of(over_sets.within)
    return out


def row(name: str, missing: float, method: str, quick: bool, peers: str | None) -> dict[str, Any]:
    """Fit a method in this process and judge it."""
    torch.set_num_threads(1)
    problem, data = problem_of(name, missing, quick)
    taken = -time.process_time()
    if method in PEERS:
        assert peers is not None
        with tempfile.TemporaryDirectory() as folder:
            answer, facts = rivals.elsewhere(problem, data, method, subsets(len(problem.names)), peers, Path(folder),
                                             quick)
    else:
        answer = rivals.ours(data, problem, method, quick) if method in OURS else rivals.SIMPLE[method](problem)
        taken += time.process_time()
        facts = {"megabytes": peak_memory() / 1024}
    began = time.process_time()
    found = judged(problem, answer, data)
    if method in ("ridge", "neighbours"):  # they fit when they are asked
        taken += time.process_time() - began
    return {"set": name, "missing": missing, "method": method, **found, "seconds": taken, **facts}


def absent(peers: str | None) -> dict[str, str]:
    """Peers that cannot be had -> why."""
    if peers is None:
        return dict.fromkeys(PEERS, "no --peers")
    code = "import importlib.util, sys; print([m for m in sys.argv[1:] if importlib.util.find_spec(m) is None])"
    found = subprocess.run([peers, "-c", code, *PEERS.values()], capture_output=True, encoding="utf-8", check=True)
    return {method: f"{module} is not installed there" for method, module in PEERS.items()
            if repr(module) in found.stdout}


def title(method: str) -> str:
    """A method as the table calls it."""
    return TITLES.get(method) or title_of(method)


def table(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Rows of one data set, whose views have these names: columns and lines, without a title."""
    count = len(names)
    some, most = sizes(count)
    views = sorted({1, some, count})
    figures = [(f"probe, {k} of {count} views", "probe", str(k)) for k in views]
    if count == 2:
        figures += [(f"R2 of {name}", "r2_of", name) for name in names]
    else:
        figures += [(f"R2, {k} given", "r2", str(k)) for k in sorted({1, some, most})]
    figures.append((f"in 90 %, {some} given", "within", str(some)))

    def value(row: dict[str, Any], figure: str, key: str) -> str | None:
        found = row[figure].get(key)
        return found and f"{found['mean']:.3f}"

    return {"columns": ["method", *(words for words, _, _ in figures), "CPU s", "MB"],
            "rows": [[title(r["method"]), *(value(r, figure, key) for _, figure, key in figures), round(r["seconds"]),
                      round(r["megabytes"])] for r in rows]}


def report(rows: Sequence[dict[str, Any]], without: dict[str, str]) -> dict[str, Any]:
    """Rows as a file of results, see `benchmarks.report`."""
    tables = []
    for name, missing in itertools.product(SETS, MISSING):
        mine = sorted((r for r in rows if (r["set"], r["missing"]) == (name, missing)),
                      key=lambda r: [*OURS, *TITLES].index(r["method"]))
        if not mine:
            continue
        names = list(dataset(name, "test").modalities)
        tables.append({**table(names, mine), "title": f"{SETS[name]}; " + (
            f"{missing:.0%} of the views missing in training" if missing else "every view in training")})
    return {"title": "Own data: ours, simpler methods, peers", "command": "python -m benchmarks.own_data",
            "tables": tables,
            "notes": [f"Not in the tables: {title(method)}, {why}." for method, why in without.items()]}


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", metavar="PYTHON", help="interpreter of the environment that has the peers")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--missing", nargs="+", type=float, choices=MISSING, default=list(MISSING))
    parser.add_argument("--methods", nargs="+", choices=[*OURS, *TITLES], default=[*OURS, *TITLES])
    parser.add_argument("--kept", type=Path, help="file of results (default: results/own_data.json here; "
                        "none with --quick)")
    parser.add_argument("--again", action="store_true", help="compute the rows asked for even if they are there")
    parser.add_argument("--quick", action="store_true", help="few items, few steps: whether it runs")
    parser.add_argument("--row", action="store_true", help="one row, here; prints it as JSON")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compute what is not there yet, and print all tables."""
    options = options_of(arguments)
    if options.row:
        found = row(options.sets[0], options.missing[0], options.methods[0], options.quick, options.peers)
        print(json.dumps(found))
        return
    kept: Path | None = options.kept or (None if options.quick else KEPT)
    rows: list[dict[str, Any]] = read_json(kept)["done"] if kept and kept.exists() else []
    without = {m: why for m, why in absent(options.peers).items() if m in options.methods}
    for missing, name, method in itertools.product(options.missing, options.sets, options.methods):
        if method in without or (method == "totalvi" and name != "simulated-cells"):
            continue
        here = [r for r in rows if (r["set"], r["missing"], r["method"]) == (name, missing, method)]
        if here and not options.again:
            continue
        command = [sys.executable, "-m", "benchmarks.own_data", "--row", "--sets", name, "--missing", str(missing),
                   "--methods", method, *(["--quick"] if options.quick else []),
                   *(["--peers", options.peers] if options.peers else [])]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False,
                              env={**os.environ, "OMP_NUM_THREADS": "1"})
        if done.returncode:
            print(f"{name}, {missing:g}, {method}: failed\n{done.stderr[-2000:]}", file=sys.stderr, flush=True)
            without[method] = "it failed: " + (done.stderr.strip().splitlines() or ["no word"])[-1][:200]
            continue
        rows = [r for r in rows if r not in here] + [json.loads(done.stdout.splitlines()[-1])]
        if kept:
            write_text(kept, json.dumps({**report(rows, {}), "done": rows}, indent=1) + "\n")
        print(f"{name}, {missing:g}, {method}: {rows[-1]['seconds']:.0f} s", file=sys.stderr, flush=True)
    without = {m: why for m, why in without.items() if m not in {r["method"] for r in rows}}
    result = report(rows, without)
    if kept:
        write_text(kept, json.dumps({**result, "done": rows}, indent=1) + "\n")
    print(markdown(result))


if __name__ == "__main__":
    main()
