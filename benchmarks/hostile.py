"""Hostile inputs to everything that takes one: ``python -m benchmarks.hostile [--inputs 10000] [--seed 0]``.

Links, uploaded posteriors, means for a map, drawings and pictures, texts, and config.json, each with inputs that are
damaged good ones, well-formed nonsense, and noise. An input is handled if it is taken or refused with the error that
its reader documents; anything else is a failure. Beside it the figures that no single call shows: the most memory that
one input took, what was opened for writing, and what was executed or unpickled, which Python's audit hooks tell.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy
from PIL import Image, ImageDraw

import bvae
from benchmarks.memory import peak_memory
from bvae.app.beliefs.selection import items_in
from bvae.app.compare import pins
from bvae.app.components.playground import scenes
from bvae.data import DataError, drawings, uploads
from bvae.io.storage import StorageError, write_json
from bvae.runs import isolated, supervisor
from bvae.training.checkpoint import CONFIG, checkpoints_root, load_weights, read_checkpoint

RESULTS = Path(__file__).parent / "results" / "hostile.json"
WORDS = ("", "0", "-1", "nan", "inf", "1e999", "9" * 400, "../../etc/passwd", "<script>alert(1)</script>",
         "' OR 1=1 --", "\x00", "\u202e", "😀" * 50, "%00", "${7*7}", "__import__('os')", "1-999999999", "1,2,,3",
         "a" * 100_000)
"""What people try in a field of a link."""
LABELS = ("effector memory CD8-positive, alpha-beta T cell", "effector memory CD8-positive, alpha-beta T cell, late",
          "می‌خواهم", "میخواهم", "\u202eabc", "abc", "2", "10", "", "x" * 200, "x" * 201, "a\x00b", "\ud800", "nan")
"""What people call a class."""
WATCHED = ("open", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pickle.find_class", "socket.connect")


class Target(NamedTuple):
    """A reader, inputs for it, and the errors with which it may refuse them."""

    name: str
    make: Callable[[random.Random], Any]
    call: Callable[[Any], Any]
    refuses: tuple[type[Exception], ...]


# -- inputs ----------------------------------------------------------------------------------------------------------


def text(r: random.Random) -> str:
    """A word that people try, noise, or both."""
    noise = "".join(chr(r.choice((r.randrange(32, 127), r.randrange(0x20, 0xD7FF)))) for _ in range(r.randrange(40)))
    return r.choice((r.choice(WORDS), noise, noise + r.choice(WORDS)))


def damaged(content: bytes, r: random.Random) -> bytes:
    """Bytes with some changed, cut, doubled or inserted."""
    out = bytearray(content)
    for _ in range(r.randrange(1, 6)):
        at = r.randrange(len(out) + 1)
        match r.randrange(5):
            case 0 if out:
                out[min(at, len(out) - 1)] = r.randrange(256)
            case 1:
                del out[at:]
            case 2:
                out[at:at] = r.randbytes(r.randrange(1, 64))
            case 3:
                out[at : at + r.randrange(1, 64)] = b""
            case _:
                out += out[:at][-4096:]
    return bytes(out)


def posteriors(r: random.Random) -> bytes:
    """An ``npz``: good, or with arrays of any type, shape and name, or with files that are no arrays; then damaged."""
    good = {"mu_a": np.zeros((3, 2)), "sigma_a": np.ones((3, 2)), "labels": np.arange(3)}
    for _ in range(r.choice((0, 0, 1, 2, 3))):
        key = r.choice(("mu_a", "sigma_a", "mu_b", "sigma_b", "labels", "name", "thumb_a", text(r)[:50] or "x"))
        shape = tuple(r.choice((0, 1, 2, 3, 40)) for _ in range(r.randrange(5)))
        values = np.full(shape, r.choice((0.0, 1.0, -1.0, np.nan, np.inf, 1e300)))
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            good[key] = values.astype(r.choice(("f2", "f4", "f8", "i1", "u8", "c16", "?", "U3", "S2", ">f4")))
    match r.randrange(6):
        case 0:
            good["labels"] = np.array([r.choice(LABELS) for _ in range(3)])
        case 1:
            good["sigma_a"] = np.full((3, 2), r.choice((-7.0, 0.0, 1e-30, 1e30)))  # log-variances, variances
        case 2:
            good["mu_a"] = means(r, (3, 2))
    file = io.BytesIO()
    kind = r.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(file, "w", kind) as packed:  # doubled names
        for key, values in good.items():
            one = io.BytesIO()
            np.lib.format.write_array(one, values, allow_pickle=False)
            packed.writestr(f"{key}.npy".replace("\x00", ""), one.getvalue())
        extra = r.randrange(8)
        if extra == 0:  # an array of objects: a pickle
            one = io.BytesIO()
            np.lib.format.write_array(one, np.array([{}], dtype=object), allow_pickle=True)
            packed.writestr("mu_a.npy", one.getvalue())
        elif extra == 1:  # a header that promises far more than there is
            header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({10**r.randrange(3, 16)}, 2), }}"
            packed.writestr("mu_a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
        elif extra == 2:  # zeros that unpack to much
            packed.writestr("mu_a.npy", bytes(r.randrange(1, 30) * 2**20), zipfile.ZIP_DEFLATED)
        elif extra == 3:
            packed.writestr("../../outside.npy", b"x")
    content = file.getvalue()
    return content if r.random() < 0.5 else damaged(content, r)


def tensors(r: random.Random) -> bytes:
    """A ``.safetensors`` file: good, or with arrays, texts or promises of any kind; then damaged."""
    arrays: dict[str, Any] = {"mu_a": np.zeros((3, 2)), "sigma_a": np.ones((3, 2)), "labels": np.arange(3)}
    words = {"classes": json.dumps(["x", "y", "z"]), "name": "n"}
    for _ in range(r.choice((0, 0, 1, 2, 3))):
        key = r.choice(("mu_a", "sigma_a", "mu_b", "sigma_b", "present_a", "labels", "name", text(r)[:50] or "x"))
        shape = tuple(r.choice((0, 1, 2, 3, 40)) for _ in range(r.randrange(5)))
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            arrays[key] = np.full(shape, r.choice((0.0, 1.0, -1.0, np.nan, np.inf, 1e300))).astype(
                r.choice(("f2", "f4", "f8", "i1", "u8", "c8", "?", "u1")))
    if r.random() < 0.3:
        words[r.choice(("classes", "name", "format"))] = r.choice(
            (text(r), json.dumps([r.choice(LABELS[:-2]) for _ in range(3)]), "[" * 5000))
    content = safetensors.numpy.save(arrays, words)
    length = int.from_bytes(content[:8], "little")
    match r.randrange(6):
        case 0:  # a header that promises something else
            header = json.dumps(jumble(json.loads(content[8 : 8 + length]), r)).encode()
            content = len(header).to_bytes(8, "little") + header + content[8 + length :]
        case 1:  # a header of any length
            content = (2 ** r.randrange(64)).to_bytes(8, "little") + content[8:]
        case 2:  # damage where it is read
            content = damaged(content[: 8 + length], r) + content[8 + length :]
        case 3:
            content = damaged(content, r)
    return content


def means(r: random.Random, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Means without spread, of any size, with duplicates, constant columns, NaN, of few items or none; or good ones."""
    rng = np.random.default_rng(r.randrange(2**32))
    shape = shape or (r.choice((0, 1, 2, 3, 4, 5, 12, 30)), r.choice((0, 1, 2, 3, 16)))
    points = r.choice((0.0, 0.0, 5.0, -1e6, 1e300)) + 10.0 ** r.choice((-300, -42, -30, -9, 0, 0, 9, 30, 300)) * (
        rng.normal(size=shape))
    if len(points):
        if r.random() < 0.3:
            points[rng.integers(0, len(points), len(points) // 2)] = points[0]
        if r.random() < 0.2:
            points[:, : shape[1] // 2] = r.choice((0.1, 1e300))
        if r.random() < 0.1:
            points[-1:] = r.choice((np.nan, np.inf, 1e308))
    with np.errstate(all="ignore"):
        return points.astype(r.choice(("f2", "f4", "f4", "f8", "f8", "i8", "?"))) if r.random() < 0.9 else points.T


def written(r: random.Random) -> dict[str, Any]:
    """What `uploads.write` is given: anything that a person may hold."""
    n = r.choice((1, 3, 5))
    out: dict[str, Any] = {"loc": means(r, (n, 2))[None],
                           "scale": np.full((1, n, 2), r.choice((1.0, 1.0, 0.5, -2.0, 0.0))),
                           "modalities": [r.choice(("a", "a", "a", "16S", "rna.seq", "type", "joint", "a b", text(r)))]}
    values = (*LABELS, 1, 2, 1.5, None, True, float("nan"), b"a", 2**70, {}, np.float32(2))
    if r.random() < 0.6:
        labels: Any = [r.choice(values) for _ in range(n)]
        out["labels"] = r.choice((labels, np.array([*labels, None], dtype=object)[:-1], np.arange(n) % 2 == 0,
                                  floats_as_labels(r, n), np.zeros((n, 2)), text(r)))
    if r.random() < 0.3:
        out["present"] = np.full((1, n), r.choice((True, 1, 0.0, 2, np.nan)))
    if r.random() < 0.3:
        out["thumbnails"] = {"a": np.full((n, 2, r.choice((2, 65))), r.choice((0.5, 200, 300, np.nan, True)))}
    if r.random() < 0.3:
        out["name"] = text(r)
    return {**out, "file_type": r.choice(list(uploads.FILE_TYPES))}


def floats_as_labels(r: random.Random, n: int) -> np.ndarray:
    """Labels as floats: whole, decimals, or not numbers."""
    return np.array([r.choice((0.0, 1.0, 10.0, 0.5, -1.0, np.nan, np.inf)) for _ in range(n)])


def picture(r: random.Random) -> bytes:
    """A PNG, JPEG, GIF or BMP of any size and mode, or a damaged one."""
    size = (r.choice((1, 7, 28, 600)), r.choice((1, 28, 300)))
    file = io.BytesIO()
    mode = r.choice(("L", "RGB", "1"))
    image = Image.new(mode, size, r.choice((0, 1, "white")))
    if r.random() < 0.7:  # a stroke on even paper
        ImageDraw.Draw(image).line((size[0] // 2, size[1] // 5, size[0] // 3, 4 * size[1] // 5), "black", 2)
    image.save(file, r.choice(("PNG", "JPEG", "GIF", "BMP")))
    return file.getvalue() if r.random() < 0.3 else damaged(file.getvalue(), r)


def jumble(value: Any, r: random.Random) -> Any:
    """JSON with some of its values replaced, removed or nested."""
    strange = (None, True, -1, 0, 2**70, 1e308, "", "../x", [], {}, [[[]]], text(r))
    if r.random() < 0.08:
        return r.choice(strange)
    if isinstance(value, dict):
        out = {k: jumble(v, r) for k, v in value.items() if r.random() > 0.03}
        return {**out, text(r)[:20]: r.choice(strange)} if r.random() < 0.1 else out
    if isinstance(value, list):
        return [jumble(v, r) for v in value if r.random() > 0.03] * r.choice((1, 1, 1, 2))
    return value


# -- what takes them -------------------------------------------------------------------------------------------------


def targets(work: Path) -> Iterator[Target]:
    """Every reader of something that comes from outside; config.json is read in the folder `work`."""
    scene = scenes.encode(scenes.preset(scenes.FIRST))
    drawing = drawings.encode(drawings.EXAMPLES["a 7"])
    yield Target("scene of a link", lambda r: link(scene, r), scenes.decode, (scenes.BadScene,))
    yield Target("drawing of a link", lambda r: link(drawing, r), drawings.decode, (drawings.BadDrawing,))
    yield Target("items of a link", text, lambda t: items_in(t, 1000), ())
    pin = "polymnist~mwb-vae~poe~m1.m2~5~3~2"
    assert pins.read(pin) is not None  # and the data that it is looked up in are loaded
    yield Target("pinned run of a link", lambda r: link(pin, r), pins.read, ())
    yield Target("uploaded posteriors", posteriors, uploads.read, (uploads.UploadError,))
    yield Target("uploaded tensors", tensors, uploads.read, (uploads.UploadError,))
    yield Target("posteriors to write", written, lambda given: uploads.read(uploads.write(**given)),
                 (uploads.UploadError,))
    isolated.neighbours(np.eye(3), 1)  # the process that computes is there before anybody watches
    yield Target("means for a map", means, a_map, (supervisor.RefusedError,))
    yield Target("uploaded picture", picture, drawings.read_picture, (drawings.BadDrawing,))
    for name in ("mnist-svhn-text", "celeba"):
        yield Target(f"text for {name}", text, bvae.dataset(name).encode_text, (DataError,))
    shipped = checkpoints_root() / "mnist-svhn-text" / "mwb-vae-2d"
    config = json.loads((shipped / CONFIG).read_text(encoding="utf-8"))
    (work / "model.safetensors").write_bytes((shipped / "model.safetensors").read_bytes())

    def read_config(content: Any) -> None:
        if isinstance(content, bytes):
            (work / CONFIG).write_bytes(content)
        else:
            write_json(work / CONFIG, content)
        load_weights(read_checkpoint(work))

    yield Target("config.json", lambda r: damaged(json.dumps(config).encode(), r) if r.random() < 0.3
                 else jumble(config, r), read_config, (StorageError,))


def a_map(points: np.ndarray) -> None:
    """All that a page computes for a map; raises what it raises, and AssertionError for what cannot be drawn."""
    flat, shares = isolated.pca(points)
    assert np.isfinite(flat).all()
    assert shares.min() >= 0
    assert shares.sum() <= 1
    for one in isolated.linked([points, points], [flat, flat[::-1]]):
        assert np.isfinite(one.aligned.points).all()
    assert isolated.gaps([points, points]).shape == (2, 2)
    if len(points) % 4 == 0:  # a second each
        assert np.isfinite(isolated.tsne(points, 30, 0)).all()


def link(good: str, r: random.Random) -> str:
    """A value of a link: a damaged good one, or any text."""
    if r.random() < 0.3:
        return r.choice((text(r), good))
    return damaged(good.encode(), r).decode("latin-1")


def run(inputs: int, seed: int, report: Callable[[str], None] = print) -> dict[str, Any]:
    """Give every target its share of the inputs.

    Returns
    -------
    dict
        A file of results for `benchmarks.report`, with "failures": what was neither taken nor refused.
    """
    rows, failures, happened = [], [], Counter()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        allowed = str(work)

        def watch(event: str, arguments: tuple) -> None:
            if not watching or event not in WATCHED:
                return
            if event == "open":
                path, mode = str(arguments[0]), arguments[1] or ""
                if not set(mode) & set("wax+") or path.startswith(allowed):
                    return
            happened[event] += 1

        watching = False
        sys.addaudithook(watch)
        everything = list(targets(work))
        for target in everything:
            r = random.Random(f"{seed} {target.name}")
            taken = refused = 0
            slowest, before = 0.0, peak_memory()
            count = inputs // len(everything) + (target is everything[0]) * (inputs % len(everything))
            for _ in range(count):
                value = target.make(r)
                watching, started = True, time.perf_counter()
                try:
                    target.call(value)
                    taken += 1
                except target.refuses:
                    refused += 1
                except BaseException as error:
                    failures.append(f"{target.name}: {type(error).__name__}: {error} for {value!r:.300}")
                finally:
                    watching = False
                slowest = max(slowest, time.perf_counter() - started)
            grown = (peak_memory() - before) / 1024
            rows.append([target.name, count, taken, refused, count - taken - refused, round(grown, 1),
                         round(1000 * slowest, 1)])
            report("  ".join(map(str, rows[-1])))
    events = ", ".join(f"{event}: {number}" for event, number in happened.items()) or "none"
    return {
        "title": "Hostile inputs", "command": f"python -m benchmarks.hostile --inputs {inputs} --seed {seed}",
        "columns": ["target", "inputs", "taken", "refused", "failures", "peak memory grew by, MB", "slowest, ms"],
        "rows": rows, "notes": [f"Processes, connections, unpickled classes and files written elsewhere: {events}."],
        "failures": failures, "events": dict(happened),
    }


def main() -> int:
    """Print the table, write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000, help="of all targets together (default 10,000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the results go")
    options = parser.parse_args()
    print("target, inputs, taken, refused, failures, peak memory grew by (MB), slowest (ms)")
    result = run(options.inputs, options.seed)
    print(result["notes"][0])
    print("\n".join(result["failures"][:20]))
    write_json(options.json, result)
    return 1 if result["failures"] or result["events"] else 0


if __name__ == "__main__":
    sys.exit(main())
