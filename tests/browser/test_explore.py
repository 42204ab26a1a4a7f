"""Explore as a person meets it: the walk, a view that lies, links that bring everything back."""

import re

from playwright.sync_api import expect

from tests.support.waiting import eventually, fits, generated, settled


def subheader(page, text):
    return page.get_by_role("heading", name=text, exact=True)


def test_the_walk_by_its_buttons(page, app_url):
    page.goto(f"{app_url}/explore")
    settled(page)
    pictures = generated(page)
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
    page.get_by_role("button", name="Tamper").nth(1).click()
    box = page.get_by_test_id("stPopoverBody").locator("input").first
    box.click()
    box.fill("7")
    box.press("Enter")
    expect(page.get_by_text("lies: shows 7")).to_be_visible()
    page.keyboard.press("Escape")
    expect(subheader(page, "How every aggregator copes")).to_be_visible()
    expect(page.locator('img[alt$="lies: shows 7"]')).to_have_count(1)
    settled(page)
    lied = generated(page, other_than=honest)
    page.get_by_role("radio", name="5 Decode").click()
    page.wait_for_url(re.compile("lie_m1=7.*step=|step=.*lie_m1=7"))
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    settled(page)
    expect(page.get_by_text("lies: shows 7")).to_be_visible()
    expect(page.get_by_text("Every decoder turns the same z into its view")).to_be_visible()
    eventually(lambda: generated(page) == lied, page=page)
    page.get_by_role("button", name="Bring m3 back").click()
    expect(page.locator('[role="img"][aria-label*="absent"]')).to_have_count(1)
    page.get_by_role("button", name="Advanced").click()
    page.get_by_role("button", name="Reset everything").click()
    expect(page.locator('[role="img"][aria-label*="absent"]')).to_have_count(0)
    expect(page.get_by_text("lies: shows 7")).to_have_count(0)
    page.wait_for_function("!/lie_m1|views|agg|step/.test(location.search)")
