"""Speed of the app in a real browser: ``python -m benchmarks.app``.

Starts the app and, beside it, an empty Streamlit page (`benchmarks/empty_page.py`), and drives both with Chromium, in
turn: every change of a widget on a page of the app is followed by one of a widget of the same kind on the empty page,
so that whatever else the machine does hits both. A time is that from the click or key press to the frame that shows the
last changed number, picture or plot, measured inside the page (`benchmarks/watch.js`); captions belong to their
pictures. Differences and ratios are medians over the pairs.

* cold: from the start of the server's process to the first picture of a page that is opened as soon as the server
  answers; nothing is loaded, no file is cached by the browser (the operating system's file cache is as it is);
* first: from the address to the first finished picture, plot or table, in a browser that was started for this visit
  with an empty profile, while the server is warm;
* open: from the address to the last change, while the server is warm;
* switch: the same by a link of the navigation, from another page;
* the changes: see `PAGES`.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.browser import (
    ARGUMENTS,
    EMPTY,
    ROOT,
    finished,
    fresh,
    machine,
    opened,
    parts,
    path_of,
    percentile,
    served,
    tab,
)
from bvae.app.pages import PAGES as PAGES_OF_APP
from bvae.io.storage import write_json

RESULTS = Path(__file__).with_name("results") / "app.json"
PICTURE = "first picture"
TARGETS = {"cold": 8000.0, "open": 1000.0, "switch": 1000.0}  # milliseconds, absolute
ABOVE = {"numbers": 150.0, "pictures": 300.0}  # milliseconds above the empty page's round trip
FIRST = 1500.0  # milliseconds above the empty page: a first visit until the first picture is there


# -- what a person does ----------------------------------------------------------------------------------------------


def toggle(page: Any, key: str, turn: int) -> None:
    """Switch the last of several pills off, or on again."""
    page.locator(f".st-key-{key} button").last.click()


def segment(page: Any, key: str, turn: int) -> None:
    """Take the next of few buttons."""
    buttons = page.locator(f".st-key-{key}").get_by_role("radio")
    buttons.nth((turn + 1) % min(3, buttons.count())).click()


def choose(page: Any, key: str, turn: int) -> None:
    """Take another entry of a list: the second, third, fourth, and again."""
    page.locator(f".st-key-{key} input").first.click()
    option = page.get_by_role("option").nth(1 + turn % 3)
    option.wait_for()
    option.click()


def step(page: Any, key: str, turn: int) -> None:
    """The next number."""
    page.locator(f".st-key-{key}").get_by_test_id("stNumberInputStepUp").click()


def slide(page: Any, key: str, turn: int) -> None:
    """One step of a slider by keyboard, eight to the right and eight back."""
    page.locator(f".st-key-{key}").get_by_role("slider").first.press("ArrowRight" if turn % 16 < 8 else "ArrowLeft")


class Change(NamedTuple):
    """What is changed, how, and the key of the widget; and of what is folded around it."""

    name: str
    act: Callable[[Any, str, int], None]
    key: str
    query: str = ""
    within: str = ""


PAGES: dict[str, tuple[Change, ...]] = {
    "home": (),
    "learn": (),
    "playground": (),
    "explore": (Change("modality", toggle, "views"), Change("aggregator", choose, "agg"),
                Change("sample", step, "item"), Change("weight", slide, "w_m0", within="change")),
    "generate": (Change("modality", toggle, "from"), Change("aggregator", choose, "agg"),
                 Change("sample", step, "item")),
    "latent_space": (Change("modality", segment, "which"),),
    "compare": (Change("modality", toggle, "views"), Change("aggregator", toggle, "compared"),
                Change("sample", step, "item")),
    "your_data": (Change("modality", toggle, "my_views"), Change("aggregator", choose, "my_rule"),
                  Change("sample", step, "my_item"), Change("weight", slide, "my_w_m0")),
    "benchmarks": (Change("figure", choose, "curve"),),
}
COLD = ("home", "explore")


# -- one change -----------------------------------------------------------------------------------------------------


def changed(page: Any, change: Change, turn: int) -> dict[str, float]:
    """The same from a click or key press."""
    page.locator(f".st-key-{change.key}").first.scroll_into_view_if_needed()
    page.evaluate("() => window.bvaeWatch.arm()")
    change.act(page, change.key, turn)
    return parts(finished(page, f"{page.url}, {change.name}"))


# -- what is measured ------------------------------------------------------------------------------------------------

Pairs = list[tuple[dict[str, float], dict[str, float]]]


def cold(browser: Any, name: str, rounds: int) -> Pairs:
    """First picture of a page, and of the empty one, each of a new process."""
    pairs: Pairs = []
    for _ in range(rounds):
        found = []
        for script, path in ((ROOT / "app.py", path_of(name)), (EMPTY, "")):
            with served(script) as server, tab(browser) as page:
                page.goto(f"{server.url}/{path}", wait_until="commit")
                seen = finished(page, f"cold {name}")
                offset = seen["origin"] - 1000 * server.started
                found.append({PICTURE: offset + seen["parts"][PICTURE]["first"], "all": offset + max(
                    when["last"] for when in seen["parts"].values())})
        pairs.append((found[0], found[1]))
    return pairs


def first_visits(playwright: Any, url: str, empty_url: str, name: str, rounds: int) -> Pairs:
    """Opening a page, and the empty one, each in a browser of its own that has never been anywhere."""
    pairs = []
    for _ in range(rounds):
        found = []
        for address in (f"{url}/{path_of(name)}", empty_url):
            with fresh(playwright) as page:
                found.append(opened(page, address))
        pairs.append((found[0], found[1]))
    return pairs


def warm(page: Any, empty: Any, url: str, empty_url: str, name: str, rounds: int) -> Pairs:
    """Opening a page by its address, after one time that is not counted."""
    pairs = [(opened(page, f"{url}/{path_of(name)}"), opened(empty, empty_url)) for _ in range(rounds + 1)]
    return pairs[1:]


def in_menu(page: Any, title: str) -> Any:
    """The navigation's link to a page; the app's are in groups, of which the right one is opened."""
    group = next((of.group for of in PAGES_OF_APP.values() if of.title == title), None)
    if group is None:
        return page.get_by_test_id("stHeader").get_by_role("link", name=re.compile(f"{title}$"))
    page.get_by_test_id("stTopNavSection").filter(has_text=group).click()
    link = page.get_by_role("menuitem", name=title, exact=True)
    link.wait_for()
    return link


def switched(page: Any, empty: Any, url: str, empty_url: str, name: str, rounds: int) -> Pairs:
    """Opening a page by a link of the navigation."""
    title = name.replace("_", " ").capitalize()
    came_from = ("Learn", "learn") if name == "home" else ("Home", "")
    opened(page, f"{url}/{came_from[1]}")
    opened(empty, f"{empty_url}/second")
    pairs = []
    for _ in range(rounds + 1):
        found = []
        for tab_, there, back in ((page, title, came_from[0]), (empty, "Empty", "Another")):
            for leg in (there, back):
                link = in_menu(tab_, leg)
                tab_.evaluate("() => window.bvaeWatch.arm()")
                link.click()
                seen = parts(finished(tab_, f"link to {leg}"))
                if leg == there:
                    found.append(seen)
        pairs.append((found[0], found[1]))
    return pairs[1:]


def interactions(page: Any, empty: Any, url: str, empty_url: str, name: str, change: Change, rounds: int) -> Pairs:
    """One change again and again, each time beside one of the same kind on the empty page."""
    opened(page, f"{url}/{path_of(name)}")
    opened(empty, empty_url)
    if change.within:
        page.locator(f".st-key-{change.within} summary").first.click()
        page.locator(f".st-key-{change.key}").first.wait_for()
    kind = Change(change.name, change.act, change.act.__name__)
    pairs = [(changed(page, change, turn), changed(empty, kind, turn)) for turn in range(rounds + 1)]
    return pairs[1:]


# -- figures ---------------------------------------------------------------------------------------------------------


def figures(page: str, what: str, pairs: Pairs) -> list[dict[str, Any]]:
    """One row for each part that changed in most rounds."""
    rows = []
    for part in (PICTURE, "numbers", "pictures", "plots", "all"):
        kept = [(own[part], empty.get(part if part == PICTURE else "all", 0.0)) for own, empty in pairs
                if part in own]
        if 2 * len(kept) <= len(pairs):
            continue
        own, empty = [a for a, _ in kept], [b for _, b in kept]
        rows.append({
            "page": page, "what": what, "part": part, "n": len(kept),
            "median": statistics.median(own), "p95": percentile(own, 0.95),
            "empty_median": statistics.median(empty), "empty_p95": percentile(empty, 0.95),
            "difference": statistics.median(a - b for a, b in kept),
            "ratio": statistics.median(a / b for a, b in kept)})
    return rows


def verdict(row: dict[str, Any]) -> str:
    """Whether a target is met; empty where there is none."""
    if row["what"] == "first":
        return ("met" if row["difference"] <= FIRST else "missed") if row["part"] == PICTURE else ""
    if row["what"] in TARGETS and row["part"] == (PICTURE if row["what"] == "cold" else "all"):
        return "met" if row["median"] <= TARGETS[row["what"]] else "missed"
    if row["what"] not in TARGETS and row["part"] in ABOVE:
        return "met" if row["difference"] <= ABOVE[row["part"]] else "missed"
    return ""


def line(row: dict[str, Any]) -> str:
    """One row of the printed table."""
    return (f"{row['page']:<13}{row['what']:<11}{row['part']:<13}{row['median']:7.0f}{row['p95']:7.0f}"
            f"{row['empty_median']:8.0f}{row['empty_p95']:7.0f}{row['difference']:+8.0f}{row['ratio']:7.2f}"
            f"{row['n']:5d}  {verdict(row)}")


HEAD = (f"{'page':<13}{'what':<11}{'part':<13}{'median':>7}{'p95':>7}{'empty':>8}{'p95':>7}{'diff':>8}{'ratio':>7}"
        f"{'n':>5}")


def as_results(rows: Sequence[dict[str, Any]], about: dict[str, Any], command: str) -> dict[str, Any]:
    """A file of results for `benchmarks.report`: the rows that have a target, with it; all of them under "measured"."""
    columns = ["page", "what", "shown", "median, ms", "95th percentile, ms", "empty page, ms", "above it, ms", "ratio",
               "pairs", "target"]
    judged = [[r["page"], r["what"], r["part"], *(round(r[k]) for k in ("median", "p95", "empty_median", "difference")),
               f"{r['ratio']:.2f}", r["n"], f"{target(r)}: {verdict(r)}"] for r in rows if verdict(r)]
    return {
        "title": "Speed of the app", "command": command, "columns": columns, "rows": judged,
        "notes": ["From a click, a key press or an address to the frame that shows the last changed number or picture, "
                  "or the first finished picture, in Chromium. first: in a browser with an empty profile; open: by "
                  "address in a browser that has been there; cold: of a new server process. Started with `streamlit "
                  f"run app.py`; {', '.join(f'{k} {v}' for k, v in about.items())}."],
        "measured": [{k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()} for row in rows]}


def target(row: dict[str, Any]) -> str:
    """What :func:`verdict` judges by, in words."""
    what = row["what"]
    if what == "first":
        return f"{FIRST:g} ms above"
    return f"{TARGETS[what] / 1000:g} s" if what in TARGETS else f"{ABOVE[row['part']]:g} ms above"


def main() -> None:
    """Measure, print, and write the figures down."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--interactions", type=int, default=30, metavar="N", help="of each kind on each page")
    parser.add_argument("--cold", type=int, default=5, metavar="N", help="cold starts of each kind; 0: none")
    parser.add_argument("--first", type=int, default=5, metavar="N", help="first visits of each page; 0: none")
    parser.add_argument("--pages", nargs="+", choices=list(PAGES), default=list(PAGES))
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the figures go")
    parser.add_argument("--openings", type=int, default=10, metavar="N", help="of each page, by address and by link")
    options = parser.parse_args()
    if min(options.interactions, options.openings) < 1:
        parser.error("--interactions and --openings must be at least 1")

    from playwright.sync_api import sync_playwright

    from tests.support.chromium import executable

    about, rows = machine(), []
    print(", ".join(f"{k} {v}" for k, v in about.items()))
    print(f"milliseconds; {options.interactions} pairs each\n\n{HEAD}", flush=True)

    def add(page: str, what: str, pairs: Pairs) -> None:
        for row in figures(page, what, pairs):
            rows.append(row)
            print(line(row), flush=True)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        for name in COLD:
            if options.cold and name in options.pages:
                add(name, "cold", cold(browser, name, options.cold))
        with served(ROOT / "app.py") as app, served(EMPTY) as beside, tab(browser) as page, tab(browser) as empty:
            for name in options.pages:
                both = (page, empty, app.url, beside.url, name)
                if options.first:
                    opened(page, f"{app.url}/{path_of(name)}")  # what the server loads, it has loaded
                    add(name, "first", first_visits(playwright, app.url, beside.url, name, options.first))
                add(name, "open", warm(*both, options.openings))
                add(name, "switch", switched(*both, options.openings))
                for change in PAGES[name]:
                    add(name, change.name, interactions(*both, change, options.interactions))
        browser.close()
    write_json(options.json, as_results(rows, about, " ".join(["python -m benchmarks.app", *sys.argv[1:]])))
    print(f"\nwritten to {options.json}")


if __name__ == "__main__":
    main()
