"""Home's story in a browser: it is live, fits a projector, and a link brings back what somebody did."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.support.serving import watched
from tests.support.waiting import asked, box_of, eventually, finished, fits, frames, traffic


def opened(page, url):
    page.goto(url)
    expect(page.locator(".photograph")).to_have_count(5)
    finished(page)
    return page


def gets(page, rule):
    """The words under a rule's pictures."""
    return page.locator(f'.outcome[data-rule="{rule}"] figcaption').all_inner_texts()


def step(page, name):
    with asked(page):
        page.get_by_role("button", name=re.compile(name)).click()


def test_the_story_is_told_by_its_steps(page, app_url):
    opened(page, app_url)
    fits(page)
    assert [gets(page, rule) for rule in ("poe", "moe", "wasserstein")] == [["a 3"]] * 3
    step(page, "One is swapped")
    eventually(lambda: gets(page, "moe") == ["a 3 (80 in 100)", "a 2 (20 in 100)"], page=page)
    expect(page.get_by_role("button", name=re.compile("Photograph D of a 2"))).to_be_visible()
    step(page, "And very sure")
    eventually(lambda: gets(page, "poe") == ["a 2"] and gets(page, "wasserstein") == ["a 3"], page=page)
    expect(page.locator(".status")).to_contain_text("PoE gets a 2. MoE gets a 3 (80 in 100) and a 2 (20 in 100).")
    step(page, "Hide it")
    eventually(lambda: gets(page, "poe") == gets(page, "moe") == ["a 3"], page=page)
    address = page.url
    page.goto("about:blank")
    opened(page, address)
    expect(page.get_by_role("button", name=re.compile("Photograph D"))).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_role("button", name=re.compile("Hide it"))).to_have_attribute("aria-pressed", "true")


def test_pictures_follow_the_hand_without_the_server(page, app_url):
    opened(page, app_url)
    requests = traffic(page).requests
    box = box_of(page, page.locator('.picture [data-control="0/mean"]'))
    film = page.locator(".film").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(film["x"] + 0.9 * film["width"], y, steps=8)
    frames(page)
    eventually(lambda: gets(page, "moe") == ["a 3 (80 in 100)", "a 2 (20 in 100)"], page=page)
    assert traffic(page).requests == requests
    page.mouse.up()
    page.wait_for_url(re.compile("scene="))
    with asked(page):
        page.get_by_role("button", name=re.compile("Photograph A of a 2")).click()
    eventually(lambda: gets(page, "moe") == ["a 3"], page=page)


def test_what_other_pages_need_is_fetched_once_home_has_its_picture(chromium, app_url):
    with watched(chromium, 1280, 720) as page:
        page.add_init_script("""const look = () => {
            const hosts = [...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')];
            if (hosts.some(host => host.shadowRoot?.querySelector(".picture .rule"))) performance.mark("picture");
            else requestAnimationFrame(look);
        };
        look();""")
        opened(page, app_url)
        times = eventually(lambda: page.evaluate("""() => {
            const file = performance.getEntriesByType("resource").find(r => r.name.includes("PlotlyChart"));
            return file && [performance.getEntriesByName("picture")[0].startTime, file.startTime];
        }"""), page=page)
        assert times[0] < times[1]


def test_story_and_playground_fit_a_projector(chromium, app_url):
    """All that one needs is on 1280 x 720 without scrolling."""
    with watched(chromium, 1280, 720) as page:
        opened(page, app_url)
        for place in (".photographs", ".picture", ".film", ".outcomes", ".steps"):
            box = page.locator(place).bounding_box()
            assert 0 < box["y"] < box["y"] + box["height"] <= 720, place
        page.goto(f"{app_url}/playground")
        page.wait_for_selector('.picture [data-control="0/mean"]')
        finished(page)
        for place in (".picture", ".rows", ".chips", ".legend", ".st-key-playground_preset"):
            box = page.locator(place).bounding_box()
            assert 0 < box["y"] < box["y"] + box["height"] <= 720, place
        # On a lower window the picture is lower, not cut.
        before = page.locator(".picture").bounding_box()["height"]
        page.set_viewport_size({"width": 1280, "height": 660})
        eventually(lambda: page.locator(".picture").bounding_box()["height"] < before, page=page)


def test_no_column_of_the_numbers_is_cut_off(page, app_url):
    opened(page, app_url)
    page.get_by_text("Numbers, and how this was made").click()
    table = page.get_by_role("table", name="Beliefs on the line")
    expect(table).to_be_visible()
    finished(page)
    cut = table.evaluate("t => [...t.querySelectorAll('th, td')].filter(c => { const b = c.getBoundingClientRect();"
                         " return b.right > innerWidth || c.scrollWidth > c.clientWidth + 1; }).length")
    assert cut == 0


def test_home_draws_nothing_with_plotly(page, app_url):
    opened(page, app_url)
    assert page.locator(".js-plotly-plot").count() == 0
