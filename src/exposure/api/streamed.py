"""An answer sent part by part, at the pace of whoever reads it, and broken off where it cannot be whole.

Nothing is made ahead: the next part is asked for when the server has room for it. A failure behind the first
bytes cannot change the status any more, so the connection ends without the end of the body: HTTP/1.1 without
the last chunk (https://www.rfc-editor.org/rfc/rfc9112#section-8), which every client reports as an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from exposure.api.departure import departure
from exposure.api.request import IS_HEAD, REQUEST_ID

# Who takes no byte for so long reads no more.
_STALL = timedelta(seconds=60)


class BrokenOff(Exception):
    """The answer had begun and cannot be ended: the server must close the connection. Not an answer."""


class StreamedResponse(Response):
    """Sends `first` and then what `more` returns until that is None; `close` is called however it ends."""

    def __init__(
        self,
        first: bytes,
        more: Callable[[], Awaitable[bytes | None]],
        close: Callable[[], None],
        headers: Mapping[str, str],
        stall: timedelta = _STALL,
    ) -> None:
        super().__init__(None, 200, headers)
        # Its length is not known; Response has counted the empty body.
        del self.headers["content-length"]
        self._first = first
        self._more = more
        self._close = close
        self._stall = stall.total_seconds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; raises BrokenOff when the answer cannot be ended."""
        sending = asyncio.ensure_future(self._send(scope, send))
        leaving = asyncio.ensure_future(departure(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            self._close()

    async def _send(self, scope: Scope, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        # Said even to a HEAD, so that whatever stands between treats both alike.
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        part: bytes | None = None if scope.get(IS_HEAD) else self._first
        while part is not None:
            # An empty message would be the end to some servers, and nothing to any.
            if part:
                await self._send_part(scope, send, part)
            part = await self._next(scope)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_part(self, scope: Scope, send: Send, part: bytes) -> None:
        try:
            async with asyncio.timeout(self._stall):
                await send({"type": "http.response.body", "body": part, "more_body": True})
        except TimeoutError as error:
            raise BrokenOff(f"request {scope[REQUEST_ID]}: the client reads no more") from error

    async def _next(self, scope: Scope) -> bytes | None:
        try:
            return await self._more()
        except Exception as error:
            raise BrokenOff(f"request {scope[REQUEST_ID]}: the answer broke off: {error}") from error
