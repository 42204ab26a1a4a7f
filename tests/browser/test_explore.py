"""Explore as a person meets it: the walk, a view that lies, links that bring everything back."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.serving import watched
from tests.support.waiting import box_of, eventually, fits, generated, settled


def subheader(page, text):
    return page.get_by_role("heading", name=text, exact=True)


def test_the_first_level_fits_a_projector(chromium, app_url):
    """Heading, choices, the sentence, all pictures and the picture of beliefs are on 1280 x 720 without scrolling."""
    with watched(chromium, 1280, 720) as page:
        page.goto(f"{app_url}/explore")
        settled(page)
        for place in ("h1", ".st-key-explore_form", ".st-key-happened", ".bvae-observed", ".st-key-views",
                      ".st-key-plane_chart .bvae-drawn", ".bvae-sheet table"):
            box = page.locator(place).first.bounding_box()
            assert 0 < box["y"] < box["y"] + box["height"] <= 720, place
        widths = page.evaluate("[...document.querySelectorAll('.bvae-sheet td img')].map(i => i.clientWidth)")
        assert min(widths) >= 56  # seen from the last row


def test_the_walk_by_its_buttons(page, app_url):
    page.goto(f"{app_url}/explore")
    settled(page)
    pictures = generated(page)
    page.get_by_text("Step by step: how the beliefs become one").click()
    for sentence in ("Every observed view is encoded alone:", "Weights say how much each view counts.",
                     "All experts become one joint belief."):
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_text(sentence)).to_be_visible()
        expect(page.locator(".katex-display")).to_have_count(2)
        expect(subheader(page, "In one dimension")).to_be_visible()
    settled(page)
    fits(page)
    page.get_by_role("radio", name="5 Decode").click()
    expect(subheader(page, "What it imagines")).to_be_visible()
    eventually(lambda: generated(page) == pictures, page=page)


def test_a_view_lies_its_link_shows_the_same_and_reset_brings_the_truth_back(page, app_url):
    page.goto(f"{app_url}/explore?agg=MoE&views=m0&views=m1&views=m2")
    settled(page)
    honest = generated(page)
    page.get_by_text("Let a view lie, damage it, weigh it").click()
    page.get_by_role("tab", name="m1").click()
    box = page.get_by_role("combobox", name="m1 shows")
    box.click()
    box.fill("7")
    box.press("Enter")
    expect(page.get_by_text("lies: shows 7", exact=True)).to_be_visible()
    expect(page.get_by_text("m1 now says a 7:")).to_be_visible()
    expect(subheader(page, "How every rule fares")).to_be_visible()
    expect(page.locator('img[alt$="lies: shows 7"]')).to_have_count(1)
    settled(page)
    lied = generated(page, other_than=honest)
    page.get_by_text("Step by step: how the beliefs become one").click()
    page.get_by_role("radio", name="5 Decode").click()
    page.wait_for_url(re.compile("lie_m1=7.*step=|step=.*lie_m1=7"))
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    settled(page)
    expect(page.get_by_text("lies: shows 7", exact=True)).to_be_visible()
    expect(page.get_by_text("Every decoder turns the same z into its view")).to_be_visible()
    eventually(lambda: generated(page) == lied, page=page)
    page.get_by_text("Let a view lie, damage it, weigh it").click()
    page.get_by_role("tab", name="m3").click()
    page.get_by_role("button", name="Bring m3 back").click()
    expect(page.locator('[role="img"][aria-label$=", hidden"]')).to_have_count(1)
    page.get_by_role("button", name="Advanced").click()
    page.get_by_role("button", name="Reset everything").click()
    expect(page.locator('[role="img"][aria-label$=", hidden"]')).to_have_count(0)
    expect(page.get_by_text("lies: shows 7")).to_have_count(0)
    page.wait_for_function("!/lie_m1|views|agg|step/.test(location.search)")


def test_what_is_done_to_a_view_does_not_lie_over_the_pictures_and_axes_stay(page, app_url):
    page.goto(f"{app_url}/explore")
    settled(page)
    plane = page.locator('img[alt^="Posteriors of"]')

    def axes():
        return page.locator('img[alt^="Posteriors of"] + div').inner_text()

    before = axes()
    page.get_by_text("Let a view lie, damage it, weigh it").click()
    shows, picture = (box_of(page, at) for at in (page.get_by_role("combobox", name="m0 shows"), plane))
    assert (shows["x"] + shows["width"] <= picture["x"] or shows["y"] + shows["height"] <= picture["y"]
            or picture["y"] + picture["height"] <= shows["y"])
    page.get_by_role("button", name="Let m0 say a 7").click()
    expect(page.get_by_text("m0 now says a 7:")).to_be_visible()
    settled(page)
    assert axes() == before
    expect(page.get_by_text("joint belief before the change")).to_have_count(1)
    page.get_by_role("button", name="Fit the picture").click()
    settled(page)
    assert axes() != before
    fits(page)


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_a_phone_shows_pictures_before_the_form(page, app_url):
    page.goto(f"{app_url}/explore")
    settled(page)
    first = page.locator('img[alt^="m4, "]').bounding_box()
    assert first["y"] + first["height"] < page.viewport_size["height"]
    order = page.evaluate("""() => ['img[alt^="m4, "]', 'img[alt^="Posteriors of"]', '.st-key-explore_form'].map(
        at => document.querySelector(at).getBoundingClientRect().top)""")
    assert order == sorted(order)


def test_a_folded_question_is_answered_with_pictures(page, app_url):
    page.goto(f"{app_url}/explore")
    settled(page)
    page.get_by_text("Why do 5 views of a 3 disagree?").click()
    expect(page.locator('img[alt$="drawn from the belief of m2 alone"]')).to_have_count(5)
    settled(page)
    page.get_by_text("Why draw from all views together").click()
    expect(page.locator('img[alt*="a group by lot, draw"]')).to_have_count(6)
    page.get_by_role("radio", name="a group by lot").click()
    page.wait_for_url(re.compile("decode=a"))
    settled(page)
    fits(page)


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_no_probability_breaks_into_two_lines(page, app_url):
    page.goto(f"{app_url}/explore?data=celeba")
    settled(page)
    page.get_by_text("What the judges see").click()
    numbers = page.locator(".bvae-distribution > div > :last-child")
    expect(numbers).to_have_count(24)  # 3 classes, 2 views, 4 draws
    assert all(page.evaluate("""() => [...document.querySelectorAll('.bvae-distribution > div > :last-child')].map(
        at => at.getClientRects().length === 1 && at.offsetHeight < 20)"""))
