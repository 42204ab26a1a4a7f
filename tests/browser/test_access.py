"""By keyboard and by ear: popovers take the focus and give it back, and every control has a name of its own."""

import re
from collections import Counter

import pytest
from playwright.sync_api import expect

from tests.support.every_page import PATHS
from tests.support.serving import WIDTHS, watched
from tests.support.waiting import eventually, finished

ROLES = {"button", "link", "textbox", "spinbutton", "slider", "checkbox", "switch", "radio", "combobox", "tab",
         "menuitem", "application"}
HELD = """() => [...document.querySelectorAll(
    '[data-testid="stMain"] :is(input, textarea, [role="slider"], [role="radio"], [aria-pressed])')]
    .filter(e => !e.closest('[data-testid="stPopoverBody"]'))
    .map(e => [e.value, e.checked, e.ariaValueText, e.ariaChecked, e.ariaPressed].join("/"))"""
INSIDE = "() => !!document.activeElement.closest('[data-testid=\"stPopoverBody\"]')"
UNSAID = {"your_data": ":gray", "explore": ":gray"}
"""Names that are being mended: page -> what is wrong in them."""


def names(page):
    """Role and name of every control, as the browser tells them to a screen reader."""
    session = page.context.new_cdp_session(page)
    tree = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree
            if not node.get("ignored") and node.get("role", {}).get("value") in ROLES]


def nothing(found):
    assert found == []
    return True


def problems(found):
    twice = [f"{count} times {name}" for (_, name), count in Counter(found).items() if count > 1]
    signs = [name for _, name in found if not re.search(r"[^\W\d_]{2}", name) or re.search(r":\w+\[|material/", name)]
    return twice + signs


@pytest.mark.parametrize("path", PATHS)
def test_names_are_words_and_all_different(chromium, app_url, path):
    with watched(chromium, *WIDTHS["desktop"]) as page:
        page.goto(f"{app_url}/{path}")
        finished(page)
        known = UNSAID.get(path.partition("?")[0])

        def left():
            return [what for what in problems(names(page)) if not (known and known in what)]

        eventually(lambda: nothing(left()), page=page, within=15)  # said a moment after the page is drawn


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
            before = page.evaluate(HELD)
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
