"""StreamingPull: messages flow until the client's limit of outstanding ones is reached.

Acknowledgements come as calls of their own, so a lease tells its stream when it has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import grpc

from exposure.local.pubsub.broker import Broker
from exposure.local.pubsub.lease import Demand, Lease
from exposure.local.pubsub.limits import check_ack_deadline
from exposure.local.pubsub.refusal import Refusal, invalid, unavailable
from exposure.local.pubsub.waiting import wait_for
from exposure.local.pubsub.wire import StreamingPullResponse

# A response stays well below what gRPC clients accept.
_RESPONSE_BYTES = 4_000_000
_RESPONSE_MESSAGES = 500
_IDLE_SECONDS = 60.0
_ONLY_FIRST = ("subscription", "max_outstanding_messages", "max_outstanding_bytes", "protocol_version")


class StreamingPull:
    """Serves every StreamingPull call of the server."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._is_closing = False

    def close(self) -> None:
        """End every stream with UNAVAILABLE, upon which clients connect again later."""
        self._is_closing = True
        self._broker.announce_all()

    async def serve(
        self, requests: AsyncIterator[Any], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[Any]:
        """Yield responses until the client goes; refusals end the stream with their status."""
        try:
            async with contextlib.aclosing(self._responses(requests)) as responses:
                async for response in responses:
                    yield response
        except Refusal as refusal:
            await context.abort(refusal.code, refusal.sentence)

    async def _responses(self, requests: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        first = await anext(aiter(requests), None)
        if first is None:
            raise invalid("The first request of a stream names its subscription.")
        stream = _Stream(self._broker, first)
        reading = asyncio.create_task(stream.read(requests))
        try:
            while not reading.done():
                if self._is_closing:
                    raise unavailable("The server is stopping.")
                changed = self._broker.changed(first.subscription)
                response = stream.response()
                if response is None:
                    await wait_for(changed, _IDLE_SECONDS, reading)
                else:
                    yield response
            reading.result()
        finally:
            reading.cancel()


class _Stream:
    def __init__(self, broker: Broker, first: Any) -> None:
        self._broker = broker
        self._name = first.subscription
        self._queue = broker.subscription(self._name)
        check_ack_deadline(first.stream_ack_deadline_seconds)
        self._seconds = first.stream_ack_deadline_seconds
        self._most = first.max_outstanding_messages if first.max_outstanding_messages > 0 else float("inf")
        self._most_bytes = first.max_outstanding_bytes if first.max_outstanding_bytes > 0 else float("inf")
        self._outstanding = self._outstanding_bytes = 0
        self._apply(first)

    async def read(self, requests: AsyncIterator[Any]) -> None:
        """Apply what the client sends later: acknowledgements, deadlines, heartbeats."""
        async for request in requests:
            if any(getattr(request, field) for field in _ONLY_FIRST):
                raise invalid(f"Only the first request of a stream sets {', '.join(_ONLY_FIRST)}.")
            if request.stream_ack_deadline_seconds:
                check_ack_deadline(request.stream_ack_deadline_seconds)
                self._seconds = request.stream_ack_deadline_seconds
            self._apply(request)

    def response(self) -> Any:
        """Return messages that flow control allows to send, None while there are none."""
        if self._broker.subscription(self._name) is not self._queue:
            # Deleted and made again: the client's next stream is for the new one.
            raise unavailable("The subscription was deleted and made again.")
        leases = self._take()
        if not leases:
            return None
        response = StreamingPullResponse(received_messages=[self._queue.received(lease) for lease in leases])
        response.subscription_properties.message_ordering_enabled = self._queue.config.enable_message_ordering
        return response

    def _take(self) -> list[Lease]:
        room = min(_RESPONSE_MESSAGES, self._most - self._outstanding)
        room_bytes = self._most_bytes - self._outstanding_bytes
        # A message larger than the whole limit is sent when nothing else is outstanding.
        if room <= 0 or (self._outstanding and self._queue.next_bytes > room_bytes):
            return []
        room_bytes = min(_RESPONSE_BYTES, room_bytes)
        leases = self._broker.take(
            self._name, Demand(int(room), room_bytes, self._seconds, per_key=int(room))
        )
        for lease in leases:
            lease.ended = self._ended
            self._outstanding += 1
            self._outstanding_bytes += lease.delivery.size_bytes
        return leases

    def _ended(self, lease: Lease) -> None:
        self._outstanding -= 1
        self._outstanding_bytes -= lease.delivery.size_bytes

    def _apply(self, request: Any) -> None:
        if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
            raise invalid("modify_deadline_ack_ids and modify_deadline_seconds are of different length.")
        if request.ack_ids:
            self._broker.acknowledge(self._name, request.ack_ids)
        for ack_id, seconds in zip(
            request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=True
        ):
            self._broker.extend(self._name, [ack_id], seconds)
