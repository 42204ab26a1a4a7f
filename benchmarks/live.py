"""How fast pictures follow a finger on Explore: ``python -m benchmarks.live``.

The app is started as a person starts it. A Chromium without a graphics card drags the point z, then the weights, of the
first model of PolyMNIST, whose five views are decoded in every frame. A frame's time is the work from its beginning
to what it has painted, and the interval from one painted frame to the next, as the live view counts both. Beside it the
same gesture by the server: how long the point's picture takes from the finger's lift to Python's answer. The model is
exported and the runtime fetched before; how long they take to be ready in an empty cache is measured too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bvae.io.storage import write_json

RESULTS = Path(__file__).with_name("results") / "live.json"
TARGET = 1000 / 30  # milliseconds
STAGE = ".bvae-live .stage"
READY = f"{STAGE}[data-ready=true]"
LIMIT = 300_000
GESTURE = """async (field, moves) => {
  const stage = field.closest('.stage');
  stage.live.frames.clear();
  const box = field.getBoundingClientRect();
  const tell = (type, k) => field.dispatchEvent(new PointerEvent(type, {
    pointerId: 7, button: 0, bubbles: true, clientX: box.left + box.width * (0.5 + 0.25 * Math.sin(k / 9)),
    clientY: box.top + box.height * (0.5 + 0.2 * Math.cos(k / 7))}));
  tell('pointerdown', 0);
  for (let k = 1; k <= moves; k++) {
    await new Promise(done => requestAnimationFrame(done));
    tell('pointermove', k);
  }
  await new Promise(done => requestAnimationFrame(done));
  const { times, painted } = stage.live.frames;
  const found = [times.slice(1), painted.slice(1).map((t, k) => t - painted[k])];
  tell('pointerup', moves);
  return found;
}"""
"""A finger that moves once in every frame of the browser, and lifts."""
PADS = {"point z": "plane", "weights": "balance"}


def dragged(page: Any, pad: str, moves: int) -> tuple[list[float], list[float], float]:
    """Work and intervals of the frames of one gesture, and from its end to Python's answer, all in milliseconds."""
    stage = page.locator(STAGE)
    before = stage.get_attribute("data-settled")
    times, intervals = page.locator(f"{STAGE} .{pad}").evaluate(GESTURE, moves)
    began = time.perf_counter()
    page.wait_for_selector(f"{STAGE}:not([data-settled='{before}'])", timeout=LIMIT)
    return times, intervals, 1000 * (time.perf_counter() - began)


def row(name: str, values: list[float], target: float | None) -> list[Any]:
    """Median, 95th percentile, and whether the median is below a target."""
    middle, late = statistics.median(values), statistics.quantiles(values, n=20)[-1]
    verdict = "" if target is None else f"{1000 / target:.0f} a second: {'met' if late <= target else 'missed'}"
    print(f"{name:52} median {middle:7.1f} ms, 95th percentile {late:7.1f} ms {verdict}", flush=True)
    return [name, round(middle, 1), round(late, 1), len(values), verdict]


def main() -> None:
    """Measure, print, and write the figures down."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--moves", type=int, default=120, metavar="N", help="of the mouse in each gesture")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="gestures of each kind")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    if options.moves < 40 or options.rounds < 2:
        parser.error("--moves must be at least 40, --rounds at least 2")

    from playwright.sync_api import sync_playwright

    from benchmarks.app import machine, served
    from bvae.app.components.live import runtime
    from tests.support.chromium import executable

    folder = runtime.fetch()
    rows: list[list[Any]] = []
    with tempfile.TemporaryDirectory() as cache:
        os.environ |= {"BVAE_CACHE": cache, "BVAE_LIVE": "on"}
        script = Path(__file__).resolve().parents[1] / "app.py"
        with served(script) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox", "--disable-gpu"])

            def opened() -> tuple[Any, float]:
                """The page with its live view, and how long after its first pictures that was ready."""
                page = browser.new_page(viewport={"width": 1440, "height": 1000})
                page.goto(f"{server.url}/explore")
                page.wait_for_selector(f"{STAGE} .tiles", timeout=LIMIT)
                began = time.perf_counter()
                page.wait_for_selector(READY, timeout=LIMIT)
                return page, 1000 * (time.perf_counter() - began)

            page, exported = opened()
            print(f"the first visitor of all waits {exported / 1000:.1f} s until the model is exported", flush=True)
            page.close()
            starts = []
            for _ in range(options.rounds):
                context = browser.new_context()  # an empty cache
                page = context.new_page()
                page.goto(f"{server.url}/explore")
                page.wait_for_selector(f"{STAGE} .tiles", timeout=LIMIT)
                began = time.perf_counter()
                page.wait_for_selector(READY, timeout=LIMIT)
                starts.append(1000 * (time.perf_counter() - began))
                context.close()
            page, _ = opened()
            page.locator(f"{STAGE} .pads").scroll_into_view_if_needed()
            for name, pad in PADS.items():
                gestures = [dragged(page, pad, options.moves) for _ in range(options.rounds)]
                rows.append(row(f"{name}: work of a frame, five views", [t for g in gestures for t in g[0]], TARGET))
                rows.append(row(f"{name}: from frame to frame", [t for g in gestures for t in g[1]], TARGET))
                rows.append(row(f"{name}: Python's answer, after the finger lifts", [g[2] for g in gestures], None))
            rows.append(row("ready to decode after the view's first pictures", starts, None))
            browser.close()
    size = {name: (folder / name).stat().st_size for name in (*runtime.FILES, *(f"{n}.gz" for n in runtime.FILES))}
    write_json(options.json, {
        "title": "Pictures that follow a finger", "command": "python -m benchmarks.live",
        "columns": ["what", "median, ms", "95th percentile, ms", "values", "target"], "rows": rows,
        "notes": [f"The runtime: {sum(size[n] for n in runtime.FILES) / 1e6:.1f} MB, "
                  f"{sum(size[f'{n}.gz'] for n in runtime.FILES) / 1e6:.1f} MB over the wire. The first visitor of all "
                  f"waited {exported / 1000:.0f} s until the model was exported.",
                  "Chromium without a graphics card; " + ", ".join(f"{k} {v}" for k, v in machine().items()) + "."]})
    print(f"\nwritten to {options.json}")


if __name__ == "__main__":
    main()
