"""HTTP/1.1 as uvicorn speaks it, with less work for each answer.

`uvicorn --http exposure.http_protocol:Protocol` serves by it.

Three things differ from uvicorn's own protocol on httptools, which does everything else. An idle connection
is looked at now and then, where uvicorn starts a timer after each answer and stops it with each request. An
answer may say how its fields are written, so that those of an answer given again are not checked again: that
is most of what uvicorn does for it; such an answer is whole, of the length it says, and closes nothing. And
it may say how it is given again (`exposure.again`): the same bytes of a request are then not read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any
from urllib.parse import unquote
from weakref import WeakKeyDictionary

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from exposure.again import AGAIN, Again
from exposure.repeated_requests import Repeated, RepeatedRequests, may_repeat
from exposure.written_fields import WRITTEN, written

# What each server remembers, for as long as it runs.
_REPEATED: WeakKeyDictionary[ServerState, RepeatedRequests] = WeakKeyDictionary()


def _repeated(server: ServerState) -> RepeatedRequests:
    if server not in _REPEATED:
        _REPEATED[server] = RepeatedRequests()
    return _REPEATED[server]


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._idle_since: float | None = None
        self._repeated = _repeated(self.server_state)
        self._host = ""
        # Of the requests that have come on this connection: more were begun than ended in the midst of one.
        self._begun = self._ended = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin it."""
        super().connection_made(transport)
        self._host = self.client[0] if self.client else ""

    def connection_lost(self, exc: Exception | None) -> None:
        """End it."""
        super().connection_lost(exc)
        super()._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Take what has come: a request that is answered as it was before, or whatever it is."""
        is_next = self._begun == self._ended and (self.cycle is None or self.cycle.response_complete)
        if not is_next or not may_repeat(data):
            super().data_received(data)
            return
        request = (self._host, data)
        if self._answer_again(request):
            return
        before = self._ended
        super().data_received(data)
        # Not a task has begun to run yet.
        if self._begun == self._ended == before + 1 and isinstance(self.cycle, _Cycle):
            self.cycle.remember = partial(self._repeated.remember, request)
            self.cycle.scope[AGAIN] = True  # type: ignore[literal-required]

    def on_message_begin(self) -> None:
        """Begin to read a request."""
        self._begun += 1
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """End it."""
        self._ended += 1
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        """Begin to serve a request; an unusual one as uvicorn does."""
        parser, scope = self.parser, self.scope
        is_unusual = self.limit_concurrency is not None or self.root_path or self.config.reset_contextvars
        if is_unusual or parser.should_upgrade():
            super().on_headers_complete()
            return
        version, url = parser.get_http_version(), httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope["method"], scope["http_version"] = parser.get_method().decode("ascii"), version
        scope["path"], scope["raw_path"] = unquote(path) if "%" in path else path, url.path
        scope["query_string"] = url.query or b""
        before = self.cycle
        self.cycle = _Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            # Sent before the last one was answered.
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_response_complete(self) -> None:
        """Go on with the next request, if it is there already."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_again_in(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _answer_again(self, request: Repeated) -> bool:
        if self.flow.write_paused or self.transport.is_closing():
            return False
        answer = self._repeated.answer(request)
        if answer is None:
            return False
        status_line, fields, body = answer
        own = _DEFAULT_FIELDS.written(self.server_state.default_headers)
        self.transport.write(b"".join((status_line, own, fields, b"\r\n", body)))
        self.on_response_complete()
        return True

    def _look_again_in(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self._close_if_idle)

    def _close_if_idle(self) -> None:
        self.timeout_keep_alive_task = None
        if self._idle_since is None or self.transport.is_closing():
            # The end of its answer begins to look again.
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_again_in(left)
        else:
            self.transport.close()


class _DefaultFields:
    """The fields every answer has, as they are written: uvicorn replaces them once a second."""

    def __init__(self) -> None:
        self._fields: list[tuple[bytes, bytes]] = []
        self._written = b""

    def written(self, fields: list[tuple[bytes, bytes]]) -> bytes:
        if fields is not self._fields:
            self._fields, self._written = fields, written(fields)
        return self._written


_DEFAULT_FIELDS = _DefaultFields()


class _Cycle(RequestResponseCycle):
    """One request and its answer."""

    # Remembers what it was asked by, if that was all that came.
    remember: Callable[[bytes, Again], None] | None = None
    _head: bytes | None = None

    def send(self, message: Any) -> Coroutine[Any, Any, None]:
        """Send a part of the answer."""
        # Of what is logged uvicorn knows the form.
        if self._head is None and (self.access_log or WRITTEN not in message):
            return RequestResponseCycle.send(self, message)
        return self._send_written(message)

    async def _send_written(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if self._head is None:
            self._begin(message)
        elif message.get("more_body"):
            self.transport.close()
            raise RuntimeError("an answer whose fields are written came in several parts")
        else:
            self._end(self._head, message["body"])

    def _begin(self, message: Any) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        again: Again | None = message.get(AGAIN)
        if again is not None and self.remember is not None and self.keep_alive:
            self.remember(STATUS_LINE[message["status"]], again)
        closing = b"" if self.keep_alive else b"connection: close\r\n"
        self._head = b"".join(
            (
                STATUS_LINE[message["status"]],
                _DEFAULT_FIELDS.written(self.default_headers),
                message[WRITTEN],
                closing,
                b"\r\n",
            )
        )

    def _end(self, head: bytes, body: bytes) -> None:
        """Write all at once; `writelines` spins on an empty body in Python 3.12."""
        self.transport.write(head + body)
        self._head = None
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
