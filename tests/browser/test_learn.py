"""Learn as a student meets it."""

import re
from pathlib import Path

from playwright.sync_api import expect

from bvae.app.learn import lessons as course
from tests.support.serving import WIDTHS, watched
from tests.support.waiting import asked, finished, fits, frames, settled

LESSONS = course.lessons()


def test_a_student_predicts_sees_goes_on_and_back(page, app_url):
    page.goto(f"{app_url}/learn")
    settled(page)
    page.get_by_role("link", name=re.compile("The over-confidence of products")).click()
    page.wait_for_url(re.compile("lesson=poe"))
    page.get_by_role("link", name=re.compile("Next: Predict: a quarrel")).click()
    page.wait_for_url(re.compile("step=2"))
    show = page.get_by_role("button", name="Show what happens")
    expect(show).to_be_visible()
    finished(page)  # an option that is drawn anew forgets the click
    page.get_by_text("One wide hump that covers both").click()
    expect(page.get_by_text("exactly as wide as when A and B agreed")).to_have_count(0)
    show.click()
    expect(page.get_by_text("exactly as wide as when A and B agreed")).to_be_visible()
    expect(page.get_by_text("But the rule cannot do it.")).to_be_visible()
    settled(page)
    page.wait_for_url(re.compile(r"(?=.*answer=b)(?=.*shown=1)"))
    link = page.url
    page.get_by_role("link", name=re.compile("Next: An echo")).click()
    page.wait_for_url(re.compile("step=3"))
    expect(page.get_by_role("heading", name="An echo")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("exactly as wide as when A and B agreed")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("exactly as wide as when A and B agreed")).to_have_count(0)
    page.goto("about:blank")
    page.goto(link)  # as somebody else would
    settled(page)
    expect(page.get_by_text("exactly as wide as when A and B agreed")).to_be_visible()
    fits(page)


def test_a_step_opens_the_playground_with_its_experts(page, app_url):
    page.goto(f"{app_url}/learn?lesson=poe&step=1")
    settled(page)
    page.get_by_role("link", name=re.compile("Open in the Playground")).click()
    page.wait_for_selector('.picture [data-control="1/mean"]')
    expect(page.locator('.picture [data-control="2/mean"]')).to_have_count(0)
    expect(page.locator('[data-rule="poe"].rule').first).to_be_attached()


def test_the_teachers_sheet_prints_without_the_app(page, app_url, tmp_path):
    page.goto(f"{app_url}/learn")
    settled(page)
    page.get_by_role("link", name="For teachers").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("Download the teacher's sheet")).click()
    saved = Path(tmp_path / "sheet.html")
    download.value.save_as(saved)
    text = saved.read_text(encoding="utf-8")
    assert f"{app_url}/learn?lesson=poe" in text
    page.set_content(text)
    expect(page.get_by_role("heading", level=2)).to_have_count(len(LESSONS) + 3)
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"


def test_a_class_votes_on_its_phones_and_sees_the_answer(app_url, chromium):
    with watched(chromium, *WIDTHS["desktop"]) as teacher, watched(chromium, *WIDTHS["phone"]) as phone:
        teacher.goto(f"{app_url}/learn?class=1")
        teacher.get_by_role("button", name="Open the class").click()
        code = teacher.locator(".bvae-class-code")
        expect(code).to_have_text(re.compile("^[A-Z]{4}$"))
        fits(teacher)
        phone.goto(f"{app_url}/learn?room={code.inner_text()}")
        expect(phone.get_by_text("The question comes here by itself")).to_be_visible()
        teacher.get_by_role("button", name="Ask the question").click()
        phone.get_by_role("button", name=re.compile("^C ")).click()
        expect(phone.get_by_text("Counted.")).to_be_visible()
        fits(phone)
        expect(teacher.get_by_text("1 vote so far")).to_be_visible()  # looked at by itself
        teacher.get_by_role("button", name="Reveal").click()
        expect(teacher.locator(".bvae-class-right")).to_have_count(1)
        expect(phone.locator(".bvae-class-right")).to_have_count(1)
        expect(phone.get_by_text("You said C.")).to_be_visible()
        teacher.get_by_role("button", name="Next lesson").click()
        teacher.get_by_role("button", name="Ask the question").click()
        expect(phone.locator(".bvae-class-option")).to_have_count(0)
        expect(phone.get_by_role("button", name=re.compile("^A "))).to_be_visible()


