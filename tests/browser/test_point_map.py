"""The map of very many points, as hands and keys meet it."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.support import ROOT
from tests.support.serving import served
from tests.support.waiting import box_of, eventually, fits

SCRIPT = ROOT / "tests" / "support" / "point_map_harness.py"
MAP = ".bvae-map"


@pytest.fixture(scope="module")
def harness_url(tmp_path_factory):
    """The address of a page with the map alone."""
    with served(SCRIPT, tmp_path_factory.mktemp("map") / "log.txt") as url:
        yield url


def opened(page, url):
    """The map, painted."""
    page.goto(url)
    expect(page.locator(MAP)).to_have_attribute("data-painted", re.compile(r"\w+"))
    return page.locator(f"{MAP} canvas")


def items(page):
    """What Python has."""
    return json.loads(page.locator("code").inner_text())


def dragged(page, canvas, *places):
    """Draw from place to place, in shares of the map."""
    box = box_of(page, canvas)
    first, *others = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*first)
    page.mouse.down()
    for place in others:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def test_a_lasso_a_box_and_a_click_select_what_they_enclose(page, harness_url):
    canvas = opened(page, harness_url)
    fits(page)
    dragged(page, canvas, (0.5, 0.4), (0.6, 0.5), (0.5, 0.6), (0.4, 0.5), (0.5, 0.41))
    eventually(lambda: len(items(page)) > 20, page=page)
    found = items(page)
    assert all(15 <= k // 100 <= 45 and 20 <= k % 100 <= 80 for k in found)  # of the middle: 60 rows of 100
    page.get_by_role("button", name="Box", exact=True).click()
    dragged(page, canvas, (0.1, 0.1), (0.9, 0.9))
    eventually(lambda: max(items(page)) - min(items(page)) > 4000, page=page)
    assert len(items(page)) == 200  # of so many, some from everywhere
    box = box_of(page, canvas)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    eventually(lambda: len(items(page)) == 1, page=page)


def test_what_python_marks_stands_out_and_the_zoom_stays(page, harness_url):
    canvas = opened(page, harness_url)
    page.get_by_role("button", name="Larger").click()
    expect(page.locator(MAP)).to_have_attribute("data-view", re.compile(r"1\.5000$"))
    page.get_by_role("button", name="Mark 3 and 17").click()
    expect(page.locator(MAP)).to_have_attribute("data-picked", "2")
    expect(page.locator(MAP)).to_have_attribute("data-view", re.compile(r"1\.5000$"))
    page.get_by_role("button", name="Move", exact=True).click()
    before = page.locator(MAP).get_attribute("data-view")
    dragged(page, canvas, (0.5, 0.5), (0.6, 0.6))
    expect(page.locator(MAP)).not_to_have_attribute("data-view", before)
    assert items(page) == [3, 17]
    page.get_by_role("button", name="Whole map").click()
    expect(page.locator(MAP)).to_have_attribute("data-view", re.compile(r"1\.0000$"))


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_all_of_it_works_by_keys_and_names_are_no_html(page, harness_url):
    canvas = opened(page, harness_url)
    canvas.focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    said = page.locator(f"{MAP} [role=status]")
    expect(said).to_have_text(re.compile(r"item \d+, class <b>[01]</b>, uncertainty 0\.25, disagreement [\d.]+$"))
    page.keyboard.press("Enter")
    eventually(lambda: len(items(page)) == 1, page=page)
    name = f"item {items(page)[0]}, "
    expect(said).to_have_text(re.compile(f"{name}.* selected"))
    box = box_of(page, canvas)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(f"{MAP} .card")).to_contain_text("uncertainty 0.25")


def test_axe_finds_nothing_in_it(page, harness_url):
    opened(page, harness_url)
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert not [(f["id"], f["nodes"][0]["html"]) for f in found if f["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_points_have_their_colours(page, harness_url):
    canvas = opened(page, harness_url)
    seen = canvas.evaluate("""canvas => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let blue = 0, orange = 0;
        for (let k = 0; k < data.length; k += 4) {
            blue += data[k] < 110 && data[k + 2] > 160;
            orange += data[k] > 200 && data[k + 2] < 110;
        }
        return [blue, orange];
    }""")
    assert min(seen) > 5_000
