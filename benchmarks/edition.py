"""What a static edition weighs, and how soon it shows something: ``python -m benchmarks.edition``.

Three methods on PolyMNIST are published into a folder, which ``python -m http.server`` serves; a Chromium with an empty
cache opens each page. Bytes over the wire are those of the files that the page asked for, after gzip, as static hosts
send them (``python -m http.server`` itself does not compress). A page's first picture is there at its first contentful
paint; its first live frame when something was decoded in the browser.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from bvae.app.edition.models import open_model
from bvae.app.edition.publishing import DISK, WIRE, publish
from bvae.cli.publish import ITEMS, MODELS
from bvae.io.storage import write_json
from tests.support.chromium import executable

RESULTS = Path(__file__).parent / "results" / "edition.json"
ROUNDS = 3
PARTS = {"runtime/": "what executes networks (onnxruntime-web)", "models/": "networks, beliefs and maps",
         "data/": "items", "assets/": "scripts and styles", "": "pages"}
LIVE = {"explore.html": "#explore", "latent-space.html": "#latent", "compare.html": "#compare",
        "generate.html": "#draw"}
"""Pages that decode, and the element that counts what was decoded."""
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder, by ``python -m http.server``: its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory",
                                str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def visit(browser: Any, base: str, page: str, files: dict[str, Any]) -> dict[str, float | None]:
    """One visit with an empty cache: bytes and milliseconds."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(urlsplit(request.url).path.lstrip("/") or "index.html"))
    tab.goto(f"{base}/{page}")
    live = None
    if page in LIVE:
        tab.wait_for_function(f"() => document.querySelector('{LIVE[page]}').dataset.decoded")
        live = tab.evaluate("() => performance.now()")
    else:
        tab.wait_for_load_state("networkidle")
    painted = tab.evaluate(PAINTED)
    context.close()
    sizes = [files[name] for name in set(asked) if name in files]
    return {"wire": sum(s["wire"] for s in sizes), "bytes": sum(s["bytes"] for s in sizes), "painted": painted,
            "live": live}


def measured(rounds: int) -> dict[str, Any]:
    """The results."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "edition"
        written = publish(folder, [open_model(name, ITEMS) for name in MODELS])
        manifest = written.manifest
        files = manifest["files"]
        kinds: dict[str, list[int]] = {}
        for name, size in files.items():
            kind = next(text for start, text in PARTS.items() if name.startswith(start))
            wire, disk, count = kinds.get(kind, [0, 0, 0])
            kinds[kind] = [wire + size["wire"], disk + size["bytes"], count + 1]
        with served(folder) as base, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable())
            pages = [p for p in (*manifest["pages"], "lesson-poe.html") if p in files]
            visits = {page: [visit(browser, base, page, files) for _ in range(rounds)] for page in pages}
            browser.close()

    def middle(page: str, what: str) -> float | None:
        found = [v[what] for v in visits[page] if v[what] is not None]
        return statistics.median(found) if found else None  # type: ignore[type-var]

    return {
        "title": "A static edition of three methods on PolyMNIST", "command": "python -m benchmarks.edition",
        "tables": [
            {"title": "What it weighs", "columns": ["part", "MB over the wire", "MB on disk", "files"],
             "rows": [*([text, wire / 1e6, disk / 1e6, count] for text, (wire, disk, count) in kinds.items()),
                      ["all of it", manifest["wire"] / 1e6, manifest["bytes"] / 1e6, len(files)],
                      ["at most", WIRE / 1e6, DISK / 1e6, None]]},
            {"title": "One visit with an empty cache",
             "columns": ["page", "MB over the wire", "first picture, ms", "first live frame, ms"],
             "rows": [[page, (middle(page, "wire") or 0) / 1e6, middle(page, "painted"), middle(page, "live")]
                      for page in visits]}],
        "notes": [f"{', '.join(MODELS)}, {ITEMS} items; median of {rounds} visits from localhost."]}


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    result = measured(options.rounds)
    write_json(options.json, result)
    for table in result["tables"]:
        print(table["title"])
        for row in table["rows"]:
            print("  ", row)


if __name__ == "__main__":
    main()
