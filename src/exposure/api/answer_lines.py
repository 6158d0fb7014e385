"""One line per answer that asked the warehouse: of which contract, and what it cost; never what was asked."""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exposure.api.tiers import WAREHOUSE
from exposure.telemetry.lines import Lines
from exposure.telemetry.names import ANSWER_EVENT

_CONTRACT = re.compile(r"/v1/([a-z][a-z0-9_]*)")


class AnswerLines:
    """An ASGI layer around the API."""

    def __init__(self, app: ASGIApp, lines: Lines) -> None:
        self._app = app
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other events pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._tell(scope["path"], Headers(raw=message["headers"]))
            await send(message)

        await self._app(scope, receive, told)

    def _tell(self, path: str, headers: Headers) -> None:
        billed, contract = headers.get("x-bytes-billed"), _CONTRACT.match(path)
        if billed is not None and contract is not None:
            self._lines.write(
                ANSWER_EVENT, contract=contract.group(1), tier=WAREHOUSE, billed_bytes=int(billed)
            )
