"""Back and Forward lead to where one was, as one left it; a reload keeps it; what a link does not get is said."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from benchmarks.app import choose, segment, step, toggle
from bvae.app.pages import PAGES
from bvae.app.tour import following
from tests.support.menu import visit
from tests.support.serving import WIDTHS, watched
from tests.support.waiting import asked, eventually, finished


def number(tab, key):
    return tab.locator(f".st-key-{key} input").input_value()


def chosen(tab, key):
    return tab.locator(f".st-key-{key} [aria-checked='true'], .st-key-{key} [aria-pressed='true']").all_inner_texts()


CHANGES = {
    "explore": (step, "item", number), "generate": (step, "item", number),
    "compare": (toggle, "views", chosen), "latent_space": (segment, "which", chosen),
    "benchmarks": (choose, "curve", number), "your_data": (step, "my_item", number),
    "train": (step, "train_steps_mwb-vae", number),
}
"""Of every page with controls in its address: what a person changes, and how it is read."""
ADDRESSES = {"your_data": "your_data?bring=Beliefs+of+a+model+of+yours"}
"""Where that is, if not where the page opens."""


def query(tab):
    return parse_qs(urlsplit(tab.url).query, keep_blank_values=True)


def held(tab, read, key, value, address):
    """Control and address are as they were."""
    finished(tab)
    eventually(lambda: read(tab, key) == value, page=tab)
    assert urlsplit(tab.url).path == urlsplit(address).path
    eventually(lambda: query(tab) == parse_qs(urlsplit(address).query, keep_blank_values=True), page=tab)


@pytest.mark.parametrize("name", CHANGES)
def test_back_and_forward_bring_both_pages_as_they_were_left(chromium, app_url, name):
    act, key, read = CHANGES[name]
    other = "compare" if name == "explore" else "explore"  # pages that share the names of controls
    with watched(chromium, *WIDTHS["desktop"]) as tab:
        tab.goto(f"{app_url}/{ADDRESSES.get(name, name)}")
        finished(tab)
        with asked(tab):
            act(tab, key, 0)
        eventually(lambda: key in query(tab), page=tab)
        value, address, entries = read(tab, key), tab.url, tab.evaluate("history.length")
        visit(tab, PAGES[other].title)
        with asked(tab):
            step(tab, "item", 0)
        there, where = number(tab, "item"), tab.url
        assert tab.evaluate("history.length") == entries + 1
        tab.go_back()
        held(tab, read, key, value, address)
        tab.go_forward()
        held(tab, number, "item", there, where)
        tab.go_back()
        held(tab, read, key, value, address)
        tab.reload()
        held(tab, read, key, value, address)


def test_back_brings_the_scene_of_the_playground(chromium, app_url):
    with watched(chromium, *WIDTHS["desktop"]) as tab:
        tab.goto(f"{app_url}/playground")
        finished(tab)
        tab.get_by_role("radio").nth(2).or_(tab.locator(".st-key-playground_preset button").nth(2)).first.click()
        finished(tab)
        eventually(lambda: "scene" in query(tab), page=tab)
        address = tab.url
        visit(tab, "Explore")
        tab.go_back()
        tab.wait_for_url(re.compile("/playground"))
        finished(tab)
        assert query(tab) == parse_qs(urlsplit(address).query)


def test_a_link_between_pages_opens_what_it_holds_not_what_the_last_page_had(chromium, app_url):
    with watched(chromium, *WIDTHS["desktop"]) as tab:
        tab.goto(f"{app_url}/compare?item=17&seed=3")
        finished(tab)
        tab.get_by_role("button", name="Pin these runs").click()
        link = tab.get_by_role("link", name=re.compile("MoE, item 17"))
        expect(link).to_be_visible()
        with asked(tab):
            step(tab, "item", 0)
        with asked(tab):
            toggle(tab, "views", 0)
        link.click()
        tab.wait_for_url(re.compile(r"/explore.*item=17"))
        finished(tab)
        assert number(tab, "item") == "17"
        assert chosen(tab, "views") == ["m0", "m1", "m2", "m3"]


@pytest.mark.parametrize(("path", "says"), [
    ("explore?item=-7&model=nix&views=m9&views=m1", (
        "Method: “nix” was asked for, MWB-VAE is shown instead.", "“-7” was asked for, 342 is shown instead.",
        "Views: “m9” was asked for, m1 is shown instead.")),
    ("benchmarks?curve=nonsense", ("Curve: “nonsense” was asked for, Conditional coherence is shown instead.",)),
    ("nowhere", ("Page: “nowhere” was asked for, Home is shown instead.",)),
    ("explore/within", ("Page: “explore/within” was asked for, Home is shown instead.",)),
])
def test_what_a_link_does_not_get_is_said_until_one_has_read_it(chromium, app_url, path, says):
    with watched(chromium, *WIDTHS["phone"]) as tab:
        tab.goto(f"{app_url}/{path}")
        finished(tab)
        told = tab.locator(".bvae-replaced")
        for words in says:
            expect(told).to_contain_text(words)
        expect(tab.get_by_role("dialog")).to_have_count(0)
        tab.get_by_role("button", name="Understood").click()
        expect(told).to_have_count(0)


def test_home_is_found_by_its_name(chromium, app_url):
    with watched(chromium, *WIDTHS["desktop"]) as tab:
        tab.goto(f"{app_url}/home?v=1&place=-3.5")
        finished(tab)
        assert urlsplit(tab.url).path == "/"
        expect(tab.get_by_role("heading", level=1)).to_be_visible()
        expect(tab.locator(".bvae-replaced")).to_have_count(0)


def test_every_page_ends_with_the_next_one_until_one_is_back(chromium, app_url):
    """By the links at the ends of the pages alone."""
    with watched(chromium, *WIDTHS["phone"]) as tab:
        tab.goto(f"{app_url}/")
        for name in PAGES:
            finished(tab)
            assert urlsplit(tab.url).path == f"/{'' if name == 'home' else name}"
            after = following(name)
            end = tab.locator(".st-key-tour")
            expect(end).to_contain_text(PAGES[after].help)
            end.get_by_role("link", name=f"Next: {PAGES[after].title}").click()
            tab.wait_for_function("name => location.pathname.endsWith('/' + name)",
                                  arg="" if after == "home" else after)
