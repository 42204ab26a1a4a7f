"""The app as a person meets it."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.serving import watched
from tests.support.waiting import TIMEOUT, asked, box_of, eventually, finished, generated, settled, steady

__all__ = ["TIMEOUT", "drag", "generated", "settled"]  # other files take them from here, too


def test_explore_shows_a_trained_mwb_vae_at_once(page, app_url):
    page.goto(f"{app_url}/explore")
    settled(page)
    expect(page.locator('img[alt^="Posteriors of"]')).to_have_count(1)
    expect(page.locator('img[alt^="Mean and two-sigma interval"]')).to_have_count(0)
    page.get_by_text("The beliefs in single latent dimensions").click()
    expect(page.locator('img[alt^="Mean and two-sigma interval"]')).to_have_count(1)
    expect(page.get_by_test_id("stSelectbox").nth(1).locator("input")).to_have_value("MWB-VAE")
    expect(page.locator('img[alt*="generated"]')).to_have_count(20)
    expect(page.locator('img[alt^="m0, "]')).to_have_count(1)


def test_hiding_a_view_changes_the_generations_and_the_link_brings_it_back(page, app_url):
    page.goto(f"{app_url}/explore")
    settled(page)
    before = generated(page)
    page.get_by_role("button", name="m4").click()
    expect(page.locator('[role="img"][aria-label*="m4"]')).to_have_count(1)
    settled(page)
    after = generated(page, other_than=before)
    page.wait_for_url(re.compile("views="))
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    settled(page)
    expect(page.locator('[role="img"][aria-label*="m4"]')).to_have_count(1)
    eventually(lambda: generated(page) == after, page=page)


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_a_bad_link_falls_back_quietly(page, app_url):
    page.goto(f"{app_url}/explore?model=..%2F..%2Fetc&agg=%3Cscript%3E&item=-7&views=m9&seed=x&w_m0=nan&n=1e9")
    settled(page)
    expect(page.locator('img[alt*="generated"]')).to_have_count(20)


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_another_aggregator_keeps_the_axes(page, app_url):
    def axes():
        return page.locator('img[alt^="Posteriors of"] + div').inner_text()

    page.goto(f"{app_url}/explore?agg=PoE")
    settled(page)
    poe, images = steady(page, axes), generated(page)
    page.goto(f"{app_url}/explore?agg=Wasserstein")
    settled(page)
    assert steady(page, axes) == poe != ""
    assert generated(page, other_than=images)


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_the_doors_of_home_lead_where_they_say(page, app_url):
    """One for each page, in the order of the menu."""
    for title, address in (("Learn", "learn"), ("Explore", "explore"), ("Benchmarks", "benchmarks")):
        page.goto(app_url)
        finished(page)
        page.get_by_test_id("stMain").get_by_role("link", name=title, exact=True).click()
        page.wait_for_url(re.compile(address))
        finished(page)


def drag(page, handle, dx, dy):
    """Take a handle of the playground and let it go elsewhere."""
    target = page.locator(f'.picture [data-control="{handle}"]').first
    box = box_of(page, target)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y + dy / 2, steps=4)
    page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up()


def wasserstein_mean(page):
    """As the playground draws it."""
    return [float(v) for v in page.locator('[data-rule="wasserstein"].rule').get_attribute("data-mean").split(",")]


def test_dragging_an_expert_changes_the_exact_numbers_and_the_link_brings_them_back(page, app_url):
    page.goto(f"{app_url}/playground")
    settled(page)
    table = page.locator(".bvae-table")
    before, link_before = table.inner_text(), page.url
    assert "★" in before
    with asked(page):
        drag(page, "0/mean", 25, -30)
    eventually(lambda: table.inner_text() != before and page.url != link_before, page=page)
    settled(page)
    after, link = table.inner_text(), page.url
    drawn = steady(page, lambda: wasserstein_mean(page))
    page.goto("about:blank")
    page.goto(link)
    settled(page)
    eventually(lambda: table.inner_text() == after, page=page)
    eventually(lambda: wasserstein_mean(page) == pytest.approx(drawn, abs=2e-3), page=page)  # links: three decimals


def test_undo_takes_a_drag_in_the_playground_back(page, app_url):
    page.goto(f"{app_url}/playground")
    settled(page)
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_disabled()
    before = steady(page, lambda: wasserstein_mean(page))
    with asked(page):
        drag(page, "0/mean", 25, -30)
    assert steady(page, lambda: wasserstein_mean(page)) != pytest.approx(before, abs=2e-3)
    with asked(page):
        undo.click()
    eventually(lambda: wasserstein_mean(page) == pytest.approx(before, abs=2e-3), page=page)
    expect(undo).to_be_disabled()


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_a_scene_button_replaces_what_was_dragged(page, app_url):
    page.goto(f"{app_url}/playground")
    settled(page)
    with asked(page):
        drag(page, "1/mean", -20, 20)
    page.get_by_role("radio", name="Two camps", exact=True).click()
    page.wait_for_selector('.picture [data-control="3/mean"]')
    expect(page.get_by_text("Two experts left, two right.")).to_be_visible()
    # Going away and back keeps the scene.
    with asked(page):
        drag(page, "0/mean", 20, 20)
    mean = steady(page, lambda: wasserstein_mean(page))
    page.reload()
    settled(page)
    page.wait_for_selector('.picture [data-control="3/mean"]')
    eventually(lambda: wasserstein_mean(page) == pytest.approx(mean, abs=2e-3), page=page)


@pytest.mark.parametrize(("address", "place", "share"), [
    ("compare", ".st-key-plane_wasserstein", 0.5), ("benchmarks", ".st-key-curves", 1.0)])
def test_a_projector_shows_what_the_page_is_about(chromium, app_url, address, place, share):
    """Of the first pictures at least the upper half is on 1280 x 720 without scrolling; of the curves all."""
    with watched(chromium, 1280, 720) as page:
        page.goto(f"{app_url}/{address}")
        settled(page)
        picture = page.locator(f"{place} .bvae-drawn").first.bounding_box()
        assert 0 < picture["y"] < picture["y"] + share * picture["height"] <= 720
