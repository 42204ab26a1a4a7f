"""What a finger moves on Explore is decoded in the browser, and by Python when it rests: both agree."""

import re

import pytest
from playwright.sync_api import expect

from bvae.app.components.live import runtime
from tests.browser.test_every_page import findings
from tests.support.serving import PATIENCE, WIDTHS, served, watched
from tests.support.waiting import box_of, eventually, finished, frames

TOLERANCE = 1.0  # levels of 1/255
STAGE = ".bvae-live .stage"


@pytest.fixture(scope="module")
def live_url(tmp_path_factory):
    """An app with live views, which has to make its model first."""
    try:
        runtime.fetch(node=False)
    except runtime.NoRuntime as error:
        pytest.skip(str(error))
    cache = tmp_path_factory.mktemp("cache")
    with served("app.py", cache / "log.txt", BVAE_LIVE="on", BVAE_CACHE=str(cache)) as url:
        yield url


def data(page, name):
    return page.locator(STAGE).get_attribute(f"data-{name}")


def opened(page, url):
    page.goto(url)
    page.wait_for_selector(f"{STAGE}[data-ready=true]", timeout=PATIENCE * 1000)
    finished(page)


def painted(page):
    """What the first tile shows."""
    return page.locator(f"{STAGE} .tile canvas").first.evaluate("canvas => canvas.toDataURL()")


def drag(page, pad, dx, dy):
    """Press on a pad's handle and move it; what the first tile shows before the finger lifts."""
    box = box_of(page, page.locator(f"{STAGE} .{pad} .handle"))
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(x + dx * step / 8, y + dy * step / 8)
        frames(page)
    eventually(lambda: int(data(page, "frames") or 0) > 2, page=page)
    seen = painted(page)
    page.mouse.up()
    return seen


def test_drag_a_point_and_the_weights(live_url, chromium):
    with watched(chromium, *WIDTHS["desktop"]) as page:
        opened(page, f"{live_url}/explore")
        page.locator(f"{STAGE} .pads").scroll_into_view_if_needed()
        first = painted(page)
        moving = drag(page, "plane", 60, -50)
        assert moving != first
        page.wait_for_selector(f"{STAGE}[data-answered='1']")
        assert float(data(page, "difference")) <= TOLERANCE
        expect(page.locator(f"{STAGE} .said")).to_contain_text("times the usual distance")
        drag(page, "balance", 50, -40)
        page.wait_for_url(lambda url: "w_m" in url)
        finished(page)
        eventually(lambda: "joint belief" in page.locator(f"{STAGE} .said").inner_text(), page=page)
        assert float(data(page, "difference")) <= TOLERANCE
        assert float(re.search(r"w_m3=([\d.]+)", page.url)[1]) < 0.5  # dragged away from it
        # the answer to one gesture comes during the next one
        before = page.url
        drag(page, "balance", -30, 0)
        x, y = page.locator(f"{STAGE} .balance .handle").evaluate(
            "node => { const b = node.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; }")
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - 40, y + 60)
        page.wait_for_url(lambda url: url != before)
        finished(page)
        third = page.url
        page.mouse.up()
        page.wait_for_url(lambda url: url != third)  # its own answer may be gone already: the page's weights follow
        finished(page)
        weights = dict(re.findall(r"w_(m\d)=([\d.]+)", page.url))
        assert float(weights.get("m3", 1)) > float(weights.get("m1", 1))  # dragged to the other side


def test_with_keys_on_a_phone_that_wants_less_motion(live_url, chromium):
    with watched(chromium, *WIDTHS["phone"], reduced_motion="reduce") as page:
        opened(page, f"{live_url}/explore")
        handle = page.locator(f"{STAGE} .plane .handle")
        handle.focus()
        before = handle.get_attribute("aria-label")
        page.keyboard.press("Shift+ArrowRight")
        page.wait_for_selector(f"{STAGE}[data-answered='1']")
        assert handle.get_attribute("aria-label") != before
        page.locator(f"{STAGE} .goal", has_text="m1").click()
        page.wait_for_selector(f"{STAGE}[data-answered='2']")
        assert float(data(page, "difference")) <= TOLERANCE
        assert findings(page) == []
