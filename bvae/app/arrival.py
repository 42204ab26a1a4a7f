"""What the web server does beside Streamlit's own work, so that a first visit is short.

The index page is Streamlit's, with hints for the browser (:mod:`bvae.app.preload`): without them it learns which parts
of Streamlit's client a page needs only when the page's first elements arrive, one after the other. An address that no
page has leads to the first page, which says so (:mod:`bvae.app.links`).
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from streamlit import cli_util, config, file_util
from streamlit.web.server import server_address_is_unix_socket, server_util

from bvae.app import preload
from bvae.app.links import UNKNOWN
from bvae.app.pages import PAGES

MARK = b'<div id="root">'
"""What only the index page has."""
SLOW = ("pandas", "plotly.graph_objects")
"""Modules of others that take long to read, and that every page imports."""
AFTER = 0.3  # seconds from the end of the start to the browser's window: the server listens by then


class WithHints:
    """ASGI middleware that puts the hints into the index page, gives it to the addresses of pages only, and leaves all
    else alone.

    Parameters
    ----------
    app : ASGI application
    hints, on_home : str
        HTML for the end of the head, and that for the first page.
    """

    def __init__(self, app: Any, hints: str, on_home: str) -> None:
        self.app, self.hints, self.on_home = app, hints.encode(), on_home.encode()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "GET" or "text/html" not in Headers(
                scope=scope).get("accept", ""):
            await self.app(scope, receive, send)
            return
        # Written over as it is: neither compressed nor only what has changed since another version of the hints.
        plain = [(k, v) for k, v in scope["headers"] if k not in (
            b"accept-encoding", b"if-none-match", b"if-modified-since", b"range", b"if-range")]
        start: dict[str, Any] = {}
        body = bytearray()

        async def rewrite(message: dict[str, Any]) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if message["status"] == 200 and "text/html" in Headers(raw=message["headers"]).get("content-type", ""):
                    start = message
                    return
            elif message["type"] == "http.response.body" and start:
                body.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                page = bytes(body)
                if MARK in page and (to := way_home(scope["path"], scope.get("query_string", b"").decode("latin-1"))):
                    start = {**start, "status": 307, "headers": [(b"location", to.encode()), (b"content-length", b"0")]}
                    page = b""
                elif MARK in page:
                    hints = self.hints if page_name(scope["path"]) else self.on_home
                    page = page.replace(b"</head>", hints + b"</head>", 1)
                    headers = MutableHeaders(raw=start["headers"])
                    headers["content-length"] = str(len(page))
                    for stale in ("etag", "last-modified"):
                        del headers[stale]
                await send(start)
                message = {"type": "http.response.body", "body": page}
            await send(message)

        await self.app({**scope, "headers": plain}, receive, rewrite)


def page_name(path: str) -> str:
    """What an address asks for, below that of the server; "" is the first page."""
    return path.removeprefix("/" + config.get_option("server.baseUrlPath").strip("/")).strip("/")


def way_home(path: str, query: str) -> str:
    """Where the address of no page leads: to the first one, told what was asked for; "" for that of a page.

    The first page has an address without a name, but people write the one that they read in the menu.

    Parameters
    ----------
    path, query : str
        Of the address, below that of the server.

    Returns
    -------
    str
        Relative, for a server that is reached through another one.
    """
    name = page_name(path)
    first = next(iter(PAGES))
    if not name or (name in PAGES and name != first):
        return ""
    more = [] if name == first else [(UNKNOWN, unquote(name))]
    kept = [] if more else parse_qsl(query, keep_blank_values=True)
    up = "../" * (name.count("/") + path.endswith("/")) or "./"
    return up + (f"?{urlencode([*kept, *more])}" if kept or more else "")


def open_browser() -> None:
    """Show the app, as ``streamlit run`` does with a script that has no web server of its own."""
    if config.get_option("server.headless"):
        return
    address = "localhost"
    if config.is_manually_set("browser.serverAddress"):
        address = config.get_option("browser.serverAddress")
    elif config.is_manually_set("server.address"):
        if server_address_is_unix_socket():
            return
        address = server_util.get_display_address(config.get_option("server.address"))
    cli_util.open_browser(server_util.get_url(address))


@contextlib.asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """From the server's start to its end. What pages need is read while the first browser still fetches its scripts."""
    loop = asyncio.get_running_loop()
    for name in SLOW:
        loop.run_in_executor(None, importlib.import_module, name)
    loop.call_later(AFTER, open_browser)
    yield


STATIC = file_util.get_static_dir()
MIDDLEWARE = [Middleware(WithHints, hints=preload.hints(STATIC),
                         on_home=preload.hints(STATIC, preload.FIRST_ON_HOME))]
