"""How smooth maps of many points are without a graphics card: ``python -m benchmarks.big_map``.

Data sets of two small tables are made and a tiny model is trained on each. Then Chromium, which has the processor only,
opens Latent space and does what hands do: moves the map, enlarges it, points, draws a lasso. Counted are the frames
that the browser shows (60 a second at most), the time until the map is there, and the bytes that came through the
WebSocket; and how many times as long a frame of the map takes as one of the smallest map in the same run.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.browser import ROOT, fresh, machine, percentile, served
from benchmarks.report import markdown
from bvae.io.storage import write_json

RESULTS = Path(__file__).with_name("results") / "big_map.json"
SIZES = (2_000, 10_000, 50_000)
TRAIN, CLASSES, COLUMNS, METHOD = 500, 10, 6, "mwb-vae"
PATIENCE = 180_000  # milliseconds
PLOT, PAINTED = ".js-plotly-plot .nsewdrag", ".bvae-map[data-painted]"
MAP = f"{PLOT}, {PAINTED} canvas"
RECORD = """() => {
    window.frames_ = [];
    window.recording = true;
    const next = (now) => { window.frames_.push(now); if (window.recording) requestAnimationFrame(next); };
    requestAnimationFrame(next);
}"""


class Gesture(NamedTuple):
    """While hands do something: frames a second, and milliseconds between two of them, the median and the 95th
    percentile. Where a frame takes long, short ones follow it, so that the median alone tells little.
    """

    rate: float
    median: float
    high: float


def bring(root: Path, points: int) -> str:
    """A data set that is kept in a folder, with so many test items, and a model that was trained on it; its name."""
    name = f"points-{points}"
    folder = root / "data" / name
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    items = points + TRAIN
    of = draw.integers(CLASSES, size=items)
    hidden = 3 * draw.normal(size=(CLASSES, 3))[of] + draw.normal(size=(items, 3))
    for view in ("first", "second"):
        values = hidden @ draw.normal(size=(3, COLUMNS)) + draw.normal(scale=0.3, size=(items, COLUMNS))
        asides = view == "first"
        head = ["id", *(f"{view}_{k}" for k in range(COLUMNS)), *(["class", "split"] if asides else [])]
        rows = (",".join([f"p{k}", *(f"{v:.4f}" for v in values[k]),
                          *([f"kind {of[k]}", "train" if k < TRAIN else "test"] if asides else [])])
                for k in range(items))
        (folder / f"{view}.csv").write_text("\n".join([",".join(head), *rows]) + "\n", encoding="utf-8", newline="\n")
    for command in (["data", "init", str(folder)],
                    ["train", str(folder), METHOD, "--steps", "150", "--latent-dim", "16", "--width", "32",
                     "--no-evaluate"]):
        subprocess.run([sys.executable, "-m", "bvae", *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    return name


@contextmanager
def frames(page: Any) -> Iterator[list[float]]:
    """Milliseconds between the frames that the browser shows until the end of the block."""
    found: list[float] = []
    page.evaluate(RECORD)
    yield found
    times = page.evaluate("() => { window.recording = false; return window.frames_; }")
    found += [b - a for a, b in itertools.pairwise(times)]


def gesture(page: Any, act: Callable[[float, float], None]) -> Gesture:
    """Measure what `act` does about the middle of the map."""
    box = page.locator(MAP).first.bounding_box()
    with frames(page) as found:
        act(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    return Gesture(1000 * len(found) / sum(found), percentile(found, 0.5), percentile(found, 0.95))


def choose(page: Any, plotly: str, ours: str) -> None:
    """Take a tool of the map."""
    if page.locator(PAINTED).count():
        page.get_by_role("button", name=ours, exact=True).click()
    else:
        page.locator(PLOT).first.hover()
        page.locator(f'[data-title="{plotly}"]').first.click()


def hands(page: Any, moves: int) -> dict[str, Gesture]:
    """What hands do, one after another."""

    def dragged(x: float, y: float) -> None:
        page.mouse.move(x, y)
        page.mouse.down()
        for k in range(moves):
            page.mouse.move(x + 7 * k % 160 - 80, y + 5 * k % 120 - 60)
        page.mouse.up()

    def enlarged(x: float, y: float) -> None:
        page.mouse.move(x, y)
        for k in range(moves):
            page.mouse.wheel(0, -40 if k % 40 < 20 else 40)
            page.wait_for_timeout(10)

    def pointed(x: float, y: float) -> None:
        for k in range(moves):
            page.mouse.move(x + 11 * k % 200 - 100, y + 7 * k % 160 - 80)

    found = {}
    choose(page, "Pan", "Move")
    found["move"] = gesture(page, dragged)
    if page.locator(PAINTED).count():  # Plotly's zoom is a box that is drawn, and then one picture
        found["zoom"] = gesture(page, enlarged)
        page.get_by_role("button", name="Whole map").click()
    choose(page, "Lasso Select", "Lasso")
    found["point"] = gesture(page, pointed)
    found["lasso"] = gesture(page, dragged)
    return found


def visited(playwright: Any, url: str, name: str, moves: int) -> tuple[float, float, str, dict[str, Gesture]]:
    """Seconds until the map is there, megabytes, what draws it, and the gestures, in a browser that knows nothing."""
    with fresh(playwright) as page:
        received = [0]

        def count(socket: Any) -> None:
            socket.on("framereceived", lambda content: received.__setitem__(0, received[0] + len(content)))

        page.on("websocket", count)
        began = time.perf_counter()
        page.goto(f"{url}/latent_space?data={name}&map=PCA", wait_until="commit")
        page.wait_for_selector(MAP, timeout=PATIENCE)
        seconds, megabytes = time.perf_counter() - began, received[0] / 1e6
        page.wait_for_timeout(3_000)
        drawn = "canvas" if page.locator(PAINTED).count() else "Plotly"
        return seconds, megabytes, drawn, hands(page, moves)


def main() -> None:
    """Measure, print, and write the figures down."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, nargs="+", default=list(SIZES), metavar="N")
    parser.add_argument("--moves", type=int, default=120, metavar="N", help="of the mouse, in each gesture")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    if min(options.points) < 100 or options.moves < 20:
        parser.error("--points must be at least 100, --moves at least 20")

    from playwright.sync_api import sync_playwright

    rows: list[list[Any]] = []
    with tempfile.TemporaryDirectory() as runs, sync_playwright() as playwright:
        os.environ["BVAE_RUNS"] = runs
        names = {points: bring(Path(runs), points) for points in sorted(options.points)}
        with served(ROOT / "app.py") as server:
            first: dict[str, Gesture] = {}
            for points, name in names.items():
                visited(playwright, server.url, name, 20)  # the server reads and encodes
                seconds, megabytes, drawn, found = visited(playwright, server.url, name, options.moves)
                first = first or found
                for what, (rate, middle, high) in found.items():
                    times = first[what].rate / rate if what in first else None
                    rows.append([points, drawn, what, rate, middle, high, times, seconds, megabytes])
                    print(f"{points:7,} {drawn:7} {what:6} {rate:5.1f} frames/s, {middle:6.1f} ms, 95 %: {high:6.1f}; "
                          f"map after {seconds:.1f} s, {megabytes:.2f} MB", flush=True)
    result = {
        "title": "Maps of many points, without a graphics card", "command": "python -m benchmarks.big_map",
        "columns": ["points", "drawn by", "gesture", "frames a second", "ms a frame, median", "95th percentile",
                    f"ms a frame, times that of {min(options.points):,} points", "map after, s", "MB by then"],
        "rows": rows,
        "notes": ["Chromium without a graphics card; the server had been asked for the same map before; "
                  + ", ".join(f"{k} {v}" for k, v in machine().items()) + "."]}
    write_json(options.json, result)
    print(f"\n{markdown(result)}\nwritten to {options.json}")


if __name__ == "__main__":
    main()
