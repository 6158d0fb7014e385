"""A server over HTTP/1.1 with an application for tests, and a client that sends the very bytes it is told."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import Message, Receive, Scope, Send

from exposure.again import AGAIN
from exposure.written_fields import WRITTEN, read, written

Run = Callable[[Coroutine[Any, Any, None]], None]
PLAIN = b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"
# The paths that the application was asked for, and by whom those it offers to answer again.
ASKED: list[str] = []
_DATE = re.compile(rb"date: [^\r]+\r\n")
_FIELDS = [(b"content-type", b"text/plain"), (b"etag", b'"1"'), (b"content-length", b"5")]


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
