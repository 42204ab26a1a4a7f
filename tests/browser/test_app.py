"""The app as a person meets it."""

import re

import pytest
from playwright.sync_api import expect

TIMEOUT = 60_000


def settled(page):
    """Wait until the script has run and the figures are drawn."""
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=TIMEOUT)
    page.wait_for_function("() => !document.querySelector('[data-testid=\"stStatusWidget\"]')", timeout=TIMEOUT)
    page.wait_for_timeout(300)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


def generated(page):
    """The generated images, as their data, once they stay the same for a second: rows arrive one by one."""
    read = "() => [...document.querySelectorAll('img[alt*=\"generated\"]')].map(image => image.src)"
    before, now = None, page.evaluate(read)
    for _ in range(30):
        page.wait_for_timeout(1000)
        before, now = now, page.evaluate(read)
        if now == before and now:
            break
    return now


@pytest.mark.parametrize("path", ["", "explore", "latent_space"])
def test_every_page_opens_without_an_error_or_sideways_scroll(page, app_url, path):
    page.goto(f"{app_url}/{path}")
    settled(page)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0


def test_explore_shows_a_trained_mwb_vae_at_once(page, app_url):
    page.goto(f"{app_url}/explore")
    settled(page)
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    expect(page.get_by_test_id("stSelectbox").nth(1).locator("input")).to_have_value("MWB-VAE")
    assert len(generated(page)) == 20
    expect(page.locator('img[alt*="m0, "]')).to_have_count(1)


def test_hiding_a_view_changes_the_generations_and_the_link_brings_it_back(page, app_url):
    page.goto(f"{app_url}/explore")
    settled(page)
    before = generated(page)
    page.get_by_role("button", name="m4", exact=True).click()
    expect(page.locator('[role="img"][aria-label*="m4"]')).to_have_count(1, timeout=TIMEOUT)
    settled(page)
    after = generated(page)
    assert after != before
    page.wait_for_url(re.compile("views="), timeout=TIMEOUT)
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    settled(page)
    expect(page.locator('[role="img"][aria-label*="m4"]')).to_have_count(1, timeout=TIMEOUT)
    assert generated(page) == after


def test_a_bad_link_falls_back_quietly(page, app_url):
    page.goto(f"{app_url}/explore?model=..%2F..%2Fetc&agg=%3Cscript%3E&item=-7&views=m9&seed=x&w_m0=nan&n=1e9")
    settled(page)
    assert len(generated(page)) == 20


def test_another_aggregator_keeps_the_axes(page, app_url):
    def axes():
        return page.evaluate("() => { const g = document.querySelectorAll('.js-plotly-plot')[0];"
                             " return [g.layout.xaxis.range, g.layout.yaxis.range]; }")

    page.goto(f"{app_url}/explore?agg=PoE")
    settled(page)
    poe, images = axes(), generated(page)
    page.goto(f"{app_url}/explore?agg=Wasserstein")
    settled(page)
    assert axes() == poe
    assert generated(page) != images


def test_the_doors_of_home_lead_where_they_say(page, app_url):
    page.goto(app_url)
    settled(page)
    page.get_by_role("link", name=re.compile("Hide four of the five views")).click()
    page.wait_for_url(re.compile("explore"), timeout=TIMEOUT)
    expect(page.locator('[role="img"][aria-label*="absent"]')).to_have_count(4, timeout=TIMEOUT)
