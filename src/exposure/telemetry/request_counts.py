"""Requests counted where they are answered, as the metrics of Cloud Run's log of requests would count them.

An ASGI layer for processes that count. Only paths of contracts that are served are counted, so an
invented name cannot become a series; callers' own errors are left out of what we answer for.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING

from exposure.again import and_again
from exposure.telemetry.counts import Counts
from exposure.telemetry.names import DELIVERIES, FAILURES, LATENCY, REQUESTS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The paths that are about one contract, which is their group.
ROWS_PATH, _PUSH_PATH = re.compile(r"/v1/([a-z][a-z0-9_]*)"), re.compile(r"/push/([a-z][a-z0-9_]*)")
ACKNOWLEDGED, LEFT = "acknowledged", "left"


class CountedRequests:
    """Counts answers about the contracts: reads as requests, failures and latency, pushes as deliveries.

    `clock` is in seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        counts: Counts,
        contracts: Collection[str],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._counts = counts
        self._contracts = frozenset(contracts)
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and count it; other events pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # What ends without an answer is one of ours, as the server then answers.
        status, started = 500, self._clock()

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # It takes no time that could be measured.
                message = and_again(message, partial(self._count, scope["path"], status, 0.0))
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            self._count(scope["path"], status, self._clock() - started)

    def _count(self, path: str, status: int, seconds: float) -> None:
        if (pushed := self._contract(_PUSH_PATH, path)) is not None:
            self._counts.add(DELIVERIES, (pushed, ACKNOWLEDGED if status < 300 else LEFT))
        elif (read := self._contract(ROWS_PATH, path)) is not None:
            if status < 400 or status >= 500:
                self._counts.add(REQUESTS, (read,))
            if status >= 500:
                self._counts.add(FAILURES, (read,))
            elif status < 400:
                self._counts.add(LATENCY, (read,), seconds)

    def _contract(self, form: re.Pattern[str], path: str) -> str | None:
        found = form.match(path)
        return found[1] if found is not None and found[1] in self._contracts else None
