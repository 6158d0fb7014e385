"""A client's way to an ASGI application that gives answers again, as our own HTTP server does."""

from __future__ import annotations

import httpx2
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exposure.again import AGAIN, Again


class RepeatingTransport(httpx2.AsyncBaseTransport):
    """Asks the application, but for a request that it has said how to answer again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._remembered: dict[object, tuple[int, Again]] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        asked = (request.method, request.url, tuple(request.headers.raw))
        status, again = self._remembered.get(asked, (0, lambda: None))
        answer = again()
        if answer is not None:
            fields, body = answer
            lines = [line.partition(b": ") for line in fields.removesuffix(b"\r\n").split(b"\r\n")]
            return httpx2.Response(status, headers=[(name, value) for name, _, value in lines], content=body)

        async def asking(scope: Scope, receive: Receive, send: Send) -> None:
            scope[AGAIN] = True

            async def seen(message: Message) -> None:
                if AGAIN in message:
                    self._remembered[asked] = (message["status"], message[AGAIN])
                await send(message)

            await self._app(scope, receive, seen)

        return await httpx2.ASGITransport(app=asking).handle_async_request(request)
