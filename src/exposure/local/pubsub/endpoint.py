"""A push endpoint: HTTP/1.1 POSTs over connections that stay open, of which only the status matters.

No redirects, no proxies, no cookies. A push counts as answered when its status line and headers are here;
statuses below 200 are passed on as well, because Pub/Sub takes 102 for an acknowledgement.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

import httptools

# Interim answers that say nothing about the request's fate.
_INTERIM = frozenset({100, 101, 103})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Unanswered(Exception):
    """The endpoint refused the connection, broke it off or does not speak HTTP."""


class Endpoint:
    """One URL and the open connections to it; as many as there are posts at a time."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = url
        self._host = parts.hostname or ""
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = parts.netloc.rpartition("@")[2]
        self._head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: CloudPubSub-Google\r\n"
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()

    async def post(self, headers: Mapping[str, str], body: bytes) -> int:
        """Return the answer's status. Raises Unanswered, and ValueError for headers HTTP cannot carry."""
        lines = "".join(f"{_checked(name)}: {_printable(value)}\r\n" for name, value in headers.items())
        head = f"{self._head}{lines}Content-Length: {len(body)}\r\n\r\n".encode()
        if self._idle:
            try:
                return await self._idle.pop().post(head, body)
            except _ClosedWhileIdle:
                # Servers close idle connections when they like: this one met our request on its way.
                pass
        connection = await self._connect()
        try:
            return await connection.post(head, body)
        except _ClosedWhileIdle as error:
            raise Unanswered(f"{self.url} closed the connection") from error

    def close(self) -> None:
        """Close every connection; posts that wait for an answer raise Unanswered."""
        for connection in list(self._open):
            connection.abort()

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: _Connection(self._idle, self._open), self._host, self._port, ssl=self._tls
            )
        except OSError as error:
            raise Unanswered(f"{self.url} cannot be reached: {error}") from error
        return connection


class _ClosedWhileIdle(Unanswered):
    """The connection ended before a byte of the answer came."""


class _Connection(asyncio.Protocol):
    """One connection; it puts itself among the idle ones when an answer is complete."""

    def __init__(self, idle: list[_Connection], opened: set[_Connection]) -> None:
        self._idle = idle
        self._opened = opened
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._has_begun = False

    async def post(self, head: bytes, body: bytes) -> int:
        if self._transport is None or self._transport.is_closing():
            raise _ClosedWhileIdle("the connection is closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._has_begun = False
        self._transport.write(head + body)
        try:
            return await self._answer
        except asyncio.CancelledError:
            # An endpoint that does not answer in time may never do so, and would keep the connection.
            self.abort()
            raise

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # -- called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._opened.add(self)

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            # Nobody asked: what comes while the connection is idle would be taken for the next answer.
            self.abort()
            return
        self._has_begun = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._opened.discard(self)
        if self in self._idle:
            self._idle.remove(self)
        if self._answer is not None and not self._answer.done():
            kind = Unanswered if self._has_begun else _ClosedWhileIdle
            self._answer.set_exception(kind("the connection was closed"))

    # -- called by the parser

    def on_message_begin(self) -> None:
        if self._answer is None:
            # A second answer, come together with the first.
            self.abort()

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status not in _INTERIM and self._answer is not None and not self._answer.done():
            self._answer.set_result(status)

    def on_message_complete(self) -> None:
        if self._answer is None or not self._answer.done():
            return
        if self._parser.get_status_code() >= 200 and self._parser.should_keep_alive():
            self._answer = None
            self._idle.append(self)
        else:
            # After a 102 the real answer is still to come; nobody waits for it.
            self.abort()


def _checked(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is no header name")
    return name


def _printable(value: str) -> str:
    if any(character in value for character in "\r\n\0"):
        raise ValueError("a header value has no line breaks")
    return value
