"""What one opens on a page is not cut off either, and what is cut off is found; every page: `test_every_page`."""

import pytest

from tests.support.cut import WIDTHS, cut
from tests.support.serving import watched
from tests.support.waiting import eventually, finished


def test_no_view_that_can_lie_is_cut_off(chromium, app_url):
    with watched(chromium, *WIDTHS["tablet"]) as page:
        page.goto(f"{app_url}/explore")
        finished(page)
        page.get_by_text("Let a view lie, damage it, weigh it").click()
        page.get_by_role("tab", name="m4").click()
        finished(page)
        assert cut(page) == []


def test_what_is_cut_off_is_found(chromium, app_url):
    """The pages as they would be without what keeps their options in view."""
    with watched(chromium, *WIDTHS["tablet"]) as page:
        page.goto(f"{app_url}/latent_space?data=mnist-svhn-text&model=mwb-vae-2d")
        finished(page)
        assert cut(page) == []
        page.add_style_tag(content='.st-key-map * { flex-wrap: nowrap !important; } .st-key-map button { flex: none; }'
                                   '.st-key-map [role="radiogroup"] { width: 120px; overflow: hidden; }')
        eventually(lambda: any("t-SNE" in what for what in cut(page)), page=page)


@pytest.mark.parametrize("path", ["benchmarks", "latent_space"])
def test_all_columns_of_the_numbers_under_a_chart_are_in_view(chromium, app_url, path):
    with watched(chromium, *WIDTHS["projector"]) as page:
        page.goto(f"{app_url}/{path}")
        finished(page)
        page.get_by_role("button", name="Numbers and files").first.click()
        page.wait_for_selector(".dvn-scroller")
        finished(page)
        assert [what for what in cut(page) if "numbers in" in what] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
