"""Our HTTP/1.1 against uvicorn's own: the same requests over a socket, the same bytes back but the date."""

from __future__ import annotations

import asyncio

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from exposure.http_protocol import Protocol
from exposure.written_fields import written
from fakes.http_server import PLAIN, Run, serving, told

REQUESTS = {
    "kept alive": PLAIN,
    "closing": b"GET /plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "of HTTP/1.0": b"GET /plain HTTP/1.0\r\n\r\n",
    "HEAD": b"HEAD /plain HTTP/1.1\r\nHost: x\r\n\r\n",
    "in chunks": b"GET /chunks HTTP/1.1\r\nHost: x\r\n\r\n",
    "with an escaped path and a query": b"GET /echo/a%2Fb%20c?x=%20&y HTTP/1.1\r\nHost: x\r\n\r\n",
    "with a body": b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    "with a body in chunks": b"POST /echo HTTP/1.1\r\nHost: x\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
    "sent before the answer": PLAIN * 3,
    "that waits to go on": b"POST /echo HTTP/1.1\r\nHost: x\r\n"
    b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "that fails": b"GET /fail HTTP/1.1\r\nHost: x\r\n\r\n",
    "that is unfinished": b"GET /short HTTP/1.1\r\nHost: x\r\n\r\n",
    "to upgrade": b"GET /plain HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    "that is none": b"\x00\x01\r\n\r\n",
    "with a line break in a path": b"GET /echo/%0a HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
async def test_a_request_is_answered_as_by_uvicorns_own(request_: bytes, run: Run) -> None:
    with serving(run, HttpToolsProtocol) as theirs, serving(run, Protocol) as ours:
        expected, found = await asyncio.gather(
            told(theirs, request_, request_), told(ours, request_, request_)
        )
    assert found == expected
    assert found


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("end", ["", "Connection: close\r\n"])
async def test_fields_that_are_written_already_arrive_as_any_others(method: str, end: str, run: Run) -> None:
    plain, ready = (
        f"{method} /{path} HTTP/1.1\r\nHost: x\r\n{end}\r\n".encode() for path in ("plain", "written")
    )
    with serving(run, Protocol) as port:
        expected = await told(port, plain, plain) if not end else await told(port, plain)
        found = await told(port, ready, ready) if not end else await told(port, ready)
    assert found == expected
    assert b"etag" in found


async def test_written_and_other_answers_keep_their_order_when_requests_come_early(run: Run) -> None:
    requests = b"".join(
        b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in (b"echo", b"written", b"chunks")
    )
    with serving(run, Protocol) as port:
        found = await told(port, requests)
    assert found.index(b"'/echo'") < found.index(b"hello") < found.index(b"two")


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not(run: Run) -> None:
    with serving(run, Protocol, keep_alive=1) as port:
        busy = await told(port, *[PLAIN] * 4, after=0.5)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(PLAIN)
        begun = asyncio.get_running_loop().time()
        await asyncio.wait_for(reader.read(), 10)
        took = asyncio.get_running_loop().time() - begun
        writer.close()
    assert busy.count(b"HTTP/1.1 200 OK") == 4
    assert took >= 0.9


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"a\rb"])
def test_a_field_cannot_be_written_as_two(value: bytes) -> None:
    with pytest.raises(ValueError, match="line break"):
        written([(b"etag", value)])
