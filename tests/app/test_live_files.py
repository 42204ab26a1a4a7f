"""What the web server gives to live views, and what it does not."""

import asyncio
import gzip

import pytest
from starlette.applications import Starlette

from bvae.app import live_files, live_models
from bvae.app.components.live import runtime
from bvae.training import load_checkpoint

MODULE = "/live/components/live/browser/model.mjs"


def asked(path, **headers):
    """Status, headers and body of an answer."""
    sent = []
    named = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "method": "GET", "path": path,
             "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": named}

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    asyncio.run(Starlette(routes=live_files.ROUTES)(scope, receive, send))
    return (sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]},
            b"".join(m.get("body", b"") for m in sent[1:]))


def test_a_module_comes_once():
    status, headers, body = asked(MODULE)
    assert status == 200
    assert headers["content-type"].startswith("text/javascript")
    assert b"export async function open" in body
    assert asked(MODULE, if_none_match=headers["etag"])[0] == 304


@pytest.mark.parametrize("path", [
    "/live/components/live/browser/..%2F..%2Fruntime.py", "/live/components/live/browser/nothing.mjs",
    "/live/components/draw/browser/draw.js", "/live/components/../browser/x.mjs", "/live/runtime/lock.sha256",
    "/live/models/0123/model.json", "/live/models/../../x.json",
])
def test_nothing_else_is_served(path):
    assert asked(path)[0] == 404


def test_the_runtime_comes_compressed(monkeypatch, tmp_path):
    name = runtime.FILES[0]
    (tmp_path / name).write_bytes(b"export const x = 1;")
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(b"export const x = 1;"))
    monkeypatch.setattr(runtime, "folder", lambda: tmp_path)
    status, headers, body = asked(f"/live/runtime/{name}", accept_encoding="gzip, br")
    assert (status, headers["content-encoding"], gzip.decompress(body)) == (200, "gzip", b"export const x = 1;")
    assert "content-encoding" not in asked(f"/live/runtime/{name}")[1]


def test_a_model_is_prepared_once_and_served_then(monkeypatch, tmp_path):
    monkeypatch.setenv("BVAE_CACHE", str(tmp_path))
    monkeypatch.setattr(live_models, "_offered", {})
    monkeypatch.setattr(live_models, "_worker", [None])  # nobody works
    waiting = live_models._waiting
    checkpoint = load_checkpoint("polymnist", "mwb-vae")
    address = live_models.offer("polymnist", checkpoint)
    assert live_models.offer("polymnist", checkpoint) == address
    assert waiting.qsize() == 1
    name, command = waiting.get()
    assert command[command.index("bvae"):][:5] == ["bvae", "export", "polymnist", "mwb-vae", "--to"]
    assert asked(f"/{address}model.json")[0] == 202
    folder = live_models.folder(name)
    folder.mkdir(parents=True)
    (folder / "model.json").write_text("{}")
    status, headers, body = asked(f"/{address}model.json")
    assert (status, body) == (200, b"{}")
    assert "immutable" in headers["cache-control"]


def test_live_views_can_be_switched_off(monkeypatch):
    monkeypatch.setattr(runtime, "folder", lambda: "somewhere")
    monkeypatch.delenv("BVAE_LIVE", raising=False)
    assert live_models.possible()
    monkeypatch.setenv("BVAE_LIVE", "off")
    assert not live_models.possible()


def test_without_npm_it_is_said_once_and_nothing_fails(monkeypatch, capsys):
    monkeypatch.setattr(runtime, "folder", lambda: None)
    monkeypatch.setattr(runtime, "find_npm", lambda: None)
    monkeypatch.setattr(runtime.subprocess, "run", lambda *_, **__: None)
    assert runtime.main() == 0
    assert "decoded by the server alone" in capsys.readouterr().err
