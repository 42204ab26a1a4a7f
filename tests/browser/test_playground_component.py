"""The playground: its maths against Python's, and what a hand does with it."""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from playwright.sync_api import expect

from bvae.app.components.playground import scenes
from tests.support import ROOT, parity
from tests.support.serving import served
from tests.support.waiting import asked, box_of, eventually, finished, fits, frames, steady, traffic

SCRIPT = ROOT / "tests" / "support" / "playground_harness.py"
MODULES = ("contours", "densities", "gaussians", "legend", "rules", "scene")
KINDS = {".mjs": "text/javascript", ".json": "application/json"}


# --- the maths --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def math(chromium):
    """Calls a function of an expression of ``m``, all that the modules export, on JSON arguments."""
    context = chromium.new_context()
    tab = context.new_page()

    def answer(route):
        file = ROOT / urllib.parse.urlparse(route.request.url).path.lstrip("/")
        if file.suffix in KINDS:
            route.fulfill(body=file.read_text(encoding="utf-8"), content_type=KINDS[file.suffix])
        else:
            route.fulfill(body="<!doctype html>", content_type="text/html")

    context.route("http://localhost/**", answer)  # the files as they are, from no server
    tab.goto("http://localhost/")
    tab.evaluate(
        "async names => { window.m = Object.assign({}, await import('/tests/support/parity.mjs'),"
        " await import('/tests/support/labels.mjs'),"
        " ...await Promise.all(names.map(name =>"
        " import(`/bvae/app/components/playground/browser/${name}.mjs`)))); }",
        MODULES,
    )
    yield tab.evaluate
    context.close()


@pytest.fixture(scope="module")
def found(math):
    """What ``parity.mjs`` says of all cases."""
    return math("cases => m.compare(cases)", parity.cases())


@pytest.mark.parametrize("group", parity.GROUPS)
def test_the_browser_aggregates_as_python_does(found, group):
    parity.assert_equal(found, group)


def test_browser_and_python_draw_the_same_limits(found):
    parity.assert_same_scenes(found)


def test_contours_hold_the_mass_that_they_claim(math):
    # Of a Gaussian, 39 and 86 percent lie within one and two standard deviations.
    radii = math(
        "() => { const q = m.aggregate('poe', [{mean: [1, 0], cov: [2, 0.5, 0.7], present: true}], [1]);"
        " const grid = m.densityGrid(q); const top = m.logDensity(q, [1, 0]);"
        " return m.levelsFor(grid, [1 - Math.exp(-0.5), 1 - Math.exp(-2)]).map(l => Math.sqrt(2 * (top - l))); }"
    )
    np.testing.assert_allclose(radii, [1, 2], rtol=0.02)
    lines = math(
        "() => { const e = [[-3, 0], [3, 0]].map(mean => ({mean, cov: [0.3, 0.1, 0.3], present: true}));"
        " const grid = m.densityGrid(m.aggregate('moe', e, [1, 1]));"
        " return m.contours(grid, m.levelsFor(grid, [0.8])[0]).length; }"
    )
    assert lines == 2


@pytest.mark.parametrize(("count", "width"), [(3, 900), (3, 358), (6, 620), (12, 900)])
def test_names_stand_beside_their_own_lines_and_on_nothing_else(math, count, width):
    """In many random scenes, while an expert is dragged through them."""
    found = math("given => m.measure(given)", {"seeds": 12, "count": count, "width": width})
    assert found["faults"] == []
    assert found["labels"] > 12 * 6 * 2
    assert found["missing"] <= found["labels"] / 100
    assert found["leaps"] <= found["labels"] / 50


