"""Push delivery: one task per push subscription, with a window that grows while pushes succeed.

Envelope: https://cloud.google.com/pubsub/docs/push#receive_push; back-off and window as described there.
"""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import aiohttp

from exposure.local.pubsub.broker import Broker
from exposure.local.pubsub.delivery import DeliveryQueue, Lease
from exposure.local.pubsub.oidc import TokenSigner
from exposure.local.pubsub.waiting import wait_for

_ACKNOWLEDGING = frozenset({102, 200, 201, 202, 204})
_FIRST_WINDOW = 8
_LARGEST_WINDOW = 1000
_FIRST_BACKOFF_SECONDS = 0.1
_LONGEST_BACKOFF_SECONDS = 60.0
_IDLE_SECONDS = 60.0


class PushDelivery:
    """Keeps one pusher per subscription that has a push endpoint."""

    def __init__(self, broker: Broker, signer: TokenSigner) -> None:
        self._broker = broker
        self._signer = signer
        self._pushers: dict[str, asyncio.Task[None]] = {}
        self._client: aiohttp.ClientSession | None = None

    def start(self) -> None:
        """Open the connections' pool; subscriptions are looked at by `follow`."""
        self._client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    def follow(self) -> None:
        """Start a pusher for each push subscription that has none; a pusher ends with its endpoint."""
        for name, queue in self._broker.subscriptions.items():
            running = self._pushers.get(name)
            if queue.config.push_config.push_endpoint and (running is None or running.done()):
                if self._client is None:
                    raise RuntimeError("push delivery is not started")
                pusher = _Pusher(self._broker, queue, self._signer, self._client)
                self._pushers[name] = asyncio.create_task(pusher.run())

    async def stop(self) -> None:
        """Give up the pushes in flight: they are delivered again after the next start."""
        for task in self._pushers.values():
            task.cancel()
        await asyncio.gather(*self._pushers.values(), return_exceptions=True)
        if self._client is not None:
            await self._client.close()


class _Pusher:
    def __init__(
        self, broker: Broker, queue: DeliveryQueue, signer: TokenSigner, client: aiohttp.ClientSession
    ) -> None:
        self._broker = broker
        self._queue = queue
        self._name = queue.config.name
        self._signer = signer
        self._client = client
        self._window = _FIRST_WINDOW
        self._backoff = 0.0
        self._in_flight = 0
        self._outstanding: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        try:
            while self._is_wanted():
                await self._step()
        finally:
            for push in self._outstanding:
                push.cancel()
            await asyncio.gather(*self._outstanding, return_exceptions=True)

    def _is_wanted(self) -> bool:
        is_there = self._broker.subscriptions.get(self._name) is self._queue
        return is_there and bool(self._queue.config.push_config.push_endpoint)

    async def _step(self) -> None:
        if self._backoff:
            await asyncio.sleep(self._backoff)
        changed = self._broker.changed(self._name)
        room = self._window - self._in_flight
        seconds = self._queue.config.ack_deadline_seconds
        # The lease outlasts the request's own time limit, so that a timeout is told once.
        leases = self._broker.take(self._name, room, float("inf"), seconds + 5) if room > 0 else []
        for lease in leases:
            self._in_flight += 1
            push = asyncio.create_task(self._push(lease, seconds))
            self._outstanding.add(push)
            push.add_done_callback(self._outstanding.discard)
        if not leases:
            await wait_for(changed, _IDLE_SECONDS)

    async def _push(self, lease: Lease, seconds: float) -> None:
        is_acknowledged = await self._is_acknowledged(lease, seconds)
        self._in_flight -= 1
        if is_acknowledged:
            self._window = min(self._window * 2, _LARGEST_WINDOW)
            self._backoff = 0.0
            self._broker.acknowledge(self._name, [lease.ack_id])
            return
        self._window = max(self._window // 2, 1)
        if not self._queue.config.HasField("retry_policy"):
            self._backoff = min(max(self._backoff * 2, _FIRST_BACKOFF_SECONDS), _LONGEST_BACKOFF_SECONDS)
        self._broker.extend(self._name, [lease.ack_id], 0)

    async def _is_acknowledged(self, lease: Lease, seconds: float) -> bool:
        config = self._queue.config.push_config
        headers = self._headers(config)
        if config.HasField("no_wrapper"):
            body = lease.delivery.message.data
            headers |= self._metadata(lease) if config.no_wrapper.write_metadata else {}
        else:
            body = self._envelope(lease)
            headers["Content-Type"] = "application/json"
        timeout = aiohttp.ClientTimeout(total=seconds)
        try:
            async with self._client.post(
                config.push_endpoint, data=body, headers=headers, timeout=timeout
            ) as answer:
                return answer.status in _ACKNOWLEDGING
        except (aiohttp.ClientError, TimeoutError, ValueError):
            # Refused, broken off, late, or attributes that are no headers: not acknowledged, like any 500.
            return False

    def _headers(self, config: Any) -> dict[str, str]:
        headers = {"User-Agent": "CloudPubSub-Google"}
        if config.HasField("oidc_token"):
            account, audience = config.oidc_token.service_account_email, config.oidc_token.audience
            token = self._signer.token(account, audience or config.push_endpoint)
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def _metadata(self, lease: Lease) -> dict[str, str]:
        message = lease.delivery.message
        attempt = self._queue.attempt(lease.delivery)
        return {
            "x-goog-pubsub-message-id": message.message_id,
            "x-goog-pubsub-publish-time": message.publish_time.ToJsonString(),
            "x-goog-pubsub-subscription-name": self._name,
            **({"x-goog-pubsub-ordering-key": message.ordering_key} if message.ordering_key else {}),
            **({"x-goog-pubsub-delivery-attempt": str(attempt)} if attempt else {}),
            **dict(message.attributes),
        }

    def _envelope(self, lease: Lease) -> bytes:
        message = lease.delivery.message
        published = message.publish_time.ToJsonString()
        attempt = self._queue.attempt(lease.delivery)
        envelope = {
            "message": {
                **({"attributes": dict(message.attributes)} if message.attributes else {}),
                **({"data": base64.b64encode(message.data).decode()} if message.data else {}),
                "messageId": message.message_id,
                "message_id": message.message_id,
                "publishTime": published,
                "publish_time": published,
                **({"orderingKey": message.ordering_key} if message.ordering_key else {}),
            },
            "subscription": self._name,
            **({"deliveryAttempt": attempt} if attempt else {}),
        }
        return json.dumps(envelope, separators=(",", ":")).encode()
