"""What kills and damage do to checkpoints: ``python -m benchmarks.survival``.

Three experiments, each with real signals and real files in a temporary folder:

* writers: a process that does nothing but replace checkpoints is killed (SIGKILL) at random moments; after each kill
  every file has to be one that was written whole, and the next writer goes on from it;
* trainings: a training that saves its state after every step is killed at random moments and resumed until it is
  finished; weights, state and history have to be those of a run that nobody disturbed, bit for bit;
* damage: single flipped bytes, truncations and foreign files; a model that is loaded all the same has to be the right
  one.

Processes are forked from one that has imported everything, so that a kill costs milliseconds. Needs a Unix.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from bvae.io.locking import holder, locked
from bvae.io.storage import (
    DIGEST,
    StorageError,
    digest_of,
    read_json,
    read_tensors_and_metadata,
    sha256,
    write_json,
    write_stated,
    write_tensors,
)
from bvae.training import CheckpointError, Settings
from bvae.training.checkpoint import CONFIG, HISTORY, WEIGHTS, load_weights, read_checkpoint
from bvae.training.loop import STATE, OnStep, SaveEvery, Trainer, read_state, train

TINY = {"steps": 30, "batch_size": 20, "width": 4, "latent_dim": 2, "warmup_steps": 5, "precision": "32-true"}
CLOCKS = ("seconds", "items_per_second")  # columns of the history that no two runs have in common


def forked(work: Callable[[Callable[[], None]], None]) -> tuple[int, int]:
    """Run `work` in a child; it gets a function that tells us about progress. Returns its process and a pipe."""
    ours, theirs = os.pipe()
    process = os.fork()
    if process == 0:
        status = 1
        try:
            os.close(ours)
            work(lambda: os.write(theirs, b"."))
            status = 0
        except BaseException as error:  # a child must not come back
            print(f"child: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(status)
    os.close(theirs)
    return process, ours


def kill(process: int, pipe: int, after: int, delay: float) -> bool:
    """SIGKILL a child `delay` seconds after its sign of life number `after`; False if it had ended by itself."""
    for _ in range(after):
        if not os.read(pipe, 1):
            break
    time.sleep(delay)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    os.close(pipe)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise ChildProcessError("a child failed; its last words are above")
    return os.WIFSIGNALED(status)


# -- writers -----------------------------------------------------------------------------------------------------------


def version_tensors(k: int) -> dict[str, torch.Tensor]:
    """What version k of a file of tensors holds."""
    return {"x": torch.full((20_000,), float(k)), "y": torch.arange(k % 7 + 1)}


def put_version(folder: Path, k: int) -> None:
    """A state, weights, and a config.json with their hash, in the order in which training writes them."""
    write_tensors(folder / STATE, version_tensors(k), {"version": str(k)})
    write_tensors(folder / WEIGHTS, version_tensors(k), {"version": str(k)})
    config = {"version": k, "sha256": sha256(folder / WEIGHTS), "padding": ["x" * 50] * 200}
    write_stated(folder / CONFIG, config)


def version_of(path: Path) -> int:
    """The version of a file that is whole. Raises StorageError or ValueError for any other."""
    if path.suffix == ".json":
        content = read_json(path)
        if content.get(DIGEST) != digest_of(content):
            raise ValueError(f"{path}: damaged")
        return content["version"]
    tensors, metadata = read_tensors_and_metadata(path)
    wanted = version_tensors(k := int(metadata["version"]))
    if DIGEST not in metadata or tensors.keys() != wanted.keys() or not all(
            torch.equal(tensors[n], wanted[n]) for n in wanted):
        raise ValueError(f"{path}: not version {k}")
    return k


def writers(kills: int, folder: Path, draws: random.Random) -> dict[str, int]:
    """Kill writers; every file has to be whole each time. See the module."""
    out = dict.fromkeys(("kills", "files_checked", "files_whole", "versions_written", "leftovers_of_killed_writers",
                         "leftovers_after_the_next_start", "locks_left", "kills_between_weights_and_config"), 0)
    put_version(folder, 0)
    while out["kills"] < kills:
        def work(tell: Callable[[], None]) -> None:
            with locked(folder, "writing"):
                k = max(version_of(folder / name) for name in (STATE, WEIGHTS, CONFIG))
                while True:
                    tell()
                    k += 1
                    put_version(folder, k)

        out["kills"] += kill(*forked(work), after=1, delay=draws.uniform(0, 0.06))
        out["locks_left"] += holder(folder) is not None
        versions = []
        for name in (STATE, WEIGHTS, CONFIG):
            out["files_checked"] += 1
            try:
                versions.append(version_of(folder / name))
                out["files_whole"] += 1
            except (StorageError, ValueError, KeyError) as error:
                print(f"damaged: {error}", file=sys.stderr)
        if len(versions) == 3:
            state, weights, config = versions
            if not state >= weights >= config:
                raise AssertionError(f"files of versions {versions}: written in another order than stated")
            out["kills_between_weights_and_config"] += weights > config
            out["versions_written"] = state
        left = list(folder.glob(".*.tmp"))
        out["leftovers_of_killed_writers"] += len(left)
        with locked(folder, "looking"):
            out["leftovers_after_the_next_start"] += len(list(folder.glob(".*.tmp")))
    return out


# -- trainings ---------------------------------------------------------------------------------------------------------


def rows(folder: Path) -> list[dict[str, str]]:
    """The history without its clocks."""
    with open(folder / HISTORY, encoding="utf-8", newline="") as file:
        return [{k: v for k, v in row.items() if k not in CLOCKS} for row in csv.DictReader(file)]


def trainings(kills: int, folder: Path, draws: random.Random) -> dict[str, Any]:
    """Kill and resume a training; it has to end as an undisturbed one does. See the module."""
    settings = Settings.for_method("polymnist", "mwb-vae", **TINY)

    def run(where: Path) -> Callable[[Callable[[], None]], None]:
        def work(tell: Callable[[], None]) -> None:
            finish = Trainer.finish

            def telling(self: Trainer) -> None:
                tell()
                finish(self)

            Trainer.finish = telling
            train(settings, where, resume=(where / STATE).is_file(), progress=False,
                  callbacks=[SaveEvery(0.0), OnStep(lambda run: tell())])
        return work

    def reached(where: Path) -> int:
        return read_state(where / STATE)[1]["step"] if (where / STATE).is_file() else 0

    def undisturbed(where: Path) -> None:
        process, pipe = forked(run(where))
        os.waitpid(process, 0)
        os.close(pipe)

    train(dataclasses.replace(settings, steps=1), folder / "warm", progress=False)  # children find all imported
    whole = folder / "whole"
    undisturbed(whole)
    out: dict[str, Any] = {"kills": 0, "kills_while_the_checkpoint_is_written": 0, "runs": 0,
                           "weights_bit_identical": 0, "history_identical": 0,
                           "only_the_files_of_a_checkpoint_left": 0, "step_on_disk_after_each_kill": []}
    while out["kills"] < kills:
        parts = folder / f"parts-{out['runs']}"
        while out["kills"] < kills:
            left = TINY["steps"] - reached(parts)
            late = draws.random() < 0.3
            after = left + 1 if late else draws.randint(1, max(1, left // 2))
            killed = kill(*forked(run(parts)), after=after, delay=draws.uniform(0, 0.02))
            if not killed:
                break  # it was finished before
            out["kills"] += 1
            out["kills_while_the_checkpoint_is_written"] += late
            out["step_on_disk_after_each_kill"].append(reached(parts))
        if (parts / STATE).is_file() or not (parts / CONFIG).is_file():
            undisturbed(parts)
        elif killed:  # after its last file, with the lock: only the next start can tidy up; who ends does it himself
            with locked(parts, "looking"):
                pass
        out["runs"] += 1
        out["weights_bit_identical"] += (whole / WEIGHTS).read_bytes() == (parts / WEIGHTS).read_bytes()
        out["history_identical"] += rows(whole) == rows(parts)
        out["only_the_files_of_a_checkpoint_left"] += sorted(p.name for p in parts.iterdir()) == sorted(
            [CONFIG, HISTORY, WEIGHTS])
    return out


# -- damage ------------------------------------------------------------------------------------------------------------


def damages(path: Path, count: int, draws: random.Random) -> Iterator[tuple[str, bytes]]:
    """Kinds of damage of a file, and what it holds then: a flipped byte, a flipped bit, truncations, zeros, nothing."""
    content = path.read_bytes()
    every = range(len(content)) if len(content) <= count else sorted(
        {*range(count // 3), *range(len(content) - count // 6, len(content)),
         *(draws.randrange(len(content)) for _ in range(count // 2))})
    for position in every:
        for kind, mask in (("byte", 0xFF), ("bit", 1 << draws.randrange(8))):
            changed = bytearray(content)
            changed[position] ^= mask
            yield f"flipped {kind}", bytes(changed)
    sizes = {0, 1, 7, 8, 9, len(content) // 2, len(content) - 1, *(draws.randrange(len(content)) for _ in range(20))}
    for size in sorted(sizes):
        yield "truncated", content[:size]
    start = len(content) // 3
    yield "zeros", content[:start] + bytes(min(512, len(content) - start)) + content[start + 512:]
    yield "appended", content + b"\0"


def damage(folder: Path, count: int, draws: random.Random) -> dict[str, dict[str, int]]:
    """Damage every file of a checkpoint in turn and load it. A wrong model that loads raises AssertionError."""
    checkpoint = read_checkpoint(folder)
    right = load_weights(checkpoint).state_dict()
    state = read_state(folder / STATE)[0]
    out: dict[str, dict[str, int]] = {}
    for name in (WEIGHTS, CONFIG, STATE):
        path = folder / name
        before = path.read_bytes()
        figures = out.setdefault(name, {"damages": 0, "refused": 0, "read_and_right": 0})
        for kind, content in damages(path, count, draws):
            path.write_bytes(content)
            figures["damages"] += 1
            try:
                if name == STATE:
                    found, wanted = read_state(path)[0], state
                else:
                    again = read_checkpoint(folder)
                    found, wanted = load_weights(again).state_dict(), right
                    assert again.settings == checkpoint.settings, (name, kind, "other settings, silently")
                    assert again.modalities == checkpoint.modalities, (name, kind, "other modalities, silently")
            except (StorageError, CheckpointError):
                figures["refused"] += 1
                continue
            assert found.keys() == wanted.keys(), (name, kind, "another model, silently")
            assert all(torch.equal(found[k], wanted[k]) for k in wanted), (name, kind, "another model, silently")
            figures["read_and_right"] += 1
        path.write_bytes(before)
    return out


def make(folder: Path) -> None:
    """A tiny finished checkpoint that has a saved state beside it."""
    settings = Settings.for_method("polymnist", "wb-vae", **{**TINY, "steps": 2})

    def keep(step: int) -> None:
        if step == 2:
            (folder / "kept").write_bytes((folder / STATE).read_bytes())

    train(settings, folder, progress=False, callbacks=[SaveEvery(0.0), OnStep(lambda run: keep(run.step))])
    (folder / "kept").rename(folder / STATE)


def main() -> None:
    """Print the figures, and write them to a file if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--writer-kills", type=int, default=200)
    parser.add_argument("--training-kills", type=int, default=10)
    parser.add_argument("--positions", type=int, default=600, help="bytes of each file that are damaged")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    options = parser.parse_args()
    torch.set_num_threads(1)  # children of a process with a pool of threads would wait for it forever
    draws = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures: dict[str, Any] = {}

        def part(called: str, work: Callable[[], Any]) -> None:
            started = time.perf_counter()
            figures[called] = work()
            figures.setdefault("seconds", {})[called] = round(time.perf_counter() - started, 1)

        part("writers", lambda: writers(options.writer_kills, folder / "writers", draws))
        part("trainings", lambda: trainings(options.training_kills, folder / "trainings", draws))
        make(folder / "damage")
        part("damage", lambda: damage(folder / "damage", options.positions, draws))
    print(json.dumps(figures, indent=2))
    if options.json:
        write_json(options.json, figures)


if __name__ == "__main__":
    main()
