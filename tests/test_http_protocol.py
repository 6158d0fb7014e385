"""Our HTTP/1.1 against uvicorn's own: the same requests over a socket, the same bytes back but the date."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
import uvloop
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from exposure import http_protocol
from exposure.again import AGAIN
from exposure.http_protocol import Protocol
from exposure.written_fields import WRITTEN, read, written

ASKED: list[str] = []
_DATE = re.compile(rb"date: [^\r]+\r\n")
_FIELDS = [(b"content-type", b"text/plain"), (b"etag", b'"1"'), (b"content-length", b"5")]
REQUESTS = {
    "kept alive": b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n",
    "closing": b"GET /plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "of HTTP/1.0": b"GET /plain HTTP/1.0\r\n\r\n",
    "HEAD": b"HEAD /plain HTTP/1.1\r\nHost: x\r\n\r\n",
    "in chunks": b"GET /chunks HTTP/1.1\r\nHost: x\r\n\r\n",
    "with an escaped path and a query": b"GET /echo/a%2Fb%20c?x=%20&y HTTP/1.1\r\nHost: x\r\n\r\n",
    "with a body": b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    "with a body in chunks": b"POST /echo HTTP/1.1\r\nHost: x\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
    "sent before the answer": b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n" * 3,
    "that waits to go on": b"POST /echo HTTP/1.1\r\nHost: x\r\n"
    b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "that fails": b"GET /fail HTTP/1.1\r\nHost: x\r\n\r\n",
    "that is unfinished": b"GET /short HTTP/1.1\r\nHost: x\r\n\r\n",
    "to upgrade": b"GET /plain HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    "that is none": b"\x00\x01\r\n\r\n",
    "with a line break in a path": b"GET /echo/%0a HTTP/1.1\r\nHost: x\r\n\r\n",
}


Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Serve on Python's own loop, as the embedded platform does, and on uvloop, as the image does."""
    runs: Run = request.param
    return runs


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as the path says; `/written` says how its fields are written."""
    if scope["type"] == "lifespan":
        while (event := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{event['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    path = scope["path"]
    ASKED.append(path)
    if path.startswith("/again"):
        ASKED[-1] += f" of {scope['client'][0]}"
        await _send_again(scope["method"], path, send)
        return
    if path == "/fail":
        raise ValueError("an error of the application")
    if path.startswith("/echo"):
        body = repr([scope["method"], path, scope["raw_path"], scope["query_string"], await _read(receive)])
        await _send(send, [(b"content-length", b"%d" % len(body))], body.encode())
    elif path == "/chunks":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in (b"one", b"two"):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})
    elif path == "/short":
        await _send(send, [(b"content-length", b"9")], b"short")
    elif path == "/written":
        await send(
            {"type": "http.response.start", "status": 200, "headers": _FIELDS, WRITTEN: written(_FIELDS)}
        )
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else b"hello"})
    else:
        await asyncio.sleep(0.3 if path == "/slow" else 0)
        await _send(send, _FIELDS, b"hello")


async def _send_again(method: str, path: str, send: Send) -> None:
    """Answer with a number that grows, and offer to do so again; the path may end with how often."""
    left = int(path.removeprefix("/again") or 1_000)
    given = [0]

    def answer() -> tuple[bytes, bytes]:
        given[0] += 1
        body = b"%d" % given[0]
        return written([(b"content-length", b"%d" % len(body))]), b"" if method == "HEAD" else body

    fields, body = answer()
    again = {AGAIN: lambda: answer() if given[0] < left else None, WRITTEN: fields}
    await send({"type": "http.response.start", "status": 200, "headers": read(fields)} | again)
    await asyncio.sleep(0.01)
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        event: Message = await receive()
        body, more = body + event.get("body", b""), event.get("more_body", False)
    return body


async def _send(send: Send, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def serving(run: Run, protocol: type[asyncio.Protocol], keep_alive: int = 5) -> Iterator[int]:
    """Serve the application by a protocol on a free port, on a loop of its own."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http=protocol,
        timeout_keep_alive=keep_alive,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="critical",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: run(server.serve(sockets=[listening])))
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


async def told(port: int, *requests: bytes, after: float = 0.0, host: str = "127.0.0.1") -> bytes:
    """Send requests on one connection, each after an answer; return what came, undated."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(host, 0))
    answers = b""
    try:
        for request in requests:
            writer.write(request)
            await writer.drain()
            answers += await _until_quiet(reader)
            await asyncio.sleep(after)
    finally:
        writer.close()
    return _DATE.sub(b"", answers)


async def _until_quiet(reader: asyncio.StreamReader) -> bytes:
    came = b""
    with_patience = 5.0
    try:
        while part := await asyncio.wait_for(reader.read(65536), with_patience):
            came, with_patience = came + part, 0.1
        return came + b"<closed>"
    except TimeoutError:
        return came


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
    plain = REQUESTS["kept alive"]
    with serving(run, Protocol, keep_alive=1) as port:
        busy = await told(port, plain, plain, plain, plain, after=0.5)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(plain)
        begun = asyncio.get_running_loop().time()
        await asyncio.wait_for(reader.read(), 10)
        took = asyncio.get_running_loop().time() - begun
        writer.close()
    assert busy.count(b"HTTP/1.1 200 OK") == 4
    assert took >= 0.9


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the paths that the application is asked for; nothing is remembered of the last test."""
    monkeypatch.setattr(http_protocol, "_REQUESTS", http_protocol._Requests())
    ASKED.clear()
    return ASKED


AGAIN_ = b"GET /again HTTP/1.1\r\nHost: x\r\n\r\n"


