"""Content codings: an ASGI layer that compresses what is worth it, by `Accept-Encoding`.

A coding is a line of `_CODINGS`; one whose library is not installed is not offered. Bodies are compressed
as they pass, part by part: memory stays bounded, and an answer that breaks off lacks the coding's own end.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exposure.api.formats.format import is_installed
from exposure.api.formats.offered import FORMATS
from exposure.api.negotiate import choose_token

_LEAST_BYTES = 1024
# A longer part is compressed on a thread: the codecs let the others run meanwhile.
_THREAD_BYTES = 32 * 1024
_COMPRESSIBLE = (
    "text/",
    "application/problem+json",
    *(media_type for one in FORMATS if not one.is_packed for media_type in one.media_types),
)


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes:
        """Return what the data adds to the coded body, often nothing yet."""

    def flush(self) -> bytes:
        """Return the rest of the coded body and its end."""


@dataclass(frozen=True)
class Coding:
    """One content coding: its token, the library it needs, and what starts a body in it."""

    token: str
    library: str
    start: Callable[[Any], _Compressor]

    @property
    def is_available(self) -> bool:
        """Return whether its library is installed."""
        return is_installed(self.library)

    def compressor(self) -> _Compressor:
        """Return what codes one body."""
        return self.start(import_module(self.library))


class _Brotli:
    """Brotli's compressor names its methods differently."""

    def __init__(self, library: Any) -> None:
        self._compressor = library.Compressor(quality=4)

    def compress(self, data: bytes, /) -> bytes:
        coded: bytes = self._compressor.process(data)
        return coded

    def flush(self) -> bytes:
        coded: bytes = self._compressor.finish()
        return coded


# In the order of preference where the client has none. The levels are those at which each is faster than the
# rows are made; 31 asks zlib for gzip's frame.
_CODINGS = (
    Coding("zstd", "zstandard", lambda zstandard: zstandard.ZstdCompressor(level=3).compressobj()),
    Coding("br", "brotli", _Brotli),
    Coding("gzip", "zlib", lambda _: zlib.compressobj(4, zlib.DEFLATED, 31)),
)


def available_codings() -> Sequence[Coding]:
    """Return the codings whose libraries are installed, the preferred first."""
    return tuple(one for one in _CODINGS if one.is_available)


def accepted_codings(scope: Scope) -> str:
    """Return which codings a request accepts; a header on several lines is one list."""
    return ", ".join(Headers(scope=scope).getlist("accept-encoding"))


class Compressed:
    """Compresses the answers of an application."""

    def __init__(self, app: ASGIApp, codings: Sequence[Coding] | None = None) -> None:
        self._app = app
        self._codings = {one.token: one for one in (available_codings() if codings is None else codings)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other events pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        token = choose_token(accepted_codings(scope), tuple(self._codings))
        await self._app(scope, receive, _Body(send, self._codings.get(token or "")).send)


class _Body:
    """One answer on its way: decides at its first bytes whether it is coded."""

    def __init__(self, send: Send, coding: Coding | None) -> None:
        self._send = send
        self._coding = coding
        self._start: Message | None = None
        self._compressor: _Compressor | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] != "http.response.body":
            await self._send(message)
        elif self._start is not None:
            start, self._start = self._start, None
            self._decide(start, message)
            await self._begin(start, message)
        else:
            await self._send_coded(await self._coded(message), message)

    async def _begin(self, start: Message, message: Message) -> None:
        coded = await self._coded(message)
        if self._compressor is not None and not message.get("more_body"):
            MutableHeaders(scope=start)["Content-Length"] = str(len(coded))
        await self._send(start)
        await self._send_coded(coded, message)

    def _decide(self, start: Message, message: Message) -> None:
        headers = MutableHeaders(scope=start)
        if not _is_compressible(start["status"], headers):
            return
        headers.add_vary_header("Accept-Encoding")
        is_short = not message.get("more_body") and len(message.get("body", b"")) < _LEAST_BYTES
        if self._coding is None or is_short:
            return
        self._compressor = self._coding.compressor()
        headers["Content-Encoding"] = self._coding.token
        del headers["Content-Length"]

    async def _coded(self, message: Message) -> bytes:
        body: bytes = message.get("body", b"")
        if self._compressor is None:
            return body
        if len(body) >= _THREAD_BYTES:
            coded = await asyncio.to_thread(self._compressor.compress, body)
        else:
            coded = self._compressor.compress(body)
        return coded if message.get("more_body") else coded + self._compressor.flush()

    async def _send_coded(self, coded: bytes, message: Message) -> None:
        more = message.get("more_body", False)
        # The compressor keeps a part until it has enough of them.
        if coded or not more:
            await self._send({"type": "http.response.body", "body": coded, "more_body": more})


def _is_compressible(status: int, headers: MutableHeaders) -> bool:
    if status in (204, 304) or "content-encoding" in headers:
        return False
    if "no-transform" in headers.get("cache-control", ""):
        return False
    return headers.get("content-type", "").startswith(_COMPRESSIBLE)
