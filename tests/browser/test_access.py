"""By keyboard and by ear: popovers take the focus and give it back, and every control has a name of its own."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.control_names import names, nothing, problems
from tests.support.menu import visit
from tests.support.serving import WIDTHS, watched
from tests.support.waiting import eventually, finished, steady

HELD = """() => [...document.querySelectorAll(
    '[data-testid="stMain"] :is(input, textarea, [role="slider"], [role="radio"], [aria-pressed])')]
    .filter(e => !e.closest('[data-testid="stPopoverBody"]'))
    .map(e => [e.value, e.checked, e.ariaValueText, e.ariaChecked, e.ariaPressed].join("/"))"""
INSIDE = "() => !!document.activeElement.closest('[data-testid=\"stPopoverBody\"]')"


def test_tabs_have_names_too(chromium, app_url):
    with watched(chromium, *WIDTHS["desktop"]) as page:
        page.goto(f"{app_url}/explore")
        finished(page)
        page.get_by_text("Let a view lie, damage it, weigh it").click()
        expect(page.get_by_role("tab", name=re.compile("m0, What is observed"))).to_be_visible()
        eventually(lambda: nothing(problems(names(page))), page=page, within=15)


@pytest.mark.parametrize(("path", "first", "later"), [
    ("explore", ".st-key-views", ".st-key-agg"),
    ("generate", ".st-key-task", ".st-key-agg"),
    ("your_data?my_item=1", ".st-key-my_views", ".st-key-my_rule"),
    ("latent_space?data=mnist-svhn-text&model=mwb-vae-2d&look=Walk+the+plane&drag=the+views%27+beliefs",
     ".st-key-plane_walk", ".st-key-walk_choices"),
])
def test_tab_goes_by_what_a_phone_shows(chromium, app_url, path, first, later):
    """What stands above is reached before what stands below."""
    with watched(chromium, *WIDTHS["phone"]) as page:
        page.goto(f"{app_url}/{path}")
        finished(page)

        def reached():
            page.locator("h1").first.click()
            met = []
            while 1 not in met and len(met) < 40:
                page.keyboard.press("Tab")
                met.append(page.evaluate("all => all.findIndex(s => document.activeElement.closest(s))",
                                         [first, later]))
            assert {0, 1} <= set(met)
            return met

        met = eventually(reached, page=page)  # a page that is still drawn loses the focus
        tops = [page.locator(place).first.bounding_box()["y"] for place in (first, later)]
        assert met.index(0) < met.index(1)
        assert tops[0] < tops[1]


def current(page):
    """What the menu says where one is: words of the elements that are marked, with the kind of the mark."""
    return page.evaluate("""() => [...document.querySelectorAll('[data-testid="stHeader"] [aria-current],'
        + '[data-testid="stTopNavPopoverBody"] [aria-current], [data-testid="stSidebar"] [aria-current]')]
        .map(e => [e.querySelector('p').textContent, e.ariaCurrent])""")


def test_the_menu_says_where_one_is(chromium, app_url):
    with watched(chromium, *WIDTHS["desktop"]) as page:
        page.goto(f"{app_url}/compare")
        finished(page)
        eventually(lambda: current(page) == [["Look into models", "true"]], page=page)
        page.get_by_test_id("stTopNavSection").filter(has_text="Look into models").click()
        eventually(lambda: ["Compare", "page"] in current(page) and len(current(page)) == 2, page=page)
        page.keyboard.press("Escape")
        visit(page, "Home")
        eventually(lambda: current(page) == [["Understand", "true"]], page=page)
        page.set_viewport_size({"width": 390, "height": 844})
        page.get_by_test_id("stExpandSidebarButton").click()
        eventually(lambda: current(page) == [["Home", "page"]], page=page)


def test_a_name_returns_when_it_is_alone_again(chromium, app_url):
    with watched(chromium, *WIDTHS["desktop"]) as page:
        page.goto(f"{app_url}/generate")
        finished(page)
        expect(page.get_by_role("button", name="m0, ", exact=False).first).to_be_visible()
        page.evaluate("""() => {
            const add = () => {
                const button = document.createElement("button");
                button.textContent = "Twin";
                document.querySelector('[data-testid="stMainBlockContainer"]').append(button);
                return button;
            };
            add();
            add().id = "second";
        }""")
        expect(page.get_by_role("button", name=re.compile("Twin.*2 of 2"))).to_have_count(1)
        page.evaluate("() => document.getElementById('second').remove()")
        expect(page.get_by_role("button", name="Twin", exact=True)).to_have_count(1)


@pytest.mark.parametrize("path", ["", "explore", "compare", "benchmarks", "latent_space", "generate"])
def test_a_popover_takes_the_focus_and_gives_it_back(chromium, app_url, path):
    with watched(chromium, *WIDTHS["desktop"]) as page:
        page.goto(f"{app_url}/{path}")
        finished(page)
        openers = page.get_by_test_id("stPopoverButton")
        for k in range(min(3, openers.count())):
            before = steady(page, lambda: page.evaluate(HELD))
            openers.nth(k).click()
            page.wait_for_selector('[data-testid="stPopoverBody"]')
            eventually(lambda: page.evaluate(INSIDE), page=page)
            finished(page)
            assert page.evaluate(INSIDE)
            for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
                page.keyboard.press(key)
            finished(page)
            assert page.evaluate(HELD) == before
            page.keyboard.press("Escape")
            expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
            eventually(lambda k=k: openers.nth(k).evaluate("e => e === document.activeElement"), page=page)
