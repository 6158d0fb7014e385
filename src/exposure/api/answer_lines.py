"""One line per answer made of rows: of which contract, from which tier, at what cost; not what was asked.

Answers from the cache cost nothing and are many: their lines are written together, a tenth of a second later
at most. A refresh behind the answers has a line of its own, as the answer that the cache was given.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exposure.again import and_again
from exposure.api.request import ANSWERED, TELL
from exposure.telemetry.lines import Lines
from exposure.telemetry.names import ANSWER_EVENT
from exposure.telemetry.request_counts import ROWS_PATH

_GATHERED_SECONDS = 0.1


class AnswerLines:
    """An ASGI layer around the API."""

    def __init__(self, app: ASGIApp, lines: Lines) -> None:
        self._app = app
        self._lines = lines
        self._free: Counter[tuple[str, str]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is still to be written is, when the application's life ends."""
        if scope["type"] != "http":
            try:
                await self._app(scope, receive, send)
            finally:
                self._write_free()
            return
        scope[TELL] = self._tell

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = self._looked_at(scope, message)
            await send(message)

        await self._app(scope, receive, told)

    def _looked_at(self, scope: Scope, start: Message) -> Message:
        answered: tuple[str, str] | None = scope.get(ANSWERED)
        if answered is not None:
            self._count(answered)
            return and_again(start, partial(self._count, answered))
        contract = ROWS_PATH.match(scope["path"])
        if contract is not None:
            fields = dict(start["headers"])
            billed, tier = fields.get(b"x-bytes-billed"), fields.get(b"x-tier")
            if billed is not None and tier is not None:
                self._tell(contract.group(1), tier.decode(), int(billed))
        return start

    def _tell(self, contract: str, tier: str, bytes_billed: int) -> None:
        if bytes_billed:
            self._lines.write(ANSWER_EVENT, contract=contract, tier=tier, billed_bytes=bytes_billed)
        else:
            self._count((contract, tier))

    def _count(self, answered: tuple[str, str]) -> None:
        if not self._free:
            asyncio.get_running_loop().call_later(_GATHERED_SECONDS, self._write_free)
        self._free[answered] += 1

    def _write_free(self) -> None:
        gathered, self._free = self._free, Counter()
        for (contract, tier), times in gathered.items():
            self._lines.write_times(times, ANSWER_EVENT, contract=contract, tier=tier, billed_bytes=0)
