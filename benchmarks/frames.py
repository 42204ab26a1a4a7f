"""How long the playground takes to draw while a hand drags: ``python -m benchmarks.frames``.

A real Chromium opens the page that the browser tests use, which holds the playground and nothing else, drags one expert
over many frames, and reads how many milliseconds of work each frame took, as the playground itself counts them: the
rules are computed anew and everything is drawn anew in each. 33 ms leave thirty frames a second, 16 ms sixty.
"""

from __future__ import annotations

import argparse
import json
import statistics
import urllib.parse
from pathlib import Path
from typing import Any

import numpy as np

from bvae.io.storage import write_json

RESULTS = Path(__file__).with_name("results") / "frames.json"
TARGET = 33.0  # milliseconds
SCENES: dict[str, tuple[int, list[str], str | None]] = {  # experts, rules, whose density is filled
    "three experts, three rules": (3, ["poe", "moe", "wasserstein"], "moe"),
    "six experts, five rules": (6, ["poe", "moe", "wasserstein", "mwb", "jeffreys"], "mwb"),
}
NEXT = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def scene(count: int, rules: list[str], fill: str | None) -> dict[str, Any]:
    """A scene of the playground with so many experts at random places, always the same ones."""
    draw = np.random.default_rng(0)
    experts = [{"mean": draw.uniform(-3, 3, 2).tolist(), "cov": [0.6, 0.2, 0.5], "present": True}
               for _ in range(count)]
    return {"v": 1, "experts": experts, "weights": [1] * count, "rules": rules, "fill": fill, "alpha": 0.5, "rho": 0.5,
            "prior": False, "layers": {"experts": True, "prior": True, "samples": False, "path": False},
            "view": "plane"}


def dragged(page: Any, url: str, what: dict[str, Any], moves: int) -> list[float]:
    """Milliseconds of work of a frame, a running mean that is read after each move of the mouse."""
    page.goto(f"{url}/?scene={urllib.parse.quote(json.dumps(what))}")
    handle = page.locator('.picture [data-control="0/mean"]')
    handle.wait_for()
    handle.hover()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.down()
    seen = []
    for step in range(moves):
        page.mouse.move(x + step % 30, y)
        page.evaluate(NEXT)
        seen.append(float(page.locator(".bvae-playground").get_attribute("data-frame-ms")))
    page.mouse.up()
    return seen[moves // 2:]  # the first frames compile


def main() -> None:
    """Measure, print, and write the figures down."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--moves", type=int, default=120, metavar="N", help="of the mouse, in each scene and round")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    if options.moves < 2 or options.rounds < 1:
        parser.error("--moves must be at least 2, --rounds at least 1")

    from playwright.sync_api import sync_playwright

    from benchmarks.app import machine, served
    from tests.support.chromium import executable

    script = Path(__file__).resolve().parents[1] / "tests" / "support" / "playground_harness.py"
    rows = []
    with served(script) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        for name, parts in SCENES.items():
            rounds = [dragged(page, server.url, scene(*parts), options.moves) for _ in range(options.rounds)]
            middle, most = statistics.median(v for seen in rounds for v in seen), max(max(seen) for seen in rounds)
            verdict = f"{TARGET:.0f} ms: {'met' if middle < TARGET else 'missed'}"
            rows.append([name, middle, most, options.rounds, verdict])
            print(f"{name:30} {middle:6.1f} ms a frame, at most {most:.1f}; {verdict}", flush=True)
        browser.close()
    write_json(options.json, {
        "title": "Frames of the playground", "command": "python -m benchmarks.frames",
        "columns": ["scene", "median, ms", "most, ms", "rounds", "target"], "rows": rows,
        "notes": ["Work of a frame while an expert is dragged, in Chromium without a graphics card; "
                  + ", ".join(f"{k} {v}" for k, v in machine().items()) + "."]})
    print(f"\nwritten to {options.json}")


if __name__ == "__main__":
    main()
