"""Walk the plane as a person meets it: drag, keys, link, and that nothing piles up."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_every_page import sound
from tests.support.cut_off import nothing_is_cut_off
from tests.support.serving import watched
from tests.support.waiting import box_of, eventually, finished, fits, frames, traffic

FLAT = "latent_space?data=mnist-svhn-text&model=mwb-vae-2d"
WALK = f"{FLAT}&look=Walk+the+plane"
BELIEFS = f"{WALK}&drag=the+views%27+beliefs"
ROOT = ".bvae-walk"
COUNT = """root => {
  window.answers = 0;
  window.sketches = 0;
  new MutationObserver(all => all.forEach(({attributeName}) =>
    window[attributeName === 'data-number' ? 'answers' : 'sketches']++)).observe(
    root, {attributes: true, attributeFilter: ['data-number', 'data-sketched']});
}"""


def opened(page, url):
    page.goto(url)
    page.wait_for_selector(f"{ROOT} .handle")
    finished(page)
    eventually(lambda: page.locator(f"{ROOT} .field").get_attribute("data-painted"), page=page)


def z(page):
    """Where the browser has the point."""
    return [float(v) for v in page.locator(ROOT).get_attribute("data-z").split(",")]


def pictures(page):
    """What the first row shows."""
    return page.locator(f"{ROOT} .rows img").evaluate_all("all => all.map(image => image.src)")


def drag(page, handle, dx, dy, steps=12):
    """Press on a handle, move in steps that the browser draws, and let go."""
    box = box_of(page, handle)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, steps + 1):
        page.mouse.move(x + dx * step / steps, y + dy * step / steps)
        frames(page)
    page.mouse.up()


def answered(page):
    """The last question has its answer: no sketch lies over the pictures."""
    finished(page)
    expect(page.locator(f"{ROOT} .rows canvas:not([hidden])")).to_have_count(0)


@pytest.mark.parametrize("path", [WALK, BELIEFS])
def test_a_projector_shows_all_of_it_without_scrolling(chromium, app_url, path):
    with watched(chromium, 1280, 720) as page:
        opened(page, f"{app_url}/{path}")
        for place in ("h1", f"{ROOT} .field", f"{ROOT} .rows", f"{ROOT} .said", f"{ROOT} .tools"):
            box = page.locator(place).first.bounding_box()
            assert 0 < box["y"] < box["y"] + box["height"] <= 720, place
        assert page.locator(f"{ROOT} .field").bounding_box()["width"] >= 340


def test_a_dragged_point_changes_all_views_and_the_link_holds_it(page, app_url):
    opened(page, f"{app_url}/{WALK}")
    fits(page)
    expect(page.locator(f"{ROOT} .said")).to_contain_text("In every view a classifier sees 2")
    before, first, requests = z(page), pictures(page), traffic(page).requests
    page.locator(ROOT).evaluate(COUNT)
    drag(page, page.locator(f"{ROOT} .handle"), 60, -60)
    answered(page)
    assert z(page)[0] > before[0] + 1
    assert z(page)[1] > before[1] + 1
    assert all(a != b for a, b in zip(pictures(page), first, strict=True))
    assert page.evaluate("window.sketches") > 3  # pictures were there before the server's
    # One question at a time: never more questions than answers, but for the one under way.
    assert traffic(page).requests - requests <= page.evaluate("window.answers") + 1
    page.wait_for_url(re.compile(r"[?&]z="))
    there, shown, said = z(page), pictures(page), page.locator(f"{ROOT} .said").inner_text()
    link = page.url
    page.goto("about:blank")
    opened(page, link)
    assert z(page) == pytest.approx(there, abs=0.01)
    expect(page.locator(f"{ROOT} .said")).to_have_text(said)
    page.get_by_role("button", name="Start again").click()
    eventually(lambda: z(page) == before, page=page)
    answered(page)
    assert pictures(page) == first != shown
    page.wait_for_function("() => !location.search.includes('z=')")


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_arrow_keys_move_what_has_the_focus_and_say_where_it_is(page, app_url):
    opened(page, f"{app_url}/{WALK}")
    point = page.get_by_role("button", name=re.compile("^point z, at"))
    before = z(page)
    point.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    eventually(lambda: z(page)[0] > before[0] + 0.2 and z(page)[1] > before[1] + 0.2, page=page)
    answered(page)
    page.wait_for_url(re.compile(r"[?&]z="))
    expect(page.locator(f"{ROOT} .heard")).to_contain_text(f"z = ({z(page)[0]:.2f}")


def test_a_dragged_belief_takes_the_joint_belief_along_and_its_width_counts(page, app_url):
    opened(page, f"{app_url}/{BELIEFS}&agg=PoE")
    said = page.locator(f"{ROOT} .said")
    svhn = page.get_by_role("button", name=re.compile("^belief of svhn, at"))
    centre = page.locator(f"{ROOT} .centre").first
    before = box_of(page, centre)
    drag(page, svhn, 70, -70)
    answered(page)
    expect(said).to_contain_text(re.compile("You moved svhn's belief by .*; the joint belief's mean moved by "))
    page.wait_for_url(re.compile("beliefs="))

    def moved():
        now = box_of(page, centre)
        return abs(now["x"] - before["x"]) + abs(now["y"] - before["y"])

    near = eventually(moved, page=page)
    width = page.get_by_label("Width of the belief of svhn")
    width.focus()
    for _ in range(16):
        page.keyboard.press("ArrowRight")  # wider: a product of experts listens to it less
    answered(page)
    eventually(lambda: moved() < near * 0.7, page=page)
    expect(page.locator(f"{ROOT} .widths")).to_contain_text("16 times as wide")
    page.get_by_role("button", name="Reproduce this picture").or_(page.get_by_text("Reproduce this picture")).click()
    expect(page.get_by_test_id("stCode").first).to_contain_text("scale[1, 0] *= 16")


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_on_a_phone_the_pictures_lie_above_the_hand_and_the_page_does_not_scroll_while_one_drags(page, app_url):
    opened(page, f"{app_url}/{WALK}")
    field = page.locator(f"{ROOT} .field")
    above, below = page.locator(f"{ROOT} :is(.rows, .field)").evaluate_all(
        "all => [...all].sort((a, b) => a.className < b.className ? 1 : -1).map(e => e.getBoundingClientRect().top)")
    assert above < below
    assert field.evaluate("field => getComputedStyle(field).touchAction") == "none"
    before = pictures(page)
    drag(page, page.locator(f"{ROOT} .handle"), -40, -120)
    answered(page)
    assert pictures(page) != before


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_the_map_can_be_coloured_by_class_and_is_offered_from_other_models(page, app_url):
    page.goto(f"{app_url}/latent_space")
    finished(page)
    page.get_by_role("button", name="Walk the plane").click()
    page.wait_for_selector(f"{ROOT} .handle")
    finished(page)
    field = page.locator(f"{ROOT} .field")
    plain = eventually(lambda: field.get_attribute("data-painted"), page=page)
    page.get_by_text("Colour by class").click()
    eventually(lambda: field.get_attribute("data-painted") != plain, page=page)
    expect(field).to_have_attribute("aria-label", re.compile("in colours what a classifier sees in mnist"))


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
@pytest.mark.parametrize("address", ["latent_space", FLAT, WALK, BELIEFS])
def test_no_control_is_cut_off(page, app_url, address):
    page.goto(f"{app_url}/{address}")
    page.wait_for_selector(f"{ROOT} .handle, .js-plotly-plot .main-svg")
    nothing_is_cut_off(page)


@pytest.mark.parametrize("page", ["phone"], indirect=True)
@pytest.mark.parametrize("address", [WALK, f"{BELIEFS}&classes=true"])
def test_it_is_accessible_in_both_themes(page, app_url, address):
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        opened(page, f"{app_url}/{address}")
        sound(page)
