"""The navigation: three groups above the page; on a phone a menu at its side."""

from __future__ import annotations

from bvae.app.pages import PAGES
from tests.support.waiting import finished


def visit(page, title):
    """Go to a page, by its title, as a person does."""
    group = next(p.group for p in PAGES.values() if p.title == title)
    page.get_by_test_id("stTopNavSection").filter(has_text=group).click()
    page.get_by_role("menuitem", name=title, exact=True).click()
    name = next(name for name, p in PAGES.items() if p.title == title)
    page.wait_for_function("name => location.pathname.endsWith('/' + name)", arg="" if name == "home" else name)
    finished(page)
