"""A running app and a real Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import sync_playwright

from tests.support.chromium import executable
from tests.support.serving import PATIENCE, QUIET, WIDTHS, served, watched
from tests.support.waiting import watch_all


@pytest.fixture(scope="session")
def app_url(tmp_path_factory):
    """The address of an app that runs for this test session."""
    with served("app.py", tmp_path_factory.mktemp("app") / "log.txt") as url:
        yield url


@pytest.fixture(scope="session")
def chromium():
    """One Chromium for this test session; every page of its contexts is watched (tests/support/waiting.py)."""
    found = executable()
    assert found, "no Chromium; run: python -m tests.support.chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET, timeout=PATIENCE * 1000)
        watch_all(browser)
        yield browser
        browser.close()


@pytest.fixture(params=WIDTHS)
def page(request, chromium):
    """A watched page at desktop and at phone size."""
    with watched(chromium, *WIDTHS[request.param]) as tab:
        yield tab
