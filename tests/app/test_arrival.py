"""The index page names what a first visit needs; everything else is Streamlit's own, and nothing watches files."""

import gzip
import re
import tomllib
from pathlib import Path

import pytest
from streamlit import file_util
from streamlit.web.server.app_discovery import discover_asgi_app

from bvae.app import arrival, preload
from tests.support import ROOT
from tests.support.loops import run

STATIC = Path(file_util.get_static_dir())
INDEX = (STATIC / "index.html").read_text(encoding="utf-8")
PAGE = [(b"accept", b"text/html,application/xhtml+xml"), (b"accept-encoding", b"gzip, br"), (b"if-none-match", b'"x"')]


def asked(body, kind="text/html; charset=utf-8", status=200, method="GET", headers=PAGE, type="http",
          path="/explore"):
    """What a browser gets from an application behind the middleware, and what that application was asked with."""
    seen, sent = {}, []

    async def app(scope, receive, send):
        seen.update(scope)
        middle = len(body) // 2
        await send({"type": "http.response.start", "status": status, "headers": [
            (b"content-type", kind.encode()), (b"content-length", str(len(body)).encode()), (b"etag", b'"x"')]})
        await send({"type": "http.response.body", "body": body[:middle], "more_body": True})
        await send({"type": "http.response.body", "body": body[middle:]})

    async def send(message):
        sent.append(message)

    run(arrival.WithHints(app, "<hint>", "<home>")(
        {"type": type, "method": method, "headers": headers, "path": path}, None, send))
    return dict(sent[0]["headers"]), b"".join(m["body"] for m in sent[1:]), dict(seen["headers"])


def test_the_index_page_gets_the_hints_at_the_end_of_its_head():
    headers, body, request = asked(INDEX.encode())
    assert body.decode() == INDEX.replace("</head>", "<hint></head>", 1)
    assert headers[b"content-length"] == str(len(body)).encode()
    assert b"etag" not in headers
    assert asked(INDEX.encode(), path="/")[1].decode() == INDEX.replace("</head>", "<home></head>", 1)
    assert not {b"accept-encoding", b"if-none-match"} & set(request)


@pytest.mark.parametrize("changes", [
    {"body": b"<head></head> another page"}, {"kind": "application/javascript"}, {"status": 404}, {"method": "HEAD"},
    {"headers": [(b"accept", b"*/*")]}, {"body": gzip.compress(INDEX.encode())}])
def test_everything_else_goes_through_as_it_is(changes):
    body = changes.get("body", INDEX.encode())
    headers, got, _ = asked(**{"body": body, **changes})
    assert got == body
    assert headers[b"content-length"] == str(len(body)).encode()


@pytest.mark.parametrize(("path", "query", "to"), [
    ("/", "", ""), ("/explore", "item=3", ""), ("/home", "", "./"), ("/home", "v=1&place=2", "./?v=1&place=2"),
    ("/nowhere", "x=1", "./?unknown=nowhere"), ("/explore/within", "", "../?unknown=explore%2Fwithin"),
    ("/%3Cb%3E", "", "./?unknown=%3Cb%3E"), ("/nowhere/", "", "../?unknown=nowhere"),
])
def test_an_address_of_no_page_leads_to_the_first_one_told_what_was_asked_for(path, query, to):
    assert arrival.way_home(path, query) == to


def test_only_the_index_page_is_given_to_pages_alone():
    sent = []

    def answer(path, body):
        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
            await send({"type": "http.response.body", "body": body})

        async def send(message):
            sent.append(message)

        sent.clear()
        run(arrival.WithHints(app, "", "")(
            {"type": "http", "method": "GET", "headers": PAGE, "path": path}, None, send))
        return sent[0]["status"], dict(sent[0]["headers"]).get(b"location")

    assert answer("/nowhere", INDEX.encode()) == (307, b"./?unknown=nowhere")
    assert answer("/explore", INDEX.encode()) == (200, None)
    assert answer("/media/a.html", b"a file of ours") == (200, None)


def test_the_hints_name_files_that_exist_and_that_the_page_does_not_name_itself():
    hints = preload.hints(STATIC)
    first = re.findall(r'<link rel="modulepreload" crossorigin href="\./([^"]+)"', hints)
    fonts = re.findall(r'as="font"[^>]*href="\./([^"]+)"', hints)
    later = re.findall(r'"\./(static/js/[^"]+)"', hints.partition("<script>")[2])
    for name in preload.FIRST + preload.LATER:
        assert preload.chunk(STATIC / "static" / "js", name), f"{name}: not a part of this version of Streamlit"
    assert len(fonts) == len(preload.FONTS)
    for file in (*first, *fonts, *later):
        assert (STATIC / file).is_file()
        assert Path(file).name not in INDEX
    assert not set(first) & set(later)
    assert not any("Plotly" in file for file in first)
    assert "Plotly" in later[0]  # the largest is what one waits for longest


def test_the_first_page_waits_for_less_and_the_rest_comes_before_what_is_large():
    def files(html):
        head, _, script = html.partition("<script>")
        return [re.findall(pattern, part) for pattern, part in (
            (r'modulepreload" crossorigin href="\./([^"]+)"', head), (r'"\./(static/js/[^"]+)"', script))]

    first, later = files(preload.hints(STATIC))
    home_first, home_later = files(preload.hints(STATIC, preload.FIRST_ON_HOME))
    assert set(home_first) < set(first)
    assert set(home_first + home_later) == set(first + later)
    plotly = next(k for k, file in enumerate(home_later) if "Plotly" in file)
    assert any("Selectbox" in file for file in home_later[:plotly])


def test_another_version_of_the_client_gets_no_wrong_hints(tmp_path):
    assert preload.hints(tmp_path) == ""
    folder = tmp_path / "static" / "js"
    folder.mkdir(parents=True)
    (tmp_path / "index.html").write_text(INDEX)
    assert "<link" not in preload.hints(tmp_path)
    (folder / "Html.abc.js").write_text('import{x}from"./shared.def.js";import"../../../secret.js";')
    (folder / "shared.def.js").write_text('import("./lazy.ghi.js")')
    (folder / "lazy.ghi.js").write_text("")
    assert preload.needed(folder, ["Html", "Gone"]) == ["Html.abc.js", "shared.def.js"]


def test_the_command_of_the_readme_starts_the_app_with_its_web_server_and_without_a_watcher():
    assert discover_asgi_app(ROOT / "app.py").import_string == "app:app"
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["fileWatcherType"] == "none"
    assert config["server"]["runOnSave"] is False


@pytest.mark.parametrize("script", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.name)
def test_no_benchmark_starts_the_app_with_settings_that_a_person_does_not_have(script):
    options = set(re.findall(r"--(?:server|runner|client|global)\.\w+", script.read_text(encoding="utf-8")))
    assert options <= {"--server.port", "--server.headless"}
