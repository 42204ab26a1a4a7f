"""Three tables with gaps in a real browser: dropped, understood, kept, found on Train, and deleted."""

import re

import pytest
from playwright.sync_api import expect

from tests.app.test_page_bring import TABLES
from tests.browser.test_every_page import findings
from tests.support.serving import WIDTHS, watched
from tests.support.waiting import finished, fits


@pytest.mark.parametrize(("size", "theme"), [("phone", "dark"), ("desktop", "light")])
def test_three_tables_with_gaps_are_understood_kept_found_on_train_and_deleted(chromium, app_url, size, theme):
    name = f"birds-{size}"
    with watched(chromium, *WIDTHS[size], color_scheme=theme) as page:
        page.goto(f"{app_url}/your_data")
        finished(page)
        expect(page.get_by_role("heading", name="What we understood: Penguins")).to_be_visible()
        page.locator('input[type="file"]').set_input_files(
            [{"name": file, "mimeType": "text/csv", "buffer": text.encode()} for file, text in TABLES.items()])
        expect(page.get_by_role("heading", name="What we understood", exact=True)).to_be_visible()
        expect(page.get_by_text(re.compile("40 items, seen through 3 views"))).to_be_visible()
        expect(page.get_by_role("img", name=re.compile("of 40 items have all 3 views"))).to_be_visible()
        finished(page)
        fits(page)
        assert findings(page) == []
        counts = page.get_by_role("radio", name="counts")
        counts.first.click()
        expect(counts.first).to_be_checked()
        box = page.get_by_label("Name of these data", exact=True)
        box.fill(name)
        box.press("Enter")
        page.get_by_role("button", name="Keep it on this computer").click()
        expect(page.get_by_text(f"{name} is kept on this computer.")).to_be_visible()
        expect(page.get_by_role("button", name=f"Look at {name}")).to_be_visible()
        finished(page)
        fits(page)
        assert findings(page) == []
        with watched(chromium, *WIDTHS[size]) as other:
            other.goto(f"{app_url}/train?train_data={name}")
            expect(other.get_by_role("combobox", name="Data set", exact=True)).to_have_value(name)
        page.get_by_role("button", name=f"Delete {name}", exact=True).click()
        page.get_by_role("button", name=f"Delete {name} for good").click()
        expect(page.get_by_text(f"{name} and its models are deleted.")).to_be_visible()
        expect(page.get_by_role("heading", name="What we understood: Penguins")).to_be_visible()