def test_any_input_becomes_a_scene_that_can_be_drawn(math):
    scene = math(
        "() => m.cleanScene({experts: [{mean: [99, NaN], cov: [1, 5, 1]}, {mean: 'x', cov: [0, 0, 0], present: false},"
        " null], weights: [-1, NaN, 9], rules: ['moe', '<b>'], fill: 'no', alpha: 0, view: 'x'}, ['poe', 'moe'])"
    )
    assert [expert["present"] for expert in scene["experts"]] == [True, False, True]
    for expert in scene["experts"]:
        values = np.linalg.eigvalsh([expert["cov"][:2], expert["cov"][1:]]) ** 0.5
        assert values.min() > 0.0999
        assert values.max() < 3.0001
        assert abs(expert["mean"][0]) <= 4.9
    assert scene["weights"] == [0, 1, 4]
    assert (scene["rules"], scene["fill"], scene["alpha"], scene["view"]) == (["moe"], None, 0.05, "plane")


# --- the hand ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def harness_url(tmp_path_factory):
    """The address of the page that holds only the playground."""
    with served(SCRIPT, tmp_path_factory.mktemp("harness") / "log.txt") as url:
        yield url


def opened(page, url, **changes):
    """The harness with its first scene, or that scene changed."""
    if changes:
        text = re.search(r"FIRST = (\{.*?\n\})", SCRIPT.read_text(), re.DOTALL).group(1)
        first = json.loads(re.sub(r",\s*([}\]])", r"\1", text.replace("True", "true").replace("False", "false")))
        url = f"{url}/?scene={urllib.parse.quote(json.dumps({**first, **changes}))}"
    page.goto(url)
    page.wait_for_selector('.picture [data-control="0/mean"]')
    page.wait_for_selector('[data-testid="stCode"]')
    finished(page)
    return page


def received(page):
    """The scene that Python has."""
    return json.loads(page.get_by_test_id("stCode").inner_text())


def received_soon(page, condition):
    """That scene once it is there, fulfils a condition, and nothing that could change it is under way."""
    def fitting():
        scene = received(page)
        assert scene is not None, "Python has no scene yet"
        assert condition(scene), f"Python has {scene}"
        return scene

    eventually(fitting, page=page)
    finished(page)
    return eventually(fitting, page=page)


def drawn_mean(page, rule="wasserstein"):
    """Where the browser draws a rule's mean."""
    return [float(value) for value in page.locator(f'[data-rule="{rule}"].rule').get_attribute("data-mean").split(",")]


def control(page, name):
    return page.locator(f'[data-control="{name}"]')


def grab(page, name):
    """Press the mouse on a control; its place on the screen."""
    box = box_of(page, control(page, name))
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    return x, y


def test_it_mounts_without_errors_or_sideways_scroll(page, harness_url):
    opened(page, harness_url)
    fits(page)
    expect(page.locator(".picture .rule")).to_have_count(3)
    expect(page.locator(".status")).to_contain_text("Wasserstein: mean (0.07, 0.10)")
    assert received(page) is None
    small = page.evaluate(
        "() => [...document.querySelectorAll('*')].filter(e => e.shadowRoot?.querySelector('.bvae-playground'))"
        ".flatMap(e => [...e.shadowRoot.querySelectorAll('button, select, label, input[type=range]')])"
        ".filter(e => e.offsetParent && e.getBoundingClientRect().height < 32).map(e => e.outerHTML.slice(0, 80))"
    )
    assert small == []


def test_aggregates_follow_the_drag_and_python_hears_at_its_end(page, harness_url):
    opened(page, harness_url)
    before, requests = drawn_mean(page), traffic(page).requests
    x, y = grab(page, "0/mean")
    for step in range(1, 13):
        page.mouse.move(x + 4 * step, y - 2 * step)
        frames(page)
    during = steady(page, lambda: drawn_mean(page))
    assert during[0] > before[0] + 0.1
    assert during[1] > before[1] + 0.05
    assert traffic(page).requests == requests  # nothing has been sent while the mouse was down
    page.mouse.up()
    scene = received_soon(page, lambda scene: True)
    assert traffic(page).requests == requests + 1
    assert scene["experts"][0]["mean"][0] > -1.8 + 0.3
    assert np.mean([expert["mean"][0] for expert in scene["experts"]]) == pytest.approx(drawn_mean(page)[0], abs=1e-3)
    assert steady(page, lambda: drawn_mean(page)) == pytest.approx(during, abs=1e-3)  # the rerun moved nothing


