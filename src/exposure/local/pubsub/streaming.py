"""StreamingPull: messages flow until the client's limit of outstanding ones is reached.

Acknowledgements come as calls of their own, so a lease tells its stream when it has ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

from exposure.local.pubsub.broker import Broker
from exposure.local.pubsub.delivery import Lease
from exposure.local.pubsub.limits import check_ack_deadline
from exposure.local.pubsub.refusal import Refusal, invalid
from exposure.local.pubsub.waiting import wait_for
from exposure.local.pubsub.wire import StreamingPullResponse

# A response stays well below what gRPC clients accept.
_RESPONSE_BYTES = 4_000_000
_RESPONSE_MESSAGES = 500
_IDLE_SECONDS = 60.0


class StreamingPull:
    """Serves every StreamingPull call of the server."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def serve(
        self, requests: AsyncIterator[Any], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[Any]:
        """Yield responses until the client goes; refusals end the stream with their status."""
        try:
            first = await anext(aiter(requests))
            stream = _Stream(self._broker, first)
            reading = asyncio.create_task(stream.read(requests))
            try:
                async for response in stream.responses(reading):
                    yield response
            finally:
                reading.cancel()
        except Refusal as refusal:
            await context.abort(refusal.code, refusal.sentence)


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
            if request.subscription or request.max_outstanding_messages or request.max_outstanding_bytes:
                raise invalid("Only the first request of a stream names subscription and flow control.")
            if request.stream_ack_deadline_seconds:
                check_ack_deadline(request.stream_ack_deadline_seconds)
                self._seconds = request.stream_ack_deadline_seconds
            self._apply(request)

    async def responses(self, reading: asyncio.Task[None]) -> AsyncIterator[Any]:
        """Yield messages as they come and as flow control allows."""
        while True:
            if reading.done():
                reading.result()
                return
            if self._broker.subscriptions.get(self._name) is not self._queue:
                self._broker.subscription(self._name)
                return
            changed = self._broker.changed(self._name)
            leases = self._take()
            if leases:
                yield self._response(leases)
            else:
                await wait_for(changed, _IDLE_SECONDS, reading)

    def _take(self) -> list[Lease]:
        room = min(_RESPONSE_MESSAGES, self._most - self._outstanding)
        room_bytes = min(_RESPONSE_BYTES, self._most_bytes - self._outstanding_bytes)
        if room <= 0 or room_bytes <= 0:
            return []
        leases = self._broker.take(self._name, int(room), room_bytes, self._seconds)
        for lease in leases:
            lease.ended = self._ended
            self._outstanding += 1
            self._outstanding_bytes += lease.delivery.size_bytes
        return leases

    def _ended(self, lease: Lease) -> None:
        self._outstanding -= 1
        self._outstanding_bytes -= lease.delivery.size_bytes

    def _response(self, leases: list[Lease]) -> Any:
        response = StreamingPullResponse(received_messages=[self._queue.received(lease) for lease in leases])
        response.subscription_properties.message_ordering_enabled = self._queue.config.enable_message_ordering
        return response

    def _apply(self, request: Any) -> None:
        if request.ack_ids:
            self._broker.acknowledge(self._name, request.ack_ids)
        pairs = zip(request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=False)
        for ack_id, seconds in pairs:
            self._broker.extend(self._name, [ack_id], seconds)
