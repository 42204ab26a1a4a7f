"""A server as a person starts it, and browsers that come to it: what the benchmarks of the app share.

The app is started with the command of docs/start.md, ``streamlit run app.py``, on a free port and without opening a
browser; nothing else is set, so that what is measured is what a person gets.
"""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
EMPTY = Path(__file__).with_name("empty_page.py")
WATCH = Path(__file__).with_name("watch.js")
QUIET = 500  # milliseconds without a change after which a page counts as finished
LIMIT = 120_000  # milliseconds to wait for that
ARGUMENTS = ["--no-sandbox", "--disable-gpu"]
SIZE = {"width": 1440, "height": 1000}


class Server(NamedTuple):
    """A running Streamlit script: its address, when its process was started, in seconds, and the process."""

    url: str
    started: float
    process: int


@contextlib.contextmanager
def served(script: Path) -> Iterator[Server]:
    """Run a Streamlit script until the end of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryFile() as log:
        started = time.time()
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port), "--server.headless",
             "true"], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT)})
        try:
            url = f"http://localhost:{port}"
            while True:
                try:
                    urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).close()
                    break
                except OSError:
                    if process.poll() is not None or time.time() - started > LIMIT / 1000:
                        log.seek(0)
                        raise RuntimeError(f"{script} did not start:\n{log.read().decode()}") from None
                    time.sleep(0.02)
            yield Server(url, started, process.pid)
        finally:
            process.terminate()
            process.wait(timeout=20)


@contextlib.contextmanager
def tab(browser: Any) -> Iterator[Any]:
    """A page of a browser that has no cache yet, with the watcher in it."""
    context = browser.new_context(viewport=SIZE)
    context.add_init_script(path=WATCH)
    try:
        yield context.new_page()
    finally:
        context.close()


@contextlib.contextmanager
def fresh(playwright: Any) -> Iterator[Any]:
    """A page of a browser that was started for it, with a profile that nobody has used: nothing is cached anywhere."""
    from tests.support.chromium import executable

    with tempfile.TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=executable(), args=ARGUMENTS, viewport=SIZE)
        try:
            context.add_init_script(path=WATCH)
            yield context.pages[0] if context.pages else context.new_page()
        finally:
            context.close()


def finished(page: Any, about: str) -> dict[str, Any]:
    """What the watcher saw, once the page is quiet."""
    page.wait_for_function(f"() => window.bvaeWatch?.quiet({QUIET})", timeout=LIMIT)
    seen = page.evaluate("() => window.bvaeWatch.report()")
    if seen["error"]:
        raise RuntimeError(f"{about}: the page shows an error")
    if seen["began"] is None:
        raise RuntimeError(f"{about}: no click and no key press arrived")
    return seen


def opened(page: Any, url: str) -> dict[str, float]:
    """Milliseconds from an address to the last change of each part, and of all."""
    page.goto(url, wait_until="commit")
    return parts(finished(page, url))


def parts(seen: dict[str, Any]) -> dict[str, float]:
    """Milliseconds from the action to the last change of each part, and of all of them."""
    times = {part: when["last"] - seen["began"] for part, when in seen["parts"].items()}
    return {**times, "all": max(times.values())}


def path_of(name: str) -> str:
    """Of a page's address."""
    return {"home": "", "your_data": "your_data?bring=Beliefs+of+a+model+of+yours"}.get(name, name)


def percentile(values: Sequence[float], share: float) -> float:
    """With linear interpolation."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def machine() -> dict[str, Any]:
    """Where this ran."""
    import plotly
    import streamlit
    import torch

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"system": f"{platform.system()} {platform.machine()}", "cores": usable, "python": platform.python_version(),
            "torch": torch.__version__, "streamlit": streamlit.__version__, "plotly": plotly.__version__,
            "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None}
