"""A running app, and pages of a browser that are watched."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
import weakref

import pytest

from tests.support import ROOT

QUIET = [  # nothing of the browser itself talks to the network
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]
PATIENCE = 180  # seconds for a server to start or to end, on a machine that is busy with other things too
LEFT: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
"""Of a browser: contexts that are free, by their size and options, with the origins that they have seen."""
STORED = "local_storage,indexeddb,cache_storage,service_workers"
WIDTHS = {"desktop": (1440, 1000), "phone": (390, 844)}


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(url, process):
    """Whether an address answered before the process ended, or time was up."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=2)
            return True
        except OSError:
            time.sleep(0.3)
    return False


@contextlib.contextmanager
def served(script, log, *options, **environment):
    """The address of a Streamlit script while it runs; its output goes to the file `log`.

    Live views are off, whose models a server exports in the background, unless the environment says otherwise.
    """
    port = free_port()
    with open(log, "w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port), "--server.headless",
             "true", *options],
            cwd=ROOT, stdout=output, stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "BVAE_LIVE": "off", **environment},
        )
    url = f"http://localhost:{port}"
    if not wait_for(f"{url}/_stcore/health", process):
        pytest.fail(f"{script} did not start:\n{log.read_text()}")
    try:
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def emptied(tab, origins):
    """Forget what earlier pages of this tab's context have stored; files that were fetched are kept."""
    tab.context.clear_cookies()
    session = tab.context.new_cdp_session(tab)
    for origin in origins:
        session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": STORED})
    session.detach()


@contextlib.contextmanager
def watched(chromium, width, height, **options):
    """A page that fails the test on console errors and on requests that leave.

    Its context may be one of the same options that another test has left: it holds nothing any more but the files of
    the app, so that they are not fetched and compiled once more.
    """
    free = LEFT.setdefault(chromium, {}).setdefault((width, height, *sorted(options.items())), [])
    context, origins = free.pop() if free else (
        chromium.new_context(viewport={"width": width, "height": height}, **options), set())
    tab = context.new_page()
    emptied(tab, origins)
    tab.on("request", lambda r: origins.add("/".join(r.url.split("/")[:3])) if r.url.startswith("http") else None)
    problems: list[str] = []
    # Streamlit's own client looks for its server below the page's address first and finds it above: two 404s.
    tab.on("response", lambda r: problems.append(f"{r.status} {r.url}")
           if r.status >= 400 and "/_stcore/" not in r.url else None)
    tab.on("console", lambda m: problems.append(m.text)
           if m.type == "error" and "the server responded with a status of 404" not in m.text else None)
    tab.on("pageerror", lambda e: problems.append(str(e)))
    tab.on("request", lambda r: problems.append(f"left for {r.url}")
           if not r.url.startswith(("http://localhost", "ws://localhost", "data:", "blob:")) else None)
    yield tab
    for page in context.pages:
        page.close()
    free.append((context, origins))
    assert not problems, problems
