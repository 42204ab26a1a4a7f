"""Compare and Your data as a person meets them."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from bvae.data import uploads
from tests.support.lasso import items, lasso
from tests.support.menu import visit
from tests.support.waiting import asked, box_of, eventually, finished, settled, steady

SELECTED = """() => [...document.querySelectorAll('.js-plotly-plot')].slice(-%d).map(
    plot => plot.data.flatMap(t => [...(t.selectedpoints || [])].map(i => t.customdata[i][0])).sort((a, b) => a - b))"""


calm = settled  # the name that other files know


def test_three_methods_are_compared_with_two_clicks(page, app_url):
    page.goto(f"{app_url}/compare")
    settled(page)
    expect(page.get_by_role("heading", name=re.compile("Product of experts"))).to_be_visible()
    page.get_by_role("radio", name="Trained models").click()
    expect(page.get_by_role("heading", name=re.compile("MMVAE"))).to_be_visible()
    settled(page)
    for name in ("MVAE", "MMVAE", "WB-VAE (total correlation)"):
        expect(page.locator(f'img[alt^="{name}: m4 generated"]')).to_have_count(4)
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_role("heading", name=re.compile("MMVAE"))).to_be_visible()


def test_what_is_selected_in_one_map_is_marked_in_all_and_in_the_link(page, app_url):
    page.goto(f"{app_url}/compare?mode=Trained+models&part=All+items")
    settled(page)
    box = page.get_by_label("Selected items")
    expect(box).to_have_value("")
    lasso(page, page.locator(".js-plotly-plot").nth(1))
    expect(box).to_have_value(re.compile(r"\d+, \d+"))
    settled(page)
    picked = steady(page, lambda: items(page))
    page.wait_for_function(f"wanted => JSON.stringify(({SELECTED % 3})()) === JSON.stringify([wanted, wanted, wanted])",
                           arg=sorted(picked))
    page.wait_for_url(re.compile("picked="))
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    settled(page)
    eventually(lambda: items(page) == picked, page=page)
    page.get_by_role("button", name="Clear the selection").click()
    expect(page.get_by_label("Selected items")).to_have_value("")


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_on_a_phone_contenders_are_swiped_one_a_screen(page, app_url):
    page.goto(f"{app_url}/compare")
    settled(page)
    strip = page.locator("[class*='contenders_strip']")
    places = [strip.locator("> *").nth(i) for i in range(3)]
    strip.scroll_into_view_if_needed()
    boxes = [steady(page, place.bounding_box) for place in places]
    assert len({box["y"] for box in boxes}) == 1
    width = page.viewport_size["width"]
    assert 0.7 * width < boxes[0]["width"] < width
    assert boxes[1]["x"] < width < boxes[1]["x"] + boxes[1]["width"]  # the neighbour peeks
    assert strip.evaluate("strip => getComputedStyle(strip).scrollSnapType") == "x mandatory"
    strip.evaluate("strip => strip.scrollBy(250, 0)")
    eventually(lambda: abs(places[1].bounding_box()["x"] + boxes[1]["width"] / 2 - width / 2) < 30, page=page)
    # The whole page is a few screens long: everything else is one click away.
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollHeight") < 3 * page.viewport_size["height"]


def test_a_view_lies_all_rules_race_and_the_card_is_taken_away(page, app_url):
    page.goto(f"{app_url}/compare?fool=1&model=MMVAE")
    finished(page)
    page.wait_for_url(re.compile(r"part=Fool\+the\+rules"))
    lanes = page.locator(".bvae-lane")
    expect(lanes).to_have_count(12)
    expect(page.locator(".bvae-lane[data-verdict=fooled]", has_text="■ PoE")).to_contain_text("8 × 0")
    expect(page.locator(".bvae-lane[data-verdict=holds]", has_text="■ Wasserstein")).to_contain_text("8 × 3")
    expect(page.get_by_role("heading", name=re.compile("^You fooled .*PoE.*, not .*Wasserstein"))).to_be_visible()
    page.get_by_text("A card to share").click()
    finished(page)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download the card").click()
    content = saved.value.path().read_bytes()
    assert content.startswith(b"\x89PNG")
    link = page.get_by_test_id("stExpander").get_by_test_id("stCode").first.inner_text().replace("\n", "").strip()
    shown = lanes.first.inner_text()
    page.goto("about:blank")
    page.goto(link)
    expect(lanes).to_have_count(12)
    finished(page)
    assert lanes.first.inner_text() == shown


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_a_drawing_is_a_lie(page, app_url):
    page.goto(f"{app_url}/compare?fool=1&lie=My+drawing")
    finished(page)
    expect(page.get_by_role("heading", name=re.compile("Nobody lies yet"))).to_be_visible()
    paper = box_of(page, page.locator(".paper"))
    with asked(page):
        for step, (x, y) in enumerate(((0.3, 0.25), (0.7, 0.25), (0.45, 0.8))):
            page.mouse.move(paper["x"] + x * paper["width"], paper["y"] + y * paper["height"], steps=8)
            if step == 0:
                page.mouse.down()
        page.mouse.up()
    expect(page.get_by_role("heading", name=re.compile("Nobody lies yet"))).to_have_count(0)
    expect(page.get_by_text("shows 7, the lie")).to_be_visible()
    page.wait_for_url(re.compile("drawing="))


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_a_pinned_run_opens_in_explore_and_is_still_pinned_afterwards(page, app_url):
    page.goto(f"{app_url}/compare?item=17")
    settled(page)
    page.get_by_role("button", name="Pin these runs").click()
    link = page.get_by_role("link", name=re.compile("MoE, item 17"))
    expect(link).to_be_visible()
    link.click()
    page.wait_for_url(re.compile("/explore"))
    settled(page)
    expect(page.get_by_label("Item", exact=True)).to_have_value("17")
    visit(page, "Compare")
    expect(page.get_by_role("link", name=re.compile("MoE, item 17"))).to_be_visible()


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_an_uploaded_file_is_shown_to_its_own_session_alone(page, app_url):
    rng = np.random.default_rng(0)
    content = uploads.write(
        rng.normal(size=(2, 900, 16)), 0.2 + rng.random((2, 900, 16)), ["left", "right"], name="a file of mine",
        labels=np.array([f"kind {i % 3}" for i in range(900)]),
        thumbnails={"left": rng.integers(0, 256, (900, 32, 32, 3), dtype="u1")})
    assert len(content) > 2 * uploads.MIB  # more than a form parser keeps in memory by itself
    page.goto(f"{app_url}/your_data?bring=Beliefs+of+a+model+of+yours")
    settled(page)
    expect(page.get_by_text("This is the example")).to_be_visible()
    chooser = page.locator('input[type="file"]')
    chooser.set_input_files({"name": "mine.npz", "mimeType": "application/octet-stream", "buffer": content})
    expect(page.get_by_text("This is your file")).to_be_visible()
    expect(page.get_by_text("a file of mine")).to_be_visible()
    page.get_by_role("radio", name="Latent space").click()
    expect(page.get_by_text("Is there a gap between the views?")).to_be_visible()
    page.get_by_role("radio", name="Compare rules").click()
    expect(page.get_by_role("heading", name="Whose neighbours changed most")).to_be_visible()
    settled(page)
    other = page.context.new_page()
    other.goto(f"{app_url}/your_data?bring=Beliefs+of+a+model+of+yours")
    expect(other.get_by_text("This is the example")).to_be_visible()
    expect(other.get_by_text("a file of mine")).to_have_count(0)
    page.get_by_role("button", name="Forget my file").click()
    expect(page.get_by_text("This is the example")).to_be_visible()


def test_a_bad_file_is_refused_in_a_sentence(page, app_url):
    page.goto(f"{app_url}/your_data?bring=Beliefs+of+a+model+of+yours")
    settled(page)
    page.locator('input[type="file"]').set_input_files(
        {"name": "x.npz", "mimeType": "application/octet-stream", "buffer": b"PK\x03\x04 not really"})
    expect(page.get_by_text(re.compile("expected an archive that ends with its directory"))).to_be_visible()
    expect(page.get_by_text("This is the example")).to_be_visible()
