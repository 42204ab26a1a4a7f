"""A configured login stands before every page."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.support.serving import served
from tests.support.waiting import settled

SECRETS = """
[auth]
redirect_uri = "http://localhost:8501/oauth2callback"
cookie_secret = "a secret of this test"
client_id = "bvae"
client_secret = "another"
server_metadata_url = "http://localhost:1/.well-known/openid-configuration"
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The address of an app that wants a login."""
    folder = tmp_path_factory.mktemp("login")
    (folder / "secrets.toml").write_text(SECRETS)
    with served("app.py", folder / "log.txt", "--secrets.files", str(folder / "secrets.toml")) as url:
        yield url


def test_no_page_opens_without_a_login_where_one_is_configured(chromium, url):
    context = chromium.new_context()
    page = context.new_page()
    for path in ("", "benchmarks?data=polymnist"):
        page.goto(f"{url}/{path}")
        expect(page.get_by_role("button", name="Log in")).to_be_visible()
        expect(page.get_by_role("heading", name="Please log in")).to_be_visible()
        expect(page.locator(".js-plotly-plot")).to_have_count(0)
        expect(page.get_by_test_id("stDataFrame")).to_have_count(0)
    context.close()


def test_after_the_login_one_is_where_one_wanted_to_go(chromium, url):
    """Without a provider: the cookie that Streamlit sets after a login is set by hand, and its redirect is done."""
    from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{url}/benchmarks?v=1&bars=seeds")
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    page.wait_for_function("() => sessionStorage.getItem('bvae_came_with') === '/benchmarks?v=1&bars=seeds'")
    user = {"email": "somebody@example.org", "origin": url.rstrip("/"), "is_logged_in": True}
    value = create_signed_value("a secret of this test", "_streamlit_user", json.dumps(user)).decode()
    context.add_cookies([{"name": "_streamlit_user", "value": value, "url": url}])
    page.goto(url)  # where Streamlit leads after a login
    page.wait_for_url(re.compile(r"/benchmarks\?.*bars=seeds"))
    expect(page.get_by_role("heading", name="Benchmarks")).to_be_visible()
    expect(page.get_by_role("radio", name="seeds")).to_be_checked()
    page.goto(url)  # once only: Home can be reached
    expect(page.get_by_role("heading", name="How do several senses become one belief?")).to_be_visible()
    settled(page)
    assert "benchmarks" not in page.url
    context.close()