def test_a_scene_of_six_experts_follows_every_frame_of_a_drag_and_is_sent_once(page, harness_url):
    """How many milliseconds a frame takes is measured by ``python -m benchmarks.frames``."""
    draw = np.random.default_rng(0)
    experts = [
        {"mean": draw.uniform(-3, 3, 2).tolist(), "cov": [0.6, 0.2, 0.5], "present": True} for _ in range(6)
    ]
    opened(page, harness_url, experts=experts, weights=[1] * 6, fill="mwb",
           rules=["poe", "moe", "wasserstein", "mwb", "jeffreys"])
    before = drawn_mean(page)
    requests = traffic(page).requests
    x, y = grab(page, "0/mean")
    for step in range(1, 31):
        page.mouse.move(x + step, y)
        eventually(lambda last=before[0]: drawn_mean(page)[0] > last, page=page)
        before = drawn_mean(page)
    assert traffic(page).requests == requests
    page.mouse.up()
    scene = received_soon(page, lambda scene: True)
    assert traffic(page).requests == requests + 1
    assert len(scene["experts"]) == 6


def test_arrow_keys_move_a_mean_and_python_hears_after_a_pause(page, harness_url):
    opened(page, harness_url)
    before = drawn_mean(page)
    control(page, "1/mean").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    after = steady(page, lambda: drawn_mean(page))
    assert after[0] - before[0] == pytest.approx(0.1 / 3, abs=2e-4)
    assert after[1] - before[1] == pytest.approx(0.5 / 3, abs=2e-4)
    expect(control(page, "1/mean")).to_have_attribute("aria-valuetext", re.compile("z1 1.70, z2 1.70"))
    scene = received_soon(page, lambda scene: True)
    assert scene["experts"][1]["mean"] == [1.7, 1.7]


def test_a_handle_lengthens_and_turns_its_axis(page, harness_url):
    opened(page, harness_url)
    first = [0.8, 0.35, 0.5]
    x, y = grab(page, "0/axis1")
    page.mouse.move(x - 10, y - 50, steps=5)
    page.mouse.up()
    cov = received_soon(page, lambda scene: scene["experts"][0]["cov"] != first)["experts"][0]["cov"]

    def shape(c):
        values, vectors = np.linalg.eigh([[c[0], c[1]], [c[1], c[2]]])
        return values, np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])) % 180

    (minor, major), angle = shape(first)
    (new_minor, new_major), new_angle = shape(cov)
    assert new_major > major * 1.2
    assert new_minor == pytest.approx(minor, abs=2e-3)  # the other axis keeps its length
    assert new_angle > angle + 10
    control(page, "0/axis2").focus()
    for _ in range(4):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    cov = received_soon(page, lambda scene: scene["experts"][0]["cov"] != cov)["experts"][0]["cov"]
    (last_minor, last_major), last_angle = shape(cov)
    assert last_minor**0.5 == pytest.approx(new_minor**0.5 + 0.2, abs=2e-3)
    assert last_major == pytest.approx(new_major, abs=3e-3)
    assert last_angle == pytest.approx(new_angle + 5, abs=0.2)