def test_a_remote_goes_through_a_class_and_nobody_leaves_it_by_chance(app_url, chromium):
    with watched(chromium, 1280, 720) as tab:
        tab.goto(f"{app_url}/learn?class=1")
        tab.get_by_role("button", name="Open the class").click()
        heading = tab.get_by_role("heading", level=1)
        titles = {lesson.number: f"{lesson.number} · {lesson.title}" for lesson in LESSONS.values()}
        first, second, fifth = titles[1], titles[2], titles[5]
        for key, there in (("PageDown", ".bvae-class-option"),
                           ("ArrowRight", ".bvae-class-option span:has-text('votes')"), (" ", ".bvae-class-right")):
            finished(tab)
            tab.keyboard.press(key)
            tab.wait_for_selector(there)
        finished(tab)
        following = tab.get_by_role("button", name="Next lesson").bounding_box()
        tab.mouse.dblclick(following["x"] + following["width"] / 2, following["y"] + following["height"] / 2)
        expect(heading).to_have_text(second)
        finished(tab)
        expect(heading).to_have_text(second)
        tab.keyboard.press("PageUp")
        expect(heading).to_have_text(first)
        finished(tab)
        tab.get_by_role("button", name="Lessons").click()
        fifth_button = tab.get_by_role("button", name=fifth)
        expect(fifth_button).to_be_visible()
        tab.keyboard.press("PageDown")  # the list is open: nothing behind it moves
        fifth_button.click()
        expect(heading).to_have_text(fifth)
        expect(fifth_button).to_have_count(0)
        finished(tab)
        address, code = tab.url, tab.locator(".bvae-class-code").inner_text()
        tab.get_by_role("button", name="Leave").click()
        expect(heading).to_have_text(fifth)
        tab.get_by_role("link", name="Leave class mode").click()
        expect(heading).to_have_text("Learn")
        tab.wait_for_url(re.compile(r"learn\?v=1$"))
        field = tab.get_by_role("textbox", name=re.compile("In a class"))
        field.press_sequentially("A B")
        expect(field).to_have_value("A B")  # keys of class mode are no longer heard
        field.fill("")
        tab.go_back()
        expect(heading).to_have_text(fifth)
        assert tab.url == address
        tab.goto(f"{app_url}/learn?class=1")  # a new session in the same tab
        tab.get_by_role("button", name=f"Go on with the class {code}").click()
        expect(heading).to_have_text(fifth)


FITS = """() => { const all = document.querySelector('[data-testid="stMain"]');
    return [all.scrollHeight - all.clientHeight, all.scrollWidth - all.clientWidth]; }"""


PROJECTORS = ((1280, 720), (1920, 1080))
PARTS = (".bvae-class-invitation img", ".st-key-class_picture :is(img, table)", ".st-key-class_bar")


def test_all_of_class_mode_fits_a_projector_without_scrolling(app_url, chromium):
    """On either of two, between which the window is moved at every look."""
    with watched(chromium, *PROJECTORS[0]) as tab:
        def look(read):
            """What is read at either size."""
            seen = []
            for width, height in PROJECTORS:
                tab.set_viewport_size({"width": width, "height": height})
                finished(tab)
                seen.append(read())
            return seen

        tab.goto(f"{app_url}/learn?class=1")
        tab.get_by_role("button", name="Open the class").click()
        for lesson in LESSONS.values():
            expect(tab.get_by_role("heading", level=1)).to_have_text(f"{lesson.number} · {lesson.title}")
            seen = {}
            for press, there in (("Ask the question", ".bvae-class-option"),
                                 ("Show the votes", ".bvae-class-option span:has-text('0 votes')"),
                                 ("Reveal", ".bvae-class-right")):
                seen[f"before {press}"] = look(lambda: tab.evaluate(FITS))
                tab.get_by_role("button", name=press).click()
                tab.wait_for_selector(there)
            seen["at the end"] = look(lambda: tab.evaluate(FITS))
            assert all(room == [[0, 0], [0, 0]] for room in seen.values()), (lesson.title, seen)
            expect(tab.locator(".bvae-class-option")).to_have_count(len(lesson.question.options))
            for *above, bar in look(lambda: [tab.locator(part).first.bounding_box() for part in PARTS]):
                for box in above:
                    assert box["height"] > 100
                    assert box["y"] + box["height"] < bar["y"]
            if lesson.number < len(LESSONS):
                tab.get_by_role("button", name="Next lesson").click()


def test_a_reload_keeps_what_was_predicted_until_it_is_forgotten(page, app_url):
    page.goto(f"{app_url}/learn?lesson=poe&step=2")
    settled(page)
    page.get_by_text("One wide hump that covers both").click()
    page.get_by_role("button", name="Show what happens").click()
    expect(page.get_by_text(f"1 of {len(LESSONS)} predicted")).to_be_visible()
    page.goto(f"{app_url}/learn")  # a new session
    expect(page.get_by_text(f"1 of {len(LESSONS)} predicted")).to_be_visible()
    page.get_by_role("link", name=re.compile("The over-confidence of products")).click()
    page.get_by_role("link", name=re.compile("2. Predict: a quarrel")).click()
    expect(page.get_by_text("But the rule cannot do it.")).to_be_visible()
    with asked(page):
        page.get_by_role("button", name="Reset").click()
    expect(page.get_by_text("predicted")).to_have_count(0)
    frames(page)
    page.goto(f"{app_url}/learn")
    settled(page)
    expect(page.get_by_text(f"1 of {len(LESSONS)} predicted")).to_have_count(0)


def test_the_address_of_the_class_is_kept_by_the_browser(page, app_url):
    page.goto(f"{app_url}/learn?class=1")
    finished(page)
    field = page.get_by_role("textbox", name="Address that your students will use")
    field.fill("http://school.example:8501")
    with asked(page):
        field.press("Enter")
    frames(page)  # the browser has been told, and writes it down
    page.goto(f"{app_url}/learn?class=1")
    expect(field).to_have_value("http://school.example:8501")
    page.get_by_role("button", name="Open the class").click()
    expect(page.locator(".bvae-class-address")).to_have_text(re.compile(r"^http://school\.example:8501/learn\?room="))


def test_on_a_phone_the_picture_comes_before_the_text(app_url, chromium):
    with watched(chromium, *WIDTHS["phone"]) as tab:
        tab.goto(f"{app_url}/learn?lesson=poe&step=1")
        settled(tab)
        picture = tab.locator("[data-testid='stMain'] img[src^='data:image/svg']").first.bounding_box()
        text = tab.get_by_role("heading", name="Multiply the curves").bounding_box()
        assert picture["y"] + picture["height"] <= text["y"]
        assert picture["y"] < WIDTHS["phone"][1] / 2
