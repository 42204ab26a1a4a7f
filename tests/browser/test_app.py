"""The app as a person meets it."""

import re

import pytest
from playwright.sync_api import expect

TIMEOUT = 60_000


def settled(page):
    """Wait until the script has run and the figures are drawn."""
    page.wait_for_selector(".js-plotly-plot .main-svg, .bvae-table td, img[src^='data:image/svg']", timeout=TIMEOUT)
    page.wait_for_timeout(100)  # a click that has just been made has reached the server
    page.wait_for_function("""() => {
        const done = document.querySelector('[data-testid="stApp"]').dataset.testScriptState === "notRunning"
            && !document.querySelector('[data-testid="stStatusWidget"]');
        window.doneSince = done ? window.doneSince ?? performance.now() : null;
        return done && performance.now() - window.doneSince > 250;
    }""", timeout=TIMEOUT)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


def generated(page, other_than=None):
    """The generated images, as their data, once they stay the same for half a second: rows arrive one by one.

    With `other_than` once they are others, too: a busy machine takes its time.
    """
    read = "() => [...document.querySelectorAll('img[alt*=\"generated\"]')].map(image => image.src)"
    before, now = None, page.evaluate(read)
    for _ in range(60):
        page.wait_for_timeout(500)
        before, now = now, page.evaluate(read)
        if now == before and now and now != other_than:
            break
    return now


def test_explore_shows_a_trained_mwb_vae_at_once(page, app_url):
    page.goto(f"{app_url}/explore")
    settled(page)
    expect(page.locator('img[alt^="Posteriors of"]')).to_have_count(1)
    expect(page.locator('img[alt^="Mean and two-sigma interval"]')).to_have_count(1)
    expect(page.get_by_test_id("stSelectbox").nth(1).locator("input")).to_have_value("MWB-VAE")
    assert len(generated(page)) == 20
    expect(page.locator('img[alt^="m0, "]')).to_have_count(1)


def test_hiding_a_view_changes_the_generations_and_the_link_brings_it_back(page, app_url):
    page.goto(f"{app_url}/explore")
    settled(page)
    before = generated(page)
    page.get_by_role("button", name="m4", exact=True).click()
    expect(page.locator('[role="img"][aria-label*="m4"]')).to_have_count(1, timeout=TIMEOUT)
    settled(page)
    after = generated(page, other_than=before)
    assert after != before
    page.wait_for_url(re.compile("views="), timeout=TIMEOUT)
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    settled(page)
    expect(page.locator('[role="img"][aria-label*="m4"]')).to_have_count(1, timeout=TIMEOUT)
    assert generated(page) == after


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_a_bad_link_falls_back_quietly(page, app_url):
    page.goto(f"{app_url}/explore?model=..%2F..%2Fetc&agg=%3Cscript%3E&item=-7&views=m9&seed=x&w_m0=nan&n=1e9")
    settled(page)
    assert len(generated(page)) == 20


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_another_aggregator_keeps_the_axes(page, app_url):
    def axes():
        return page.locator('img[alt^="Posteriors of"] + div').inner_text()

    page.goto(f"{app_url}/explore?agg=PoE")
    settled(page)
    poe, images = axes(), generated(page)
    page.goto(f"{app_url}/explore?agg=Wasserstein")
    settled(page)
    assert axes() == poe != ""
    assert generated(page) != images


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_the_doors_of_home_lead_where_they_say(page, app_url):
    page.goto(app_url)
    settled(page)
    page.get_by_role("link", name=re.compile("Hide four of the five views")).click()
    page.wait_for_url(re.compile("explore"), timeout=TIMEOUT)
    expect(page.locator('[role="img"][aria-label*="absent"]')).to_have_count(4, timeout=TIMEOUT)
    page.goto(app_url)
    settled(page)
    page.get_by_role("link", name="Why is a product too sure?").click()
    expect(page.get_by_role("heading", name=re.compile("over-confidence of products"))).to_be_visible(timeout=TIMEOUT)
    page.goto(app_url)
    settled(page)
    page.get_by_role("link", name="Three rules in a quarrel").click()
    expect(page.get_by_role("heading", name="Side by side")).to_be_visible(timeout=TIMEOUT)
    expect(page.locator('[role="img"][aria-label*="absent"]')).to_have_count(3, timeout=TIMEOUT)


def drag(page, handle, dx, dy):
    """Take a handle of the playground and let it go elsewhere."""
    target = page.locator(f'.picture [data-control="{handle}"]').first
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
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
    drag(page, "0/mean", 25, -30)
    page.wait_for_function("before => document.querySelector('.bvae-table').innerText !== before", arg=before,
                           timeout=TIMEOUT)
    page.wait_for_function("before => location.href !== before", arg=link_before, timeout=TIMEOUT)
    page.wait_for_timeout(500)
    after, link = table.inner_text(), page.url
    drawn = wasserstein_mean(page)
    page.goto("about:blank")
    page.goto(link)
    settled(page)
    expect(table).to_have_text(re.compile("divergence"), timeout=TIMEOUT)
    assert table.inner_text() == after
    assert wasserstein_mean(page) == pytest.approx(drawn, abs=2e-3)  # links hold three decimals


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_a_scene_button_replaces_what_was_dragged(page, app_url):
    page.goto(f"{app_url}/playground")
    settled(page)
    drag(page, "1/mean", -20, 20)
    page.wait_for_timeout(1500)
    page.get_by_role("radio", name="Two camps", exact=True).click()
    page.wait_for_selector('.picture [data-control="3/mean"]', timeout=TIMEOUT)
    expect(page.get_by_text("Two experts left, two right.")).to_be_visible(timeout=TIMEOUT)
    # Going away and back keeps the scene.
    drag(page, "0/mean", 20, 20)
    page.wait_for_timeout(1500)
    mean = wasserstein_mean(page)
    page.reload()
    settled(page)
    page.wait_for_selector('.picture [data-control="3/mean"]', timeout=TIMEOUT)
    assert wasserstein_mean(page) == pytest.approx(mean, abs=2e-3)