def test_a_weight_slider_a_missing_expert_and_a_rule(page, harness_url):
    opened(page, harness_url)
    page.get_by_label("Weight of expert A").focus()
    page.keyboard.press("End")
    expected = (4 * -1.8 + 1.6 + 0.4) / 6
    eventually(lambda: drawn_mean(page)[0] == pytest.approx(expected, abs=1e-3), page=page)
    assert received_soon(page, lambda scene: scene["weights"][0] == 4)["weights"] == [4, 1, 1]
    page.get_by_label("Expert A is present").uncheck()
    assert received_soon(page, lambda scene: not scene["experts"][0]["present"])["weights"] == [4, 1, 1]
    eventually(lambda: drawn_mean(page)[0] == pytest.approx(1.0, abs=1e-3), page=page)
    page.get_by_role("button", name="Fisher-Rao").click()
    assert "fisher-rao" in received_soon(page, lambda scene: len(scene["rules"]) == 4)["rules"]
    expect(page.get_by_text("Fisher-Rao needs uncorrelated experts")).to_have_count(1)
    page.get_by_role("button", name="Uncorrelate").click()
    received_soon(page, lambda scene: all(expert["cov"][1] == 0 for expert in scene["experts"][1:]))
    expect(page.locator('[data-rule="fisher-rao"].rule')).to_have_count(1)


def test_the_triangle_sets_the_weights(page, harness_url):
    opened(page, harness_url)
    page.get_by_label("Weights path").check()
    received_soon(page, lambda scene: scene["layers"]["path"])
    expect(page.locator(".picture .path ellipse")).to_have_count(7)
    x, y = grab(page, "weights")
    page.mouse.move(x, y - 300, steps=8)  # far above: the vertex of A
    page.mouse.up()
    weights = received_soon(page, lambda scene: scene["weights"] != [1, 1, 1])["weights"]
    assert weights == [3, 0, 0]
    eventually(lambda: drawn_mean(page) == pytest.approx([-1.8, 0.8], abs=1e-3), page=page)
    control(page, "weights").focus()
    page.keyboard.press("ArrowDown")
    weights = received_soon(page, lambda scene: scene["weights"][0] < 3)["weights"]
    assert sum(weights) == pytest.approx(3, abs=2e-3)
    page.get_by_role("button", name="Add expert").click()
    received_soon(page, lambda scene: len(scene["experts"]) == 4)
    expect(page.get_by_text("The path needs two or three present experts.")).to_be_visible()


def test_the_line_shows_the_marginals_and_drags_them(page, harness_url):
    opened(page, harness_url)
    page.get_by_role("button", name="Line", exact=True).click()
    received_soon(page, lambda scene: scene["view"] == "line")
    expect(page.locator(".picture .rule")).to_have_count(3)
    x, y = grab(page, "0/width")
    page.mouse.move(x + 20, y, steps=4)
    page.mouse.up()
    cov = received_soon(page, lambda scene: scene["experts"][0]["cov"][0] > 0.9)["experts"][0]["cov"]
    assert cov[2] == pytest.approx(0.5, abs=2e-3)
    assert cov[1] / (cov[0] * cov[2]) ** 0.5 == pytest.approx(0.35 / 0.4**0.5, abs=5e-3)


def test_the_picture_can_be_saved(page, harness_url, tmp_path):
    opened(page, harness_url)
    page.get_by_label("Draws").check()
    page.get_by_label("Weights path").check()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download the picture as SVG").click()
    waiting.value.save_as(tmp_path / "picture.svg")
    text = (tmp_path / "picture.svg").read_text()
    tree = ElementTree.fromstring(text)
    assert tree.tag == "{http://www.w3.org/2000/svg}svg"
    assert not re.findall(r"href|url\(|<script|<image|<style|https?://(?!www\.w3\.org/)", text)
    words = " ".join("".join(node.itertext()) for node in tree.iter("{http://www.w3.org/2000/svg}text"))
    assert "Wasserstein barycenter (WB)" in words
    assert "data-control" not in text
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download the picture as PNG").click()
    waiting.value.save_as(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_a_new_revision_brings_its_scene(page, harness_url):
    opened(page, harness_url)
    control(page, "0/mean").focus()
    page.keyboard.press("ArrowLeft")
    received_soon(page, lambda scene: True)
    page.get_by_role("button", name="Two experts").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('*')].some(e =>"
        " e.shadowRoot?.querySelectorAll('[data-control$=mean]').length === 2)",
    )
    eventually(lambda: drawn_mean(page) == pytest.approx([0, 0], abs=1e-9), page=page)
    finished(page)
    assert steady(page, lambda: drawn_mean(page)) == pytest.approx([0, 0], abs=1e-9)
    assert received(page) is None  # what was sent before belongs to the old scene


