"""Drawing, saving what one sees, and how Generate, Train and Your data fit their screens."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.support.serving import WIDTHS, watched
from tests.support.waiting import asked, box_of, eventually, finished, generated

DRAW = "generate?task=Draw+or+write&n=1"
PATHS = ("generate", DRAW, "generate?task=Interpolate", "generate?task=Invent", "train", "your_data?my_item=1",
         "your_data?show=Latent+space", "your_data?show=Compare+rules")


def paper_of(tab):
    return tab.get_by_role("application", name=re.compile("Canvas"))


def ink(tab):
    """How many cells have ink, as the browser shows them."""
    found = []
    eventually(lambda: found.append(tab.evaluate("""() => {
        const find = (root) => {
            for (const node of root.querySelectorAll("*")) {
                if (node.matches(".paper canvas")) return node;
                const inside = node.shadowRoot && find(node.shadowRoot);
                if (inside) return inside;
            }
            return null;
        };
        const canvas = find(document);
        if (!canvas) return null;
        const { data } = canvas.getContext("2d").getImageData(0, 0, 28, 28);
        return data.filter((value, i) => i % 4 === 0 && value > 0).length;
    }""")) or found[-1] is not None, page=tab)
    return found[-1]


def stroke(tab, share):
    """A short stroke across, at a share of the height."""
    box = box_of(tab, paper_of(tab))
    y = box["y"] + box["height"] * share
    tab.mouse.move(box["x"] + box["width"] * 0.3, y)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * 0.5, y, steps=4)
    tab.mouse.up()


def test_a_drawing_begins_on_an_empty_field_and_undo_brings_the_example_back(chromium, app_url):
    with watched(chromium, *WIDTHS["desktop"]) as tab:
        tab.goto(f"{app_url}/{DRAW}")
        before = generated(tab)
        example = ink(tab)
        expect(tab.get_by_text("An example.")).to_be_visible()
        with asked(tab):
            stroke(tab, 0.9)
        mine = ink(tab)
        assert 0 < mine < example / 2
        expect(tab.get_by_text("An example.")).to_be_hidden()
        own = generated(tab, other_than=before)
        with asked(tab):
            stroke(tab, 0.1)  # what is one's own stays
        assert ink(tab) >= 1.5 * mine
        for _ in range(2):
            tab.get_by_role("button", name="Undo", exact=True).click()
        eventually(lambda: generated(tab) == before, page=tab)
        assert ink(tab) == example
        expect(tab.get_by_text("An example.")).to_be_visible()
        with asked(tab):
            stroke(tab, 0.9)
        assert ink(tab) == mine
        assert generated(tab, other_than=before) == own
        tab.reload()  # now it is a drawing of one's own, which the link holds
        assert generated(tab, other_than=[]) == own
        with asked(tab):
            stroke(tab, 0.1)
        assert ink(tab) > mine


def test_the_eraser_changes_an_example_and_does_not_empty_it(chromium, app_url):
    with watched(chromium, *WIDTHS["desktop"]) as tab:
        tab.goto(f"{app_url}/{DRAW}")
        generated(tab)
        example = ink(tab)
        tab.get_by_role("button", name="Eraser", exact=True).click()
        with asked(tab):
            stroke(tab, 0.2)
        assert example / 2 < ink(tab) < example


@pytest.mark.parametrize("path", ["", "explore", "generate", "compare", "your_data?my_item=1", "train", "benchmarks"])
def test_what_is_seen_can_be_saved(chromium, app_url, path):
    """As one SVG and one PNG, with the page's words, its pictures as they are shown, and none of its controls."""
    with watched(chromium, *WIDTHS["desktop"]) as tab:
        tab.goto(f"{app_url}/{path}")
        expect(tab.get_by_test_id("stHeading").first).to_be_visible()
        finished(tab)
        fold = tab.locator(".st-key-reproduce summary")
        fold.scroll_into_view_if_needed()
        fold.click()
        with tab.expect_download() as saved:
            tab.get_by_role("button", name="Save it as SVG").click()
        svg = saved.value.path().read_text(encoding="utf-8")
        assert saved.value.suggested_filename.endswith(".svg")
        words = re.sub(r"\s+", " ", " ".join(re.findall("<text[^>]*>([^<]*)</text>", svg)))
        heading = tab.get_by_test_id("stHeading").first.inner_text().split("\n")[0].strip()
        assert heading.split()[0] in words
        assert f"{app_url}/{path}" in words
        for control in ("Reset everything", "Numbers and files", "Save it as SVG"):
            assert control not in words
        assert "foreignObject" not in svg
        parsed = tab.evaluate("text => new DOMParser().parseFromString(text, 'image/svg+xml')"
                              ".querySelector('parsererror')?.textContent ?? ''", svg)
        assert parsed == ""
        assert svg.count("<image ") + svg.count("<path ") > 3
        with tab.expect_download() as saved:
            tab.get_by_role("button", name="Save the picture as PNG").click()
        picture = Image.open(io.BytesIO(saved.value.path().read_bytes()))
        width, height = (float(v) for v in re.search(r'width="([\d.]+)" height="([\d.]+)"', svg).groups())
        assert picture.width / picture.height == pytest.approx(width / height, rel=0.01)
        assert picture.convert("RGB").getcolors(50) is None  # it has more


@pytest.mark.parametrize("path", [p for p in PATHS if "rules" not in p])
def test_a_phone_shows_the_picture_before_the_form(chromium, app_url, path):
    with watched(chromium, *WIDTHS["phone"]) as tab:
        tab.goto(f"{app_url}/{path}")
        expect(tab.get_by_test_id("stHeading").first).to_be_visible()
        finished(tab)

        def order():
            picture, form = tab.evaluate("""() => {
                const tops = (found) => [...found].map((e) => e.getBoundingClientRect()).filter((b) => b.height > 30)
                    .map((b) => b.top);
                const main = document.querySelector('[data-testid="stMain"]');
                const shown = [...main.querySelectorAll('img[src^="data:"], .main-svg')];
                for (const node of main.querySelectorAll("*")) {
                    if (node.shadowRoot) shown.push(...node.shadowRoot.querySelectorAll("canvas, img"));
                }
                return [Math.min(...tops(shown)), Math.min(
                    ...tops(main.querySelectorAll('[data-testid="stSelectbox"], [data-testid="stFileUploader"]')))];
            }""")
            return picture < form and picture < WIDTHS["phone"][1] - 100

        eventually(order, page=tab)
