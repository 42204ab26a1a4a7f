"""A class arrives: ``python -m benchmarks.arrive [--browsers 30] [--within 30] [--page explore]``.

So many browsers with empty caches open the same link within so many seconds, evenly spread, while the app is warm (one
visitor has been there before). Measured is how long each waits for its first picture, and when the last one has all.
Browsers and server share the machine: with 30 machines of their own the visitors wait less than this says.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.browser import ARGUMENTS, QUIET, ROOT, SIZE, WATCH, machine, path_of, percentile, served
from bvae.io.storage import write_json

RESULTS = Path(__file__).parent / "results" / "arrive.json"
PICTURE = "first picture"
LIMIT = 600_000  # milliseconds: thirty browsers on one machine take as long as they take


def processor_seconds(process: int) -> float:
    """What a process has taken of the processors so far, by Linux's own count."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def visit(browser: Any, url: str, after: float) -> dict[str, Any]:
    """One visitor, who comes so many seconds after the first: milliseconds to the first picture and to all, or what
    went wrong. The clock starts with the address, inside the page."""
    await asyncio.sleep(after)
    context = await browser.new_context(viewport=SIZE)
    try:
        await context.add_init_script(path=WATCH)
        page = await context.new_page()
        await page.goto(url, wait_until="commit", timeout=LIMIT)
        await page.wait_for_function(f"() => window.bvaeWatch?.quiet({QUIET})", timeout=LIMIT)
        seen = await page.evaluate("() => window.bvaeWatch.report()")
        if seen["error"]:
            return {"problem": "the page shows an error"}
        return {"picture": seen["parts"][PICTURE]["first"], "all": max(p["last"] for p in seen["parts"].values()),
                "came": seen["origin"]}
    except Exception as error:  # whatever the browser says is a finding
        return {"problem": str(error).splitlines()[0]}
    finally:
        await context.close()


async def arrive(browsers: int, within: float, url: str) -> list[dict[str, Any]]:
    """What each of the visitors has met, after one that does not count."""
    from playwright.async_api import async_playwright

    from tests.support.chromium import executable

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        await visit(browser, url, 0)
        gap = within / max(1, browsers - 1)
        found = await asyncio.gather(*(visit(browser, url, k * gap) for k in range(browsers)))
        await browser.close()
        return found


def result(
    found: list[dict[str, Any]], browsers: int, within: float, page: str, server: float | None = None,
) -> dict[str, Any]:
    """A file of results for `benchmarks.report`, with "problems"."""
    problems = [f["problem"] for f in found if "problem" in f]
    good = [f for f in found if "problem" not in f]
    rows = []
    for name, key in ((PICTURE, "picture"), ("all of the page", "all")):
        times = [f[key] for f in good]
        if times:
            first = min(f["came"] for f in good)
            last = max(f["came"] + f[key] for f in good) - first
            rows.append([name, len(times), round(statistics.median(times)), round(percentile(times, 0.95)),
                         round(max(times)), round(last / 1000, 1)])
    return {
        "title": "A class arrives",
        "command": f"python -m benchmarks.arrive --browsers {browsers} --within {within:g} --page {page}",
        "columns": ["until", "visitors", "median, ms", "95th percentile, ms", "slowest, ms",
                    "from the first arrival to the last one's, s"],
        "rows": rows,
        "notes": [f"Problems: {len(problems)}. Empty caches, arrivals spread evenly; browsers and server on one "
                  "machine: " + ", ".join(f"{k} {v}" for k, v in machine().items()) + ".",
                  *share_of_server(server, browsers)],
        "problems": problems, "visitors": [{k: round(v) if isinstance(v, float) else v for k, v in f.items()}
                                           for f in found]}


def share_of_server(seconds: float | None, browsers: int) -> list[str]:
    """A note on what the server alone took."""
    if seconds is None:
        return []
    return [f"Of the processors the server took {seconds:.1f} s for all of them, {seconds / browsers:.2f} s a visitor; "
            "the rest is the browsers' own."]


def main() -> int:
    """Print the table, write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.arrive", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browsers", type=int, default=30)
    parser.add_argument("--within", type=float, default=30, help="seconds from the first arrival to the last")
    parser.add_argument("--page", default="explore")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the results go")
    options = parser.parse_args()
    if options.browsers < 1 or options.within < 0:
        parser.error("--browsers must be at least 1, --within at least 0")
    with served(ROOT / "app.py") as app:
        started = time.monotonic()
        before = processor_seconds(app.process)
        found = asyncio.run(arrive(options.browsers, options.within, f"{app.url}/{path_of(options.page)}"))
        taken = processor_seconds(app.process) - before
        print(f"{time.monotonic() - started:.0f} s in all")
    results = result(found, options.browsers, options.within, options.page, taken)
    for row in [results["columns"], *results["rows"]]:
        print("  ".join(map(str, row)))
    print("\n".join([*results["notes"], *results["problems"][:20]]))
    write_json(options.json, results)
    return 1 if results["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
