"""What a person brings in a real browser: dropped, understood, kept, found on Train, and deleted."""

import io
import re
import zipfile

import numpy as np
import pytest
from PIL import Image
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
        page.get_by_role("button", name=f"Change {name}").click()
        expect(page.get_by_role("heading", name=f"What we understood: {name}")).to_be_in_viewport()
        expect(page.get_by_role("button", name=f"Save {name} so")).to_be_disabled()
        finished(page)  # an option that is drawn anew forgets the click
        numbers = page.get_by_role("radio", name="numbers")
        numbers.nth(1).click()
        expect(numbers.nth(1)).to_be_checked()
        page.get_by_role("button", name=f"Save {name} so").click()
        expect(page.get_by_text(f"{name} is saved as it is understood now.")).to_be_visible()
        finished(page)
        with watched(chromium, *WIDTHS[size]) as other:
            other.goto(f"{app_url}/train?train_data={name}")
            expect(other.get_by_role("combobox", name="Data set", exact=True)).to_have_value(name)
        page.get_by_role("button", name=f"Delete {name}", exact=True).click()
        page.get_by_role("button", name=f"Delete {name} for good").click()
        expect(page.get_by_text(f"{name} and its models are deleted.")).to_be_visible()
        expect(page.get_by_role("heading", name="What we understood: Penguins")).to_be_visible()


def photos(count):
    """A ZIP of small pictures, and a table with a caption for each."""
    noise, held = np.random.default_rng(0), io.BytesIO()
    colours, shapes = ["red", "green", "blue"], ["round", "square", "long", "small", "odd"]
    with zipfile.ZipFile(held, "w") as out:
        for k in range(count):
            pixels = noise.integers(0, 60, (12, 10, 3), dtype=np.uint8)
            pixels[..., k % 3] += 150
            picture = io.BytesIO()
            Image.fromarray(pixels).save(picture, "PNG")
            out.writestr(f"photos/P{k}.png", picture.getvalue())
    told = "".join(f"P{k}.png,a {shapes[k % 5]} {colours[k % 3]} thing of number {k}\n" for k in range(count))
    return held.getvalue(), f"file,caption\n{told}".encode()


def test_a_zip_of_200_pictures_with_captions_goes_on_to_train(chromium, app_url):
    pictures, captions = photos(200)
    with watched(chromium, *WIDTHS["desktop"]) as page:
        page.goto(f"{app_url}/your_data")
        finished(page)
        page.locator('input[type="file"]').set_input_files([
            {"name": "photos.zip", "mimeType": "application/zip", "buffer": pictures},
            {"name": "captions.csv", "mimeType": "text/csv", "buffer": captions}])
        expect(page.get_by_text(re.compile("200 items, seen through 2 views"))).to_be_visible()
        expect(page.get_by_role("img", name=re.compile("200 of 200 items have all 2 views"))).to_be_visible()
        finished(page)
        fits(page)
        box = page.get_by_label("Name of these data", exact=True)
        box.fill("photos")
        box.press("Enter")
        finished(page)
        page.get_by_role("button", name="Train a model on it").click()
        page.wait_for_url(re.compile("/train"))
        expect(page.get_by_role("combobox", name="Data set", exact=True)).to_have_value("photos")
        page.goto(f"{app_url}/your_data")
        finished(page)
        page.get_by_role("button", name="Delete photos", exact=True).click()
        page.get_by_role("button", name="Delete photos for good").click()
        expect(page.get_by_text("photos and its models are deleted.")).to_be_visible()