def test_a_finger_drags_a_handle_and_elsewhere_scrolls_the_page(chromium, harness_url):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = opened(context.new_page(), harness_url)
    devtools = context.new_cdp_session(page)

    def swipe(x, y, dx, dy):
        def touch(kind, points):
            devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", [{"x": x, "y": y}])
        for step in range(1, 11):
            touch("touchMove", [{"x": x + dx * step / 10, "y": y + dy * step / 10}])
            frames(page)
        touch("touchEnd", [])
        steady(page, top)

    def top():
        return page.locator(".picture").bounding_box()["y"]

    before = steady(page, top)
    box = control(page, "0/mean").bounding_box()
    swipe(box["x"] + box["width"] / 2 + 4, box["y"] + box["height"] / 2, 34, 68)
    mean = received_soon(page, lambda scene: True)["experts"][0]["mean"]
    assert mean[0] > -1.2  # a cancelled gesture would have stopped after a few pixels
    assert mean[1] < -0.6
    assert top() == before
    box = page.locator(".picture").bounding_box()
    swipe(box["x"] + box["width"] - 25, box["y"] + box["height"] - 70, 0, -150)
    eventually(lambda: top() < before - 50, page=page)
    finished(page)
    assert received(page)["experts"][0]["mean"] == mean
    context.close()


def test_a_rule_keeps_its_colour_and_its_dashes_whatever_else_is_drawn(page, harness_url):
    opened(page, harness_url)

    def looks(*rules):
        lines = {rule: page.locator(f'.rule[data-rule="{rule}"] :is(ellipse, path)').first for rule in rules}
        found = {rule: tuple(line.get_attribute(name) for name in ("stroke", "stroke-dasharray"))
                 for rule, line in lines.items()}
        for rule, look in found.items():
            chip = page.locator(f'.chip[data-rule="{rule}"] line')
            assert tuple(chip.get_attribute(name) for name in ("stroke", "stroke-dasharray")) == look
        return found

    def distinct(found, count):
        assert len({color for color, _ in found.values()}) == count
        return found

    first = eventually(lambda: distinct(looks("poe", "moe", "wasserstein"), 3), page=page)
    for drawn in (1, 0):  # another rule comes, and goes
        with asked(page):
            page.locator('.chip[data-rule="mopoe"]').click()
        expect(page.locator('.rule[data-rule="mopoe"]')).to_have_count(drawn)
        assert looks("poe", "moe", "wasserstein") == first
        if drawn:
            distinct(looks("poe", "moe", "wasserstein", "mopoe"), 4)


def test_colours_follow_the_theme(chromium, harness_url):
    context = chromium.new_context(viewport={"width": 1440, "height": 1000}, color_scheme="light")
    page = opened(context.new_page(), harness_url)
    for scheme, color in (("light", "#111111"), ("dark", "#FFFFFF"), ("light", "#111111")):
        page.emulate_media(color_scheme=scheme)
        expect(page.locator('[data-rule="wasserstein"].rule ellipse').first).to_have_attribute("stroke", color)
        expect(page.locator('.chip[data-rule="wasserstein"] line')).to_have_attribute("stroke", color)
    context.close()


