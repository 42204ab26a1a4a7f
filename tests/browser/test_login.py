"""A configured login stands before every page."""

from playwright.sync_api import expect

from tests.browser.conftest import served

SECRETS = """
[auth]
redirect_uri = "http://localhost:8501/oauth2callback"
cookie_secret = "a secret of this test"
client_id = "bvae"
client_secret = "another"
server_metadata_url = "http://localhost:1/.well-known/openid-configuration"
"""


def test_no_page_opens_without_a_login_where_one_is_configured(chromium, tmp_path):
    (tmp_path / "secrets.toml").write_text(SECRETS)
    page = chromium.new_page()
    with served("app.py", tmp_path / "log.txt", "--secrets.files", str(tmp_path / "secrets.toml")) as url:
        for path in ("", "benchmarks?data=polymnist"):
            page.goto(f"{url}/{path}")
            expect(page.get_by_role("button", name="Log in")).to_be_visible(timeout=60_000)
            expect(page.get_by_role("heading", name="Please log in")).to_be_visible()
            expect(page.locator(".js-plotly-plot")).to_have_count(0)
            expect(page.get_by_test_id("stDataFrame")).to_have_count(0)
    page.close()
