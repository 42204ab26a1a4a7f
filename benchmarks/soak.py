"""Many visitors at once: ``python -m benchmarks.soak [--sessions 20] [--minutes 10] [--pause 10]``.

Starts the app and opens it in so many browser sessions on different pages. Each changes a control, waits until the page
has answered, thinks a while, and changes another one. Counted are errors on pages, sessions whose item is suddenly
another one's, how long a change takes until the last number, picture or plot has followed, and the memory of the
server. Browser and server share the machine: on a server of its own the app is quicker than this says.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.app import PAGES, Change, step
from benchmarks.browser import ARGUMENTS, ROOT, machine, opened, parts, percentile, served, tab
from bvae.io.storage import write_json

RESULTS = Path(__file__).parent / "results" / "soak.json"
VISITED = ("explore", "generate", "compare", "latent_space", "your_data", "benchmarks")
ITEMS = {"explore": "item", "generate": "item", "compare": "item", "your_data": "my_item"}
"""Page -> key of the number that tells its sessions apart."""
CALM = 400  # milliseconds without a change after which a change has been answered
SLOWEST = 120.0  # seconds after which an answer counts as missing


class Visitor:
    """One session: what it does next, and what it has met."""

    def __init__(self, number: int, page: Any, name: str, pause: float) -> None:
        self.page, self.name, self.pause = page, name, pause
        self.r = random.Random(number)
        self.item = 7 * number + 3
        self.changes = [c for c in PAGES[name] if c.act is not step]  # the item stays its own
        self.turns = dict.fromkeys(range(len(self.changes)), 0)
        self.times: list[float] = []
        self.problems: list[str] = []
        self.acted: float | None = None
        self.due = time.monotonic()

    def open(self, url: str) -> None:
        """The page, with an item of its own."""
        query = f"?{ITEMS[self.name]}={self.item}" if self.name in ITEMS else ""
        opened(self.page, f"{url}/{self.name}{query}")
        self.think()

    def think(self) -> None:
        """Until the next change."""
        self.acted, self.due = None, time.monotonic() + self.r.expovariate(1 / self.pause)

    def look(self) -> None:
        """Act if it is time to, or see whether the page has answered."""
        now = time.monotonic()
        try:
            if self.acted is None:
                if now >= self.due:
                    self.act()
            elif self.page.evaluate(f"() => window.bvaeWatch.quiet({CALM})"):
                self.answered()
            elif now - self.acted > SLOWEST:
                self.problems.append(f"{self.name}: no answer within {SLOWEST:.0f} s")
                self.think()
        except Exception as error:  # whatever the browser says is a finding
            self.problems.append(f"{self.name}: {str(error).splitlines()[0]}")
            self.think()

    def act(self) -> None:
        k = self.r.randrange(len(self.changes))
        change: Change = self.changes[k]
        self.page.locator(f".st-key-{change.key}").first.scroll_into_view_if_needed()
        self.page.evaluate("() => window.bvaeWatch.arm()")
        change.act(self.page, change.key, self.turns[k])
        self.turns[k] += 1
        self.acted = time.monotonic()

    def answered(self) -> None:
        seen = self.page.evaluate("() => window.bvaeWatch.report()")
        if seen["error"]:
            self.problems.append(f"{self.name}: the page shows an error")
        if self.name in ITEMS:
            shown = self.page.locator(f".st-key-{ITEMS[self.name]} input").input_value()
            if shown != str(self.item):
                self.problems.append(f"{self.name}: item {shown} instead of {self.item}")
        if seen["began"] is not None:
            self.times.append(parts(seen)["all"])
        self.think()


def memory(process: int) -> float:
    """Megabytes that a process holds."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {process}: no VmRSS in its status")


def visit(sessions: int, minutes: float, pause: float) -> dict[str, Any]:
    """Run it; returns a file of results for `benchmarks.report`, with "problems"."""
    from playwright.sync_api import sync_playwright

    from tests.support.chromium import executable

    held: list[tuple[float, float]] = []
    with sync_playwright() as playwright, served(ROOT / "app.py") as app, ExitStack() as stack:
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        stack.callback(browser.close)
        visitors = [Visitor(k, stack.enter_context(tab(browser)), VISITED[k % len(VISITED)], pause)
                    for k in range(sessions)]
        for visitor in visitors:
            visitor.open(app.url)
        began = time.monotonic()
        for _ in ticks(minutes * 60):
            for visitor in visitors:
                visitor.look()
            if not held or time.monotonic() - began - held[-1][0] > 5:
                held.append((time.monotonic() - began, memory(app.process)))
    rows = []
    for name in dict.fromkeys(v.name for v in visitors):
        times = [t for v in visitors if v.name == name for t in v.times]
        if times:
            rows.append([name, sum(v.name == name for v in visitors), len(times), round(statistics.median(times)),
                         round(percentile(times, 0.95))])
    everything = [t for v in visitors for t in v.times]
    rows.append(["all", sessions, len(everything), round(statistics.median(everything)),
                 round(percentile(everything, 0.95))])
    problems = [p for v in visitors for p in v.problems]
    half = [m for at, m in held if at > 30 * minutes]
    about = ", ".join(f"{key} {value}" for key, value in machine().items())
    return {
        "title": "Many visitors at once",
        "command": f"python -m benchmarks.soak --sessions {sessions} --minutes {minutes:g} --pause {pause:g}",
        "columns": ["page", "sessions", "changes", "median, ms", "95th percentile, ms"], "rows": rows,
        "notes": [
            f"Problems: {len(problems)}. Memory of the server: {held[0][1]:.0f} MB at the beginning, {half[0]:.0f} MB "
            f"after half of the time, {held[-1][1]:.0f} MB at the end, {max(m for _, m in held):.0f} MB at most.",
            f"Browser and server on one machine: {about}."],
        "problems": problems, "memory": [[round(at), round(m)] for at, m in held],
    }


def ticks(seconds: float) -> Iterator[None]:
    """Again and again for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.05)


def main() -> int:
    """Print the table, write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--pause", type=float, default=10, help="seconds between an answer and the next change, mean")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the results go")
    options = parser.parse_args()
    result = visit(options.sessions, options.minutes, options.pause)
    for row in [result["columns"], *result["rows"]]:
        print("  ".join(map(str, row)))
    print("\n".join([*result["notes"], *result["problems"][:20]]))
    write_json(options.json, result)
    return 1 if result["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
