"""What is told to Pub/Sub of messages that were pulled: acknowledged, or to be delivered again.

Many ids travel in one call, and one call at a time of each kind. A call that fails for good costs a
redelivery and nothing else, so it is logged and forgotten.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.pubsub_v1.types import AcknowledgeRequest, ModifyAckDeadlineRequest

_LOG = logging.getLogger(__name__)
# Ids are about 200 bytes and a request holds 512 KiB.
_IDS_PER_CALL = 1000
_TRIES = 4
_FIRST_WAIT_SECONDS = 0.1
_CALL_SECONDS = 10.0
_PASSING = frozenset({
    grpc.StatusCode.ABORTED, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.INTERNAL,
    grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN,
})  # fmt: skip


class Settlement:
    """The two calls of one subscription, `acknowledge` and `release`. Lives on one event loop."""

    def __init__(self, transport: Any, subscription: str) -> None:
        self._acknowledged = _Sender(lambda ids: _acknowledge(transport, subscription, ids))
        self._released = _Sender(lambda ids: _release(transport, subscription, ids))

    def acknowledge(self, ids: list[str]) -> None:
        """Tell that the messages are durable."""
        self._acknowledged.put(ids)

    def release(self, ids: list[str]) -> None:
        """Tell that the messages must come again, as the subscription's retry policy says."""
        self._released.put(ids)

    async def close(self) -> None:
        """Return when all has been told."""
        await asyncio.gather(self._acknowledged.drain(), self._released.drain())


@dataclass(eq=False)
class _Sender:
    """Sends what has gathered while the call before was under way."""

    call: Callable[[list[str]], Awaitable[None]]

    def __post_init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._sending: asyncio.Task[None] | None = None

    def put(self, ids: list[str]) -> None:
        self._waiting.extend(ids)
        if self._waiting and self._sending is None:
            self._sending = asyncio.create_task(self._send_all())

    async def drain(self) -> None:
        if self._sending is not None:
            await self._sending

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                count = min(_IDS_PER_CALL, len(self._waiting))
                await self._send([self._waiting.popleft() for _ in range(count)])
        finally:
            self._sending = None

    async def _send(self, ids: list[str]) -> None:
        for attempt in range(1, _TRIES + 1):
            try:
                await self.call(ids)
            except grpc.aio.AioRpcError as error:
                if error.code() not in _PASSING or attempt == _TRIES:
                    _LOG.warning("%d messages will come again: %s", len(ids), error.details())
                    return
                await asyncio.sleep(_FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
            else:
                return


async def _acknowledge(transport: Any, subscription: str, ids: list[str]) -> None:
    # The raw messages, wrapped: proto-plus looks at each id by itself, which costs as much as to store it.
    raw = AcknowledgeRequest.pb()(subscription=subscription, ack_ids=ids)
    request = AcknowledgeRequest.wrap(raw)
    await transport.acknowledge(request, metadata=routing(subscription), timeout=_CALL_SECONDS)


async def _release(transport: Any, subscription: str, ids: list[str]) -> None:
    raw = ModifyAckDeadlineRequest.pb()(subscription=subscription, ack_ids=ids, ack_deadline_seconds=0)
    request = ModifyAckDeadlineRequest.wrap(raw)
    await transport.modify_ack_deadline(request, metadata=routing(subscription), timeout=_CALL_SECONDS)


def routing(subscription: str) -> tuple[tuple[str, str], ...]:
    """Return the header that leads a call to the subscription's region."""
    return (("x-goog-request-params", f"subscription={subscription}"),)
