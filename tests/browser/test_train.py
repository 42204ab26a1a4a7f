"""A run as a person starts, leaves, finds again, stops and deletes it."""

import contextlib
import os
import re
import signal

import pytest
from playwright.sync_api import expect

from bvae.io.locking import holder
from bvae.runs import jobs
from tests.support.waiting import fits, settled

PATIENCE = 240_000  # a process of its own has to start


@pytest.fixture(autouse=True)
def nothing_goes_on():
    """Whatever becomes of the test, no training is left behind."""
    yield
    for job in jobs.jobs():
        if who := holder(job.folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(who["pid"], signal.SIGKILL)


def test_a_run_is_started_left_found_again_stopped_and_deleted(page, app_url):
    name = f"tiny-{page.viewport_size['width']}"
    page.goto(f"{app_url}/train")
    settled(page)
    expect(page.get_by_role("heading", name="How MWB-VAE learned PolyMNIST")).to_be_visible()
    fits(page)
    box = page.get_by_label("Name of the model", exact=True)
    box.fill(name)
    box.press("Enter")
    page.get_by_role("button", name=f"Start {name}").click()
    expect(page.get_by_role("heading", name=f"{name} (PolyMNIST)")).to_be_visible()
    progress = page.get_by_text(re.compile(r"Running, step [1-9][\d,]* of 2,000, .* left"))
    expect(progress.first).to_be_visible(timeout=PATIENCE)
    before = progress.first.inner_text()  # whichever step it is at
    expect(progress.first).not_to_have_text(before)  # it goes on by itself
    page.goto("about:blank")
    page.goto(f"{app_url}/train")
    settled(page)
    expect(page.get_by_role("heading", name=f"{name} (PolyMNIST)")).to_be_visible()
    expect(progress.first).to_be_visible()
    expect(page.locator('img[alt^="draw 1 of m0, after step"]')).to_be_visible()
    fits(page)
    page.get_by_role("button", name=f"Stop {name}").click()
    expect(page.get_by_text(re.compile("Stopped, step")).first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name=f"Resume {name}")).to_be_enabled()
    settled(page)  # what is on the way when the state changes would close what one opens
    page.get_by_role("button", name=f"Delete {name}", exact=True).click()
    page.get_by_role("button", name=f"Delete {name} for good").click()
    expect(page.get_by_text("None yet.")).to_be_visible()