NAMED = """() => {
    const host = [...document.querySelectorAll("*")].find(e => e.shadowRoot?.querySelector(".bvae-playground"));
    const picture = host.shadowRoot.querySelector(".picture");
    const names = [...picture.querySelectorAll(".labels .name, .markers text")];
    const boxes = names.map(node => node.getBBox());
    const faults = [];
    const lines = [...picture.querySelectorAll(".rule :is(ellipse, path), .prior circle")];
    const owner = line => line.closest("[data-rule]")?.dataset.rule ?? "prior";
    for (const line of lines) {
        const [length, matrix] = [line.getTotalLength(), line.getCTM().inverse().multiply(line.getCTM())];
        const turned = line.transform.baseVal.consolidate()?.matrix ?? matrix;
        for (let at = 0; at < length; at += 1) {
            const point = line.getPointAtLength(at).matrixTransform(turned);
            names.forEach((name, i) => {
                const b = boxes[i];
                const lies = point.x > b.x && point.x < b.x + b.width && point.y > b.y && point.y < b.y + b.height;
                if (lies && name.dataset.of && name.dataset.of !== owner(line)) {
                    faults.push(`${name.textContent} lies on ${owner(line)}`);
                }
            });
        }
    }
    boxes.forEach((a, i) => boxes.forEach((b, k) => {
        const [wide, high] = [Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x),
                              Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y)];
        if (k > i && wide > 0 && high > 2) {
            faults.push(`${names[i].textContent} lies on ${names[k].textContent}`);
        }
    }));
    return {names: names.map(name => name.textContent), faults: [...new Set(faults)]};
}"""


@pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
@pytest.mark.parametrize("view", ["plane", "line"])
def test_no_name_is_on_anothers_line_while_one_drags(page, harness_url, view):
    """As the browser has drawn it: the letters as wide as its font makes them."""
    wrong = scenes.preset("wrong")
    opened(page, harness_url, experts=wrong["experts"], rules=["poe", "moe", "moment", "wasserstein"], view=view)
    found = page.evaluate(NAMED)
    assert {"PoE", "MoE", "Wasserstein", "prior", "A", "B", "C"} <= set(found["names"])
    assert found["faults"] == []
    x, y = grab(page, "2/mean")
    for step in range(1, 9):
        page.mouse.move(x - 22 * step if view == "plane" else x - 15 * step, y + 9 * step)
        frames(page)
        assert page.evaluate(NAMED)["faults"] == []
    page.mouse.up()


def test_the_legend_says_what_the_lines_mean(page, harness_url):
    opened(page, harness_url)
    legend = page.get_by_role("list", name="How to read the picture")
    expect(legend).to_contain_text("thick line: 39 of 100 draws of a joint belief fall inside")
    expect(legend).to_contain_text("shades: MoE once more")
    page.get_by_label("Joint belief shown in shades").select_option("")
    expect(legend).not_to_contain_text("shades")
    page.get_by_role("button", name="Line", exact=True).click()
    expect(legend).to_contain_text("filled hill: what an expert believes")


def test_the_path_of_weights_is_curves_on_the_line(page, harness_url):
    """Its joint beliefs are drawn as the view draws others, also after the other view had them."""
    opened(page, harness_url, layers={"experts": True, "prior": True, "samples": False, "path": True})
    expect(page.locator(".picture .path ellipse")).to_have_count(7)
    page.get_by_role("button", name="Line", exact=True).click()
    expect(page.locator(".picture .path > path")).to_have_count(7)
    expect(page.locator(".picture .path ellipse")).to_have_count(0)
    page.get_by_role("button", name="Plane", exact=True).click()
    expect(page.locator(".picture .path ellipse")).to_have_count(7)


def test_every_control_has_a_name_of_its_own(page, harness_url):
    opened(page, harness_url, layers={"experts": True, "prior": True, "samples": False, "path": True})
    names = page.evaluate(
        "() => { const root = [...document.querySelectorAll('*')].find(e => e.shadowRoot?.querySelector("
        "'.bvae-playground')).shadowRoot; return [...root.querySelectorAll('button, select, input, [role=slider]')]"
        ".filter(e => e.getClientRects().length).map(e => e.getAttribute('aria-label') || e.textContent.trim()"
        " || e.closest('label')?.textContent.trim() || ''); }")
    assert len(names) > 30
    assert all(re.search(r"[A-Za-zα-ω]{3}", name) for name in names), names
    assert len(set(names)) == len(names), sorted(names)


