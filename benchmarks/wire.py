"""Bytes that a first visit takes: ``python -m benchmarks.wire``.

Between a browser with an empty profile and the app stands a small proxy that counts what the browser gets, once as the
app sends it and once compressed by gzip as `docs/serve.md` tells nginx to. Counted apart: what the browser fetches
afterwards, when the first picture is there (`bvae/app/later.js`), and what comes through the WebSocket, which no proxy
compresses. The counts depend on the versions of the packages, hardly on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import sys
import threading
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.app import PAGES
from benchmarks.browser import EMPTY, ROOT, fresh, opened, path_of, served
from bvae.io.storage import write_json

RESULTS = Path(__file__).parent / "results" / "wire.json"
LEVEL = 5  # of gzip, as in docs/serve.md
SMALLEST = 1024  # bytes; less is sent as it is
KINDS = ("text/html", "text/css", "text/javascript", "application/javascript", "application/json", "image/svg+xml")
"""What is compressed, as in docs/serve.md: fonts and PNG pictures are compressed files already."""
READ = 65_536


class Proxy:
    """An HTTP proxy in front of one server, on a port of its own, in a thread of its own.

    Parameters
    ----------
    upstream : int
        Port of the server on localhost.
    compresses : bool
        Whether to compress.

    Attributes
    ----------
    port : int
    counts : Counter
        Bytes to the browser: "now", "later" (files that it fetched ahead) and "socket"; "requests" of "now".
    """

    def __init__(self, upstream: int, compresses: bool) -> None:
        self.upstream, self.compresses = upstream, compresses
        self.counts: Counter[str] = Counter()
        self.port = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[Proxy]:
        """Serve until the end of the block."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()  # playwright has a loop of its own in this thread
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), loop).result(timeout=10)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(server.close)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(timeout=10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while head := await self._head(reader):
                if not await self._answer(head, reader, writer):
                    break
        writer.close()

    @staticmethod
    async def _head(reader: asyncio.StreamReader) -> list[str]:
        """First line and headers; empty at the end of the connection."""
        try:
            text = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return []
        return text.decode("latin-1").split("\r\n")[:-2]

    async def _answer(self, head: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Ask the server and pass its answer on; False if the connection has ended with it."""
        fields = _fields(head)
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        socket = fields.get("upgrade", "").lower() == "websocket"
        dropped = ("accept-encoding", *(() if socket else ("connection",)))
        lines = [head[0], *(line for line in head[1:] if line.split(":")[0].lower() not in dropped)]
        lines += [] if socket else ["Connection: close"]
        up_writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        if size := int(fields.get("content-length", 0)):
            up_writer.write(await reader.readexactly(size))
        await up_writer.drain()
        try:
            if socket:
                await asyncio.gather(self._pipe(reader, up_writer, ""), self._pipe(up_reader, writer, "socket"))
                return False
            answer = await self._head(up_reader)
            body = await up_reader.read()
            ahead = "prefetch" in fields.get("sec-purpose", "") + fields.get("purpose", "")
            content = self._written(answer, body)
            self.counts["later" if ahead else "now"] += len(content)
            self.counts["requests"] += not ahead
            writer.write(content)
            await writer.drain()
            return True
        finally:
            up_writer.close()

    def _written(self, head: list[str], body: bytes) -> bytes:
        """The answer as it goes to the browser."""
        fields = _fields(head)
        if fields.get("transfer-encoding", "") == "chunked":
            body = _joined(body)
        lines = [line for line in head if line.split(":")[0].lower() not in (
            "connection", "content-length", "transfer-encoding")]
        kind = fields.get("content-type", "").split(";")[0]
        if self.compresses and kind in KINDS and len(body) >= SMALLEST and "content-encoding" not in fields:
            body = gzip.compress(body, LEVEL)
            lines.append("Content-Encoding: gzip")
        lines.append(f"Content-Length: {len(body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body

    async def _pipe(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, count: str) -> None:
        while data := await source.read(READ):
            if count:
                self.counts[count] += len(data)
            target.write(data)
            await target.drain()
        target.close()


def _fields(head: list[str]) -> dict[str, str]:
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}


def _joined(body: bytes) -> bytes:
    """A chunked body as one."""
    parts, at = [], 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].split(b";")[0], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(body[end + 2:end + 2 + size])
        at = end + 2 + size + 2


def measure(playwright, pages: list[str]) -> list[list[object]]:
    """One row a page: requests, kilobytes now, gzipped, in the socket."""
    rows = []
    with served(ROOT / "app.py") as app, served(EMPTY) as empty:
        for name in ["empty page", *pages]:
            url = empty.url if name == "empty page" else app.url
            found = []
            for compresses in (False, True):
                upstream = urllib.parse.urlsplit(url).port
                with Proxy(upstream, compresses).running() as proxy, fresh(playwright) as page:
                    path = "" if name == "empty page" else path_of(name)
                    opened(page, f"http://localhost:{proxy.port}/{path}")
                    page.wait_for_load_state("networkidle")
                    found.append(proxy.counts.copy())
            plain, packed = found
            rows.append([name, plain["requests"], *(round(of[key] / 1000) for of, key in (
                (plain, "now"), (packed, "now"), (plain, "socket")))])
            print("  ".join(map(str, rows[-1])), flush=True)
    return rows


def main() -> None:
    """Print the table, write the results."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(prog="python -m benchmarks.wire", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", nargs="+", choices=list(PAGES), default=list(PAGES))
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    columns = ["page", "requests", "kB until the page is finished", "the same with gzip", "kB through the WebSocket"]
    print("  ".join(columns))
    with sync_playwright() as playwright:
        rows = measure(playwright, options.pages)
    import plotly
    import streamlit

    write_json(options.json, {
        "title": "Bytes of a first visit", "command": " ".join(["python -m benchmarks.wire", *sys.argv[1:]]),
        "columns": columns, "rows": rows,
        "notes": ["A browser with an empty profile, by address; headers of answers are counted. gzip at level "
                  f"{LEVEL}, of texts and scripts. The WebSocket is counted in addition to the other columns. "
                  f"streamlit {streamlit.__version__}, plotly {plotly.__version__}."]})
    print(f"written to {options.json}")


if __name__ == "__main__":
    main()
