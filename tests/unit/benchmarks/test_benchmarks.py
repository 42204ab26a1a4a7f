"""What the benchmarks of the app compute from what they saw, without a browser."""

import asyncio
import gzip

import pytest

from benchmarks import app, arrive, report, wire
from tests.support.loops import run


def test_a_first_visit_is_judged_by_what_it_takes_above_the_empty_page():
    own = {app.PICTURE: 2500.0, "pictures": 2600.0, "all": 3000.0}
    empty = {app.PICTURE: 1200.0, "all": 1300.0}
    rows = app.figures("explore", "first", [(own, empty)] * 3)
    picture = next(r for r in rows if r["part"] == app.PICTURE)
    assert (picture["median"], picture["empty_median"], picture["difference"]) == (2500, 1200, 1300)
    assert app.verdict(picture) == "met"
    assert app.verdict({**picture, "difference": app.FIRST + 1}) == "missed"
    assert [app.verdict(r) for r in rows if r["part"] != app.PICTURE] == ["", ""]
    opened = app.figures("explore", "open", [(own, empty)])
    assert [(r["part"], app.verdict(r)) for r in opened if app.verdict(r)] == [("all", "missed")]
    cold = app.figures("home", "cold", [(own, empty)])
    assert [(r["part"], app.verdict(r)) for r in cold if app.verdict(r)] == [(app.PICTURE, "met")]
    text = report.markdown(app.as_results(rows + opened, {"cores": 2}, "python -m benchmarks.app"))
    assert "| explore | first | first picture | 2,500 | 2,500 | 1,200 | 1,300 | 2.08 | 3 | 1500 ms above: met |" in text
    assert "| explore | open | all | 3,000 |" in text


def test_arrivals_are_counted_to_the_picture_of_the_last_one():
    found = [{"picture": 1000.0 + 100 * k, "all": 2000.0, "came": 5000.0 + 1000 * k} for k in range(10)]
    result = arrive.result([*found, {"problem": "gone"}], 11, 10, "explore")
    assert result["rows"][0] == [arrive.PICTURE, 10, 1450, 1855, 1900, 10.9]
    assert result["rows"][1][-1] == 11.0
    assert result["problems"] == ["gone"]
    assert "Problems: 1." in report.markdown(result)
    assert arrive.result([{"problem": "gone"}], 1, 1, "explore")["rows"] == []


@pytest.mark.parametrize(("kind", "body", "packed"), [
    ("text/javascript; charset=utf-8", b"let x = 1;" * 1000, True), ("font/woff2", b"\0" * 5000, False),
    ("text/html", b"short", False)])
def test_the_proxy_compresses_what_nginx_would(kind, body, packed):
    proxy = wire.Proxy(0, compresses=True)
    head = ["HTTP/1.1 200 OK", f"Content-Type: {kind}", "Content-Length: 1", "Connection: close"]
    written = proxy._written(head, body)
    head, _, content = written.partition(b"\r\n\r\n")
    assert (b"Content-Encoding: gzip" in head) == packed
    assert (gzip.decompress(content) if packed else content) == body
    assert head.count(b"Content-Length") == 1
    assert f"Content-Length: {len(content)}".encode() in head
    assert wire.Proxy(0, compresses=False)._written(["HTTP/1.1 200 OK"], body).endswith(body)


def test_a_chunked_answer_is_joined():
    assert wire._joined(b"3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n") == b"abcde"


def test_the_proxy_passes_on_and_counts():
    async def server(reader, writer):
        asked = await reader.readuntil(b"\r\n\r\n")
        assert b"accept-encoding" not in asked.lower()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/css\r\n\r\n" + b"a" * 2000)
        writer.close()

    async def talk():
        upstream = await asyncio.start_server(server, "127.0.0.1", 0)
        counts = []
        for compresses in (False, True):
            proxy = wire.Proxy(upstream.sockets[0].getsockname()[1], compresses)
            with proxy.running():
                for extra in (b"", b"Sec-Purpose: prefetch\r\n"):
                    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
                    writer.write(b"GET /x HTTP/1.1\r\nAccept-Encoding: gzip\r\n" + extra + b"\r\n")
                    await reader.readuntil(b"\r\n\r\n")
                    writer.close()
                counts.append(proxy.counts)
        upstream.close()
        return counts

    plain, packed = run(talk())
    assert plain["requests"] == packed["requests"] == 1
    assert plain["now"] == plain["later"] > 2000 > packed["now"] > 50
