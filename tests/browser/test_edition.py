"""A static edition as a class has it: from ``python -m http.server``, in one visit."""

import contextlib
import re
import socket
import subprocess
import sys
import urllib.request

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from bvae.app.edition.models import open_model
from bvae.app.edition.publishing import DISK, WIRE, publish
from bvae.app.learn.lessons import lessons
from bvae.cli.publish import ITEMS, MODELS
from tests.support.serving import WIDTHS, watched
from tests.support.waiting import box_of, eventually


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    """Address of an edition, and what was written."""
    folder = tmp_path_factory.mktemp("edition") / "it"
    written = publish(folder, [open_model(name, ITEMS) for name in MODELS])
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "http.server", str(port), "--directory", str(folder)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers():
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"http://localhost:{port}/", timeout=5).status == 200
        return False

    eventually(answers)
    yield f"http://localhost:{port}", written
    server.terminate()
    server.wait()


def decoded(page, place):
    """How often something was decoded."""
    return int(page.locator(place).get_attribute("data-decoded") or 0)


def drag(page, node, right, down):
    """By a hand, in steps."""
    box = node.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(x + right * step / 5, y + down * step / 5)
    page.mouse.up()


def test_one_visit(chromium, edition):
    base, written = edition
    live = any(name.startswith("runtime/") for name in written.manifest["files"])
    assert written.manifest["wire"] <= WIRE
    assert written.manifest["bytes"] <= DISK
    pages = [*written.manifest["pages"], "lesson-poe.html#2"]
    assert len(pages) == 8
    with watched(chromium, *WIDTHS["desktop"]) as page:
        page.goto(f"{base}/")
        expect(page.get_by_role("heading", level=1)).to_have_text("How do several senses become one belief?")
        page.get_by_role("button", name="3 And very sure").click()
        eventually(lambda: "scene=" in page.url, page=page)

        # a hand and the keys move an expert; Undo takes it back
        page.get_by_role("navigation", name="Pages").get_by_role("link", name="Playground").click()
        page.locator(".mount[data-mounted]").wait_for()
        dots = page.locator(".mount [role=slider], .mount .handles [tabindex='0']")
        drag(page, dots.first, 60, -40)
        eventually(lambda: "scene=" in page.url, page=page)
        moved = page.url
        expect(page.get_by_role("status").first).to_contain_text("You changed this scene.")
        dots.first.focus()
        page.keyboard.press("ArrowRight")
        eventually(lambda: page.url != moved, page=page)
        page.get_by_role("button", name="Undo").click()
        eventually(lambda: page.url == moved, page=page)

        # a prediction before its answer, by keyboard
        page.goto(f"{base}/learn.html?lesson=poe&step=2")
        expect(page.get_by_role("heading", name="Predict: a quarrel")).to_be_visible()
        assert page.url.endswith("lesson-poe.html#2")
        expect(page.get_by_text("So it is.")).to_be_hidden()
        page.get_by_role("radio").nth(2).focus()
        page.keyboard.press("Space")
        page.get_by_role("button", name="Show what happens").press("Enter")
        expect(page.get_by_text("So it is.")).to_be_visible()
        page.get_by_role("link", name="Next: An echo").click()
        expect(page.get_by_role("heading", name="An echo")).to_be_focused()
        page.get_by_role("link", name="All lessons").click()
        expect(page.get_by_text(f"1 of {len(lessons())} predicted")).to_be_visible()

        # Explore: a view is hidden, a point is dragged and decoded while it moves, a link is kept
        page.goto(f"{base}/explore.html?data=polymnist&model=MWB-VAE&views=m0&views=m1&agg=PoE")
        page.locator("#explore[data-ready]").wait_for()
        hidden = page.get_by_role("button", name=re.compile("^m2.*hidden$"))
        expect(hidden).to_have_attribute("aria-pressed", "false")
        expect(page.get_by_label("Aggregate with")).to_have_value("poe")
        point = page.get_by_role("button", name="The point that is decoded")
        if live:
            eventually(lambda: decoded(page, "#explore") > 0, page=page)
            before, first = decoded(page, "#explore"), page.locator("canvas.decoded").first.screenshot()
        drag(page, point, 90, 40)
        page.get_by_role("button", name="Back to the joint belief").wait_for()
        if live:
            eventually(lambda: decoded(page, "#explore") > before + 1, page=page)
            assert page.locator("canvas.decoded").first.screenshot() != first
        at = point.get_attribute("data-at")
        point.press("ArrowLeft")
        assert point.get_attribute("data-at") != at
        page.get_by_label("Method").select_option("1")
        page.get_by_label("Aggregate with").select_option("moe")
        eventually(lambda: "model=MoPoE-VAE" in page.url and "agg=MoE" in page.url, page=page)
        if live:
            expect(page.locator(".imagined-row")).to_have_count(5)

        # a rule more, a stroke, a lasso
        page.goto(f"{base}/compare.html")
        page.locator("#compare[data-ready]").wait_for()
        expect(page.locator(".contender")).to_have_count(3)
        page.get_by_role("group", name="Rules").get_by_role("button", name="Moment").click()
        expect(page.locator(".contender")).to_have_count(4)
        page.goto(f"{base}/generate.html")
        page.locator(".mount[data-mounted]").wait_for()
        if live:
            eventually(lambda: decoded(page, "#draw") > 0, page=page)
        box = box_of(page, page.get_by_role("application", name="Canvas of 28"))
        page.mouse.move(box["x"] + 60, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + 120, box["y"] + 140, steps=5)
        if live:
            eventually(lambda: decoded(page, "#draw") > 1, page=page)  # while it is drawn
        page.mouse.up()
        page.goto(f"{base}/latent-space.html")
        page.locator("#latent[data-ready]").wait_for()
        canvas = page.locator(".mount canvas")
        eventually(lambda: page.locator(".mount .bvae-map[data-painted]").count(), page=page)
        canvas.press("Enter")
        expect(page.locator("#selected")).to_contain_text("1 selected")
        if live:
            before = decoded(page, "#latent")
            canvas.hover(position={"x": 200, "y": 150})
            eventually(lambda: decoded(page, "#latent") > before, page=page)

    with watched(chromium, *WIDTHS["phone"], color_scheme="dark") as page:
        for path in pages:
            page.goto(f"{base}/{path}")
            page.locator("main").wait_for()
            page.wait_for_load_state("networkidle")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 28)"
            found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
            serious = [(v["id"], [n["html"] for n in v["nodes"]]) for v in found
                       if v["impact"] in ("serious", "critical")]
            assert not serious, (path, serious)