def numbers(found: bytes) -> list[int]:
    """Return the bodies of answers, of which each is whole, as numbers."""
    answers = found.removesuffix(b"<closed>").split(b"HTTP/1.1 200 OK\r\n")[1:]
    heads = [one.partition(b"\r\n\r\n")[0].split(b"\r\n")[-1] for one in answers]
    bodies = [one.partition(b"\r\n\r\n")[2] for one in answers]
    assert heads == [b"content-length: %d" % len(body) for body in bodies]
    return [int(body) for body in bodies]


async def test_the_same_bytes_are_answered_again_without_the_application(run: Run, asked: list[str]) -> None:
    with serving(run, Protocol) as port:
        found = await told(port, AGAIN_, AGAIN_, AGAIN_)
        other = await told(port, AGAIN_)
    assert numbers(found + other) == [1, 2, 3, 4]
    assert len(asked) == 1
    assert found.count(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n") == 3


async def test_an_answer_that_is_no_longer_right_is_asked_for_anew(run: Run, asked: list[str]) -> None:
    twice = AGAIN_.replace(b"/again", b"/again2")
    with serving(run, Protocol) as port:
        found = await told(port, *[twice] * 6)
    assert numbers(found) == [1, 2] * 3
    assert len(asked) == 3


@pytest.mark.parametrize(
    "other",
    [
        AGAIN_.replace(b"Host: x", b"Host: y"),
        AGAIN_.replace(b"GET /again", b"GET /again?"),
        AGAIN_.replace(b"\r\n\r\n", b"\r\nX-API-Key: k\r\n\r\n"),
    ],
)
async def test_other_bytes_are_another_request(run: Run, asked: list[str], other: bytes) -> None:
    with serving(run, Protocol) as port:
        found = await told(port, AGAIN_, other, AGAIN_, other)
    assert numbers(found) == [1, 1, 2, 2]
    assert len(asked) == 2


async def test_another_address_is_another_client(run: Run, asked: list[str]) -> None:
    with serving(run, Protocol) as port:
        found = await told(port, AGAIN_) + await told(port, AGAIN_, host="127.0.0.2")
    assert numbers(found) == [1, 1]
    assert asked == ["/again of 127.0.0.1", "/again of 127.0.0.2"]


async def test_nothing_is_left_out_of_an_answer_to_head(run: Run, asked: list[str]) -> None:
    head = AGAIN_.replace(b"GET", b"HEAD")
    with serving(run, Protocol) as port:
        found = await told(port, head, head)
    assert found == b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n" * 2
    assert len(asked) == 1


@pytest.mark.parametrize(
    "line", [b"Connection: close", b"Upgrade: h2c\r\nConnection: upgrade", b"Expect: 100-continue"]
)
async def test_a_connection_that_ends_or_changes_does_so_each_time(run: Run, line: bytes) -> None:
    request = AGAIN_.replace(b"Host: x", b"Host: x\r\n" + line)
    with serving(run, Protocol) as port:
        found = [await told(port, request) for _ in range(3)]
    assert [one.replace(b"\r\n%d" % number, b"\r\n1") for number, one in enumerate(found, 1)] == found[:1] * 3
    assert found[0].endswith(b"<closed>") == line.endswith(b"close")


EARLY = {
    "several at once": [REQUESTS["kept alive"] + AGAIN_],
    "before the last one is answered": [b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", AGAIN_],
    "in pieces": [AGAIN_[:20], AGAIN_[20:] + AGAIN_[:7], AGAIN_[7:]],
    "as a body that nobody waits for": [
        b"POST /plain HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(AGAIN_), AGAIN_,
    ],
    "as the value of a field": [b"GET /plain HTTP/1.1\r\nX: ", AGAIN_],
}  # fmt: skip


@pytest.mark.parametrize("pieces", EARLY.values(), ids=EARLY)
async def test_remembered_bytes_that_are_no_request_or_come_early_are_read_as_ever(
    run: Run, pieces: list[bytes]
) -> None:
    with serving(run, HttpToolsProtocol) as theirs, serving(run, Protocol) as ours:
        expected = await told_in_pieces(theirs, *pieces, *pieces)
        assert numbers(await told(ours, AGAIN_)) == [1]
        found = await told_in_pieces(ours, *pieces, *pieces)
    # Which number it is says how often it was given before.
    assert re.sub(rb"\r\n\d", b"\r\n#", found) == re.sub(rb"\r\n\d", b"\r\n#", expected)
    assert found.count(b"HTTP/1.1 200 OK") >= 2


async def told_in_pieces(port: int, *pieces: bytes) -> bytes:
    """Send what is no whole request, piece by piece."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.05)
    answers = await _until_quiet(reader)
    writer.close()
    return _DATE.sub(b"", answers)


async def test_an_answer_given_again_keeps_the_connection_from_being_idle(run: Run) -> None:
    with serving(run, Protocol, keep_alive=1) as port:
        found = await told(port, *[AGAIN_] * 5, after=0.5)
    assert numbers(found) == [1, 2, 3, 4, 5]


async def test_what_is_remembered_is_bounded(
    run: Run, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "_MOST_REMEMBERED", 2)
    first, second, third = (AGAIN_.replace(b"Host: x", b"Host: %d" % number) for number in range(3))
    large = AGAIN_.replace(b"Host: x", b"Host: " + b"x" * 3_000)
    with serving(run, Protocol) as port:
        found = await told(port, first, second, third, second, third, first, large, large)
    assert numbers(found) == [1, 1, 1, 2, 2, 1, 1, 1]
    assert len(http_protocol._REQUESTS._remembered) == 2


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"a\rb"])
def test_a_field_cannot_be_written_as_two(value: bytes) -> None:
    with pytest.raises(ValueError, match="line break"):
        written([(b"etag", value)])
