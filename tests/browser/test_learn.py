"""Learn as a student meets it."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.support.serving import WIDTHS, watched
from tests.support.waiting import fits, settled


def test_a_student_predicts_sees_goes_on_and_back(page, app_url):
    page.goto(f"{app_url}/learn")
    settled(page)
    page.get_by_role("link", name=re.compile("The over-confidence of products")).click()
    page.wait_for_url(re.compile("lesson=poe"))
    page.get_by_role("link", name=re.compile("Next: Predict: a quarrel")).click()
    page.wait_for_url(re.compile("step=2"))
    show = page.get_by_role("button", name="Show what happens")
    expect(show).to_be_disabled()
    page.get_by_text("One wide hump that covers both").click()
    expect(show).to_be_enabled()
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
    page.get_by_role("link", name=re.compile("Open in the playground")).click()
    page.wait_for_selector('.picture [data-control="1/mean"]')
    expect(page.locator('.picture [data-control="2/mean"]')).to_have_count(0)
    expect(page.locator('[data-rule="poe"].rule').first).to_be_attached()


def test_the_teachers_sheet_prints_without_the_app(page, app_url, tmp_path):
    page.goto(f"{app_url}/learn")
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("Download the teacher's sheet")).click()
    saved = Path(tmp_path / "sheet.html")
    download.value.save_as(saved)
    text = saved.read_text(encoding="utf-8")
    assert f"{app_url}/learn?lesson=poe" in text
    page.set_content(text)
    expect(page.get_by_role("heading", level=2)).to_have_count(9)
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"


def test_a_class_votes_on_its_phones_and_sees_the_answer(app_url, chromium):
    with watched(chromium, *WIDTHS["desktop"]) as teacher, watched(chromium, *WIDTHS["phone"]) as phone:
        teacher.goto(f"{app_url}/learn?class=1")
        teacher.get_by_role("button", name="Open the class").click()
        code = teacher.locator(".bvae-class-code")
        expect(code).to_have_text(re.compile("^[A-Z]{4}$"))
        fits(teacher)
        phone.goto(f"{app_url}/learn?room={code.inner_text()}")
        phone.get_by_role("button", name=re.compile("^C ")).click()
        expect(phone.get_by_text("Counted.")).to_be_visible()
        fits(phone)
        expect(teacher.get_by_text("1 vote so far")).to_be_visible()  # looked at by itself
        teacher.get_by_role("button", name="Reveal").click()
        expect(teacher.locator(".bvae-class-right")).to_have_count(1)
        expect(phone.locator(".bvae-class-right")).to_have_count(1)
        expect(phone.get_by_text("You said C.")).to_be_visible()
        teacher.get_by_role("button", name="Next question").click()
        expect(phone.locator(".bvae-class-option")).to_have_count(0)
        expect(phone.get_by_role("button", name=re.compile("^A "))).to_be_visible()
