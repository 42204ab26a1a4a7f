"""What holds of every page: it opens, fits, is accessible, and its links and sessions keep what they promise."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from benchmarks.app import choose, step
from tests.support.control_names import names, nothing, problems
from tests.support.cut import WIDTHS as SCREENS
from tests.support.cut import cut
from tests.support.every_page import PATHS
from tests.support.serving import WIDTHS, watched
from tests.support.waiting import asked, box_of, eventually, finished, fits, generated, settled

DARK = ("explore", "playground", "benchmarks", "learn?lesson=poe&step=2&answer=b&shown=1")
# Findings that are Streamlit's own: the rule, and the end of the selector.
NOT_OURS = (
    # A long formula scrolls sideways. Streamlit gives it no tab stop, but Chromium does so itself since version 130.
    ("scrollable-region-focusable", ".katex-display"),
)


def findings(page):
    """Serious and critical ones of axe-core, as texts."""
    violations = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']}: {node['target'][-1]}: {node['html'][:200]}" for v in violations for node in v["nodes"]
            if v["impact"] in ("serious", "critical")
            and not any(v["id"] == rule and node["target"][-1].endswith(end) for rule, end in NOT_OURS)]


def calm(page):
    """The script has run, whatever the page holds: some have no figure."""
    expect(page.get_by_test_id("stHeading").first).to_be_visible()
    finished(page)


def still(page):
    """Everything is drawn."""
    expect(page.get_by_test_id("stHeading").first).to_be_visible()
    (finished if any(without in page.url for without in ("learn", "generate", "Fool")) else settled)(page)


def sound(page):
    """No errors, nothing beside the screen, nothing without a name."""
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    fits(page)
    assert findings(page) == []
    unnamed = page.evaluate("() => [...document.images].filter(i => !i.alt && i.closest('[data-testid=\"stMain\"]')"
                            " && !i.closest('[aria-hidden=\"true\"]'))"
                            ".map(i => i.outerHTML.slice(0, 100))")
    assert unnamed == []
    silent = page.evaluate("() => document.querySelectorAll('[data-testid=\"stPlotlyChart\"]').length - document"
                           ".querySelectorAll('[data-testid=\"stPlotlyChart\"] [role=\"img\"][aria-label],"
                           " [data-testid=\"stPlotlyChart\"][aria-label]').length")
    assert silent == 0, f"{silent} charts without a text"


def whole(page, width):
    """Nothing is cut off at a width; what it says otherwise."""
    page.set_viewport_size(dict(zip(("width", "height"), SCREENS[width], strict=True)))
    finished(page)
    return [f"{width}: {what}" for what in cut(page, columns=width != "phone")]


@pytest.mark.parametrize("path", PATHS)
def test_every_page_opens_fits_and_is_accessible(chromium, app_url, path):
    """On a phone, turned to the widths of a tablet, a projector and a desk, and some in the dark."""
    with watched(chromium, *SCREENS["phone"]) as page:
        page.goto(f"{app_url}/{path}")
        still(page)
        sound(page)
        lost = [what for width in ("phone", "tablet", "projector", "desktop") for what in whole(page, width)]
        assert lost == []
        still(page)
        sound(page)
        eventually(lambda: nothing(problems(names(page))), page=page, within=15)  # said a moment after it is drawn
        if path in DARK:
            light = background(page)
            page.emulate_media(color_scheme="dark")
            eventually(lambda: background(page) != light, page=page)
            still(page)
            sound(page)


def background(page):
    """The colour behind everything."""
    return page.evaluate("() => getComputedStyle(document.querySelector('[data-testid=\"stApp\"]')).backgroundColor")


@pytest.mark.parametrize(("path", "act", "key", "value"), [
    ("generate", step, "item", lambda tab: tab.locator(".st-key-item input").input_value()),
    ("your_data?my_item=1", step, "my_item", lambda tab: tab.locator(".st-key-my_item input").input_value()),
    ("benchmarks", choose, "curve", lambda tab: tab.locator(".st-key-curve input").input_value()),
    ("compare", step, "item", lambda tab: tab.locator(".st-key-item input").input_value()),
])
def test_a_link_brings_back_what_was_chosen(chromium, app_url, path, act, key, value):
    """A person changes something, copies the address, and somebody else opens it."""
    first, second = (chromium.new_context(viewport={"width": 1440, "height": 1000}) for _ in range(2))
    tab = first.new_page()
    tab.goto(f"{app_url}/{path}")
    calm(tab)
    before = value(tab)
    with asked(tab):
        act(tab, key, 0)
    tab.wait_for_url(re.compile(rf"(?=.*[?&]{key}=)(?=.*[?&]v=1)"))
    chosen = eventually(lambda: value(tab) if value(tab) != before else None, page=tab)
    tab.get_by_role("button", name="Share", exact=True).click()
    expect(tab.get_by_test_id("stPopoverBody").get_by_test_id("stCode")).to_contain_text(f"{key}=")
    calm(tab)
    address = tab.get_by_test_id("stPopoverBody").get_by_test_id("stCode").inner_text().strip().replace("\n", "")
    shared, shown = (parse_qs(urlsplit(url).query) for url in (address, tab.url))
    assert shown.items() <= shared.items()
    assert set(shared) - set(shown) <= {"data", "model", "item", "seed"}  # stated even at their defaults
    other = second.new_page()
    other.goto(address)
    calm(other)
    eventually(lambda: value(other) == chosen, page=other)
    for context in (first, second):
        context.close()


def test_two_sessions_do_not_see_each_other(chromium, app_url):
    contexts = [chromium.new_context(viewport={"width": 1440, "height": 1000}) for _ in range(2)]
    mine, yours = (context.new_page() for context in contexts)
    for tab in (mine, yours):
        tab.goto(f"{app_url}/compare")
        settled(tab)
    step(mine, "item", 0)
    expect(mine.get_by_text("Item 343")).to_be_visible()
    settled(mine)
    mine.get_by_role("button", name="Pin these runs").click()
    expect(mine.get_by_role("link", name=re.compile("MoE, item 343"))).to_be_visible()
    yours.locator(".st-key-views button").first.click()
    yours.wait_for_url(re.compile("views="))
    settled(yours)
    expect(yours.locator(".st-key-item input")).to_have_value("342")
    expect(yours.get_by_role("heading", name="Pinned runs")).to_have_count(0)
    settled(mine)
    assert "views=" not in mine.url  # it has nothing under way that could still bring them
    expect(mine.locator('[role="img"][aria-label^="m0, hidden"]')).to_have_count(0)
    expect(yours.locator('[role="img"][aria-label^="m0, hidden"]')).to_have_count(1)
    for context in contexts:
        context.close()


@pytest.mark.parametrize("how", ["mouse", "finger", "keys"])
def test_a_drawing_becomes_all_views_and_the_link_keeps_it(chromium, app_url, how):
    width, height = WIDTHS["phone" if how == "finger" else "desktop"]
    context = chromium.new_context(viewport={"width": width, "height": height}, has_touch=how == "finger")
    tab = context.new_page()
    tab.goto(f"{app_url}/generate?task=Draw+or+write&n=1")
    paper = tab.get_by_role("application", name=re.compile("Canvas"))
    expect(paper).to_be_visible()
    before = generated(tab)
    tab.wait_for_url(re.compile("drawing="))
    example = tab.url
    tab.get_by_role("button", name="Clear", exact=True).click()
    expect(tab.get_by_text("The canvas is empty")).to_be_visible()
    if how == "keys":
        paper.focus()
        for _ in range(8):
            tab.keyboard.press("Shift+ArrowDown")
    else:
        box = box_of(tab, paper)
        x, (top, bottom) = box["x"] + box["width"] / 2, (box["y"] + box["height"] * share for share in (0.2, 0.8))
        ys = [top + (bottom - top) * k / 12 for k in range(13)]
        if how == "mouse":
            tab.mouse.move(x, ys[0])
            tab.mouse.down()
            for y in ys[1:]:
                tab.mouse.move(x, y)
            tab.mouse.up()
        else:
            session = context.new_cdp_session(tab)
            for kind, y in [("touchStart", ys[0]), *(("touchMove", y) for y in ys[1:]), ("touchEnd", None)]:
                session.send("Input.dispatchTouchEvent",
                             {"type": kind, "touchPoints": [] if y is None else [{"x": x, "y": y}]})
    expect(tab.get_by_text("The canvas is empty")).to_have_count(0)
    after = generated(tab, other_than=before)
    link = eventually(lambda: tab.url if "drawing=" in tab.url and tab.url != example else None, page=tab)
    tab.goto("about:blank")
    tab.goto(link)
    assert generated(tab, other_than=[]) == after
    context.close()


def test_the_numbers_of_a_chart_are_its_own(page, app_url):
    """They are made when somebody opens them, after the page has gone on to other charts."""
    page.goto(f"{app_url}/benchmarks")
    settled(page)
    page.get_by_role("button", name="Numbers and files").first.click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Numbers as CSV").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert text.startswith("method,observed views,mean,standard error over test items\n")
    assert text.count("MWB-VAE,") == 4
    with page.expect_download() as download:
        page.get_by_role("button", name="Figure as a web page").click()
    web = download.value.path().read_text(encoding="utf-8")
    assert "Conditional coherence" in web
    assert "<script src=" not in web.replace("src=\"data:", "")
