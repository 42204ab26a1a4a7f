"""The Latent space page as a person meets it."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.lasso import items, lasso
from tests.support.waiting import TIMEOUT, box_of, eventually, fits, settled, steady

MAP = ".js-plotly-plot"
STANDS_OUT = """() => document.querySelector('.js-plotly-plot').data.flatMap(
    t => [...(t.selectedpoints || [])].map(i => t.customdata[i][0])).sort((a, b) => a - b)"""


def test_a_lasso_on_the_plane_shows_images_and_neighbours_and_the_link_restores_all(page, app_url):
    page.goto(f"{app_url}/latent_space?data=mnist-svhn-text&model=mwb-vae-2d&color=uncertainty")
    settled(page)
    fits(page)
    behind = page.locator(f"{MAP} image").first
    expect(behind).to_have_attribute("href", re.compile("^data:image/jpeg"))
    lasso(page, page.locator(MAP).first)
    expect(page.get_by_label("Selected items")).to_have_value(re.compile(r"\d+, \d+"))
    settled(page)
    picked = steady(page, lambda: items(page))
    page.wait_for_function(f"wanted => JSON.stringify(({STANDS_OUT})()) === JSON.stringify(wanted)",
                           arg=sorted(picked))
    for item in (picked[0], picked[1]):
        expect(page.locator(f'img[alt^="item {item}, class"]').first).to_be_visible()
    expect(page.get_by_text("Its nearest neighbours")).to_be_visible()
    expect(page.get_by_label("Item", exact=True)).to_have_value(str(picked[0]))
    settled(page)
    page.get_by_role("button", name="Advanced").click()
    background = page.get_by_role("combobox", name="Background: decoded as")
    box_of(page, background)  # a list closes when the page scrolls
    background.click()
    page.get_by_role("option", name="off").click()
    expect(page.locator(f"{MAP} image")).to_have_count(0)
    page.wait_for_url(re.compile("background=off"))
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    settled(page)
    eventually(lambda: items(page) == picked, page=page)
    expect(page.locator(f"{MAP} image")).to_have_count(0)
    page.get_by_role("button", name="Advanced").click()
    expect(page.get_by_role("radio", name="uncertainty")).to_be_checked()
    page.keyboard.press("Escape")
    page.wait_for_function(f"wanted => JSON.stringify(({STANDS_OUT})()) === JSON.stringify(wanted)",
                           arg=sorted(picked))


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_the_map_keeps_its_zoom_when_points_are_selected(page, app_url):
    page.goto(f"{app_url}/latent_space")
    settled(page)

    def span():
        return page.evaluate(f"() => document.querySelector('{MAP}')._fullLayout.xaxis.range.map(v => v.toFixed(4))")

    def drag(*points):
        box = box_of(page, page.locator(MAP).first)
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=4)
        page.mouse.up()

    before = steady(page, span)
    page.locator(MAP).first.hover()
    page.locator('[data-title="Zoom"]').first.click()
    drag((0.3, 0.3), (0.8, 0.8))
    page.wait_for_function(f"before => JSON.stringify(document.querySelector('{MAP}')._fullLayout.xaxis.range.map("
                           "v => v.toFixed(4))) !== JSON.stringify(before)", arg=before)
    settled(page)
    zoomed = steady(page, span)
    page.locator('[data-title="Lasso Select"]').first.click()
    drag((0.4, 0.4), (0.5, 0.4), (0.5, 0.5), (0.4, 0.5), (0.4, 0.4))
    expect(page.get_by_label("Selected items")).to_have_value(re.compile(r"\d+, \d+"))
    settled(page)
    assert steady(page, span) == zoomed
    page.get_by_label("Selected items").fill("3, 17")  # not from the map: the figure has to mark them
    page.get_by_label("Selected items").press("Enter")
    page.wait_for_function(f"() => JSON.stringify(({STANDS_OUT})()) === '[3,17]'")


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_a_tsne_shows_its_progress_stops_and_arrives_by_itself(page, app_url):
    seed = 90 + (page.viewport_size["width"] > 800)  # each size computes a map of its own
    page.goto(f"{app_url}/latent_space?map=t-SNE&which=m2&perplexity=5&map_seed={seed}")
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("button", name="Stop t-SNE").click()
    expect(page.get_by_text("Stopped: t-SNE of 1,000 points")).to_be_visible()
    page.get_by_role("button", name="Compute it").click()
    expect(page.get_by_text(f"perplexity 5, seed {seed}. This map is computed here")).to_be_visible(timeout=4 * TIMEOUT)
    expect(page.get_by_role("button", name="Stop t-SNE")).to_have_count(0)