def test_an_arrow_moves_only_what_has_the_focus(page, harness_url):
    opened(page, harness_url)
    before = drawn_mean(page)
    page.get_by_label("Weight of expert A").focus()
    page.keyboard.press("Tab")
    assert steady(page, lambda: drawn_mean(page)) == before
    page.get_by_role("button", name="Line", exact=True).focus()
    for key in ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    assert steady(page, lambda: drawn_mean(page)) == before
    assert received(page) is None


# --- a rule that the browser does not know ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def extended_url(tmp_path_factory):
    """The address of the Playground page in an app with docs/extend/aggregator.py."""
    with served(ROOT / "tests" / "support" / "playground_extended.py",
                tmp_path_factory.mktemp("extended") / "log.txt") as url:
        yield f"{url}/playground"


def newcomer(page):
    return page.locator('.rule[data-rule="average-variance"]')


def test_a_rule_of_ones_own_follows_when_one_lets_go(page, extended_url):
    page.goto(extended_url)
    page.wait_for_selector('.picture [data-control="0/mean"]')
    finished(page)
    with asked(page):
        page.locator('.chip[data-rule="average-variance"]').click()
    expect(newcomer(page)).to_have_count(1)
    finished(page)
    experts = scenes.preset(scenes.FIRST)["experts"]
    means = np.array([expert["mean"] for expert in experts])
    variances = np.array([[expert["cov"][0], expert["cov"][2]] for expert in experts])
    assert drawn_mean(page, "average-variance") == pytest.approx(means.mean(0), abs=1e-3)
    xx, xy, yy = map(float, newcomer(page).get_attribute("data-cov").split(","))
    assert [xx, xy, yy] == pytest.approx([variances[:, 0].mean(), 0, variances[:, 1].mean()], abs=1e-3)
    note = page.locator(".note", has_text="Average is")
    expect(note).to_contain_text("Average is computed by Python: it updates when you let go.")
    expect(note).to_contain_text("It has no form for correlated experts")
    before, wasserstein = drawn_mean(page, "average-variance"), drawn_mean(page)
    x, y = grab(page, "0/mean")
    page.mouse.move(x + 60, y - 20, steps=6)
    expect(newcomer(page)).to_have_attribute("data-waiting", "true")
    expect(newcomer(page)).to_have_attribute("opacity", "0.35")
    expect(page.locator(".picture .waiting")).to_have_text("Average updates when you let go")
    assert steady(page, lambda: drawn_mean(page))[0] > wasserstein[0] + 0.1  # the others follow at once
    assert drawn_mean(page, "average-variance") == before
    page.mouse.up()
    eventually(lambda: drawn_mean(page, "average-variance")[0] > before[0] + 0.1, page=page)
    # Both put their mean at the mean of the means.
    eventually(lambda: drawn_mean(page, "average-variance") == pytest.approx(drawn_mean(page), abs=1e-3), page=page)
    expect(page.locator("[data-waiting]")).to_have_count(0)
    expect(page.locator(".picture .waiting")).to_have_count(0)
    finished(page)
    expect(page.get_by_role("table", name="Joint beliefs")).to_contain_text("Average variance")
    fits(page)


def test_a_rule_that_does_not_work_is_said_beside_its_name_and_breaks_nothing(page, extended_url):
    page.goto(extended_url)
    page.wait_for_selector('.picture [data-control="0/mean"]')
    finished(page)
    with asked(page):
        page.locator('.chip[data-rule="unfinished"]').click()
    note = page.locator(".note", has_text="unfinished")
    expect(note).to_contain_text("unfinished: It cannot be computed: TypeError")
    expect(note).to_contain_text("half.py: cannot be read: SyntaxError")
    finished(page)
    expect(page.locator(".picture .rule")).to_have_count(3)
    expect(page.get_by_role("alert").filter(has_text="unfinished: It cannot be computed")).to_have_count(1)
