"""Compare and Your data as a person meets them."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from bvae.data import uploads
from tests.support.lasso import items, lasso
from tests.support.waiting import eventually, settled, steady

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
    page.goto(f"{app_url}/compare?mode=Trained+models")
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
    expect(page.get_by_label("Sample", exact=True)).to_have_value("17")
    if page.viewport_size["width"] < 800:  # there the pages are in a menu
        return
    page.get_by_role("link", name="Compare", exact=True).click()
    expect(page.get_by_role("link", name=re.compile("MoE, item 17"))).to_be_visible()


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_an_uploaded_file_is_shown_to_its_own_session_alone(page, app_url):
    rng = np.random.default_rng(0)
    content = uploads.write(
        rng.normal(size=(2, 900, 16)), 0.2 + rng.random((2, 900, 16)), ["left", "right"], name="a file of mine",
        labels=np.array([f"kind {i % 3}" for i in range(900)]),
        thumbnails={"left": rng.integers(0, 256, (900, 32, 32, 3), dtype="u1")})
    assert len(content) > 2 * uploads.MIB  # more than a form parser keeps in memory by itself
    page.goto(f"{app_url}/your_data")
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
    other.goto(f"{app_url}/your_data")
    expect(other.get_by_text("This is the example")).to_be_visible()
    expect(other.get_by_text("a file of mine")).to_have_count(0)
    page.get_by_role("button", name="Forget my file").click()
    expect(page.get_by_text("This is the example")).to_be_visible()


def test_a_bad_file_is_refused_in_a_sentence(page, app_url):
    page.goto(f"{app_url}/your_data")
    settled(page)
    page.locator('input[type="file"]').set_input_files(
        {"name": "x.npz", "mimeType": "application/octet-stream", "buffer": b"PK\x03\x04 not really"})
    expect(page.get_by_text(re.compile("expected an archive that ends with its directory"))).to_be_visible()
    expect(page.get_by_text("This is the example")).to_be_visible()
