"""Push delivery: one pusher per push subscription, at a pace that follows the endpoint's answers."""

from __future__ import annotations

import asyncio
import logging
import resource
from typing import Any

from exposure.local.pubsub.broker import Broker
from exposure.local.pubsub.delivery import DeliveryQueue
from exposure.local.pubsub.endpoint import Endpoint, Unanswered
from exposure.local.pubsub.lease import Demand, Lease
from exposure.local.pubsub.oidc import TokenSigner
from exposure.local.pubsub.pace import LONGEST_PAUSE_SECONDS, Pace
from exposure.local.pubsub.push_request import push_of

_ACKNOWLEDGING = frozenset({102, 200, 201, 202, 204})
_LARGEST_WINDOW = 1000
_RESERVED_FILES = 100
# The lease outlasts the request's own time limit, so that a timeout is told once.
_LEASE_MARGIN_SECONDS = 5
_log = logging.getLogger(__name__)


class PushDelivery:
    """Keeps one pusher per subscription that has a push endpoint."""

    def __init__(self, broker: Broker, signer: TokenSigner) -> None:
        self._broker = broker
        self._signer = signer
        self._pushers: dict[str, _Pusher] = {}
        self._failing: set[tuple[str, str]] = set()

    def follow(self) -> None:
        """Start what became a push subscription, stop what no longer is one, go on where a pause is over.

        A subscription that cannot be pushed is logged once and keeps its messages; the others go on.
        """
        for name, pusher in list(self._pushers.items()):
            if not pusher.is_wanted():
                pusher.retire()
                del self._pushers[name]
        for name, queue in list(self._broker.subscriptions.items()):
            if endpoint := queue.config.push_config.push_endpoint:
                self._push(name, queue, endpoint)

    def _push(self, name: str, queue: DeliveryQueue, endpoint: str) -> None:
        try:
            if name not in self._pushers:
                self._pushers[name] = _Pusher(self._broker, queue, self._signer)
            self._pushers[name].push_more()
        except Exception:
            # One subscription's trouble must not end the delivery of all; it is met again at every look.
            if (name, endpoint) not in self._failing:
                _log.exception("%s cannot be pushed to %s; its messages wait", name, endpoint)
            self._failing.add((name, endpoint))
        else:
            self._failing.discard((name, endpoint))

    async def stop(self) -> None:
        """Give up the pushes in flight: they are delivered again after the next start."""
        tasks = [task for pusher in self._pushers.values() for task in pusher.stop()]
        self._pushers.clear()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Pusher:
    """Pushes one subscription's messages to its endpoint of today."""

    def __init__(self, broker: Broker, queue: DeliveryQueue, signer: TokenSigner) -> None:
        self._broker = broker
        self._queue = queue
        self._signer = signer
        self._endpoint = Endpoint(queue.config.push_config.push_endpoint)
        self._pace = Pace(_largest_window())
        self._pushes: set[asyncio.Task[None]] = set()
        self._is_retired = False
        self._watching = asyncio.create_task(self._watch())

    def is_wanted(self) -> bool:
        """Tell whether the subscription still exists and has the endpoint this pusher is for."""
        config = self._queue.config
        is_there = self._broker.subscriptions.get(config.name) is self._queue
        return is_there and config.push_config.push_endpoint == self._endpoint.url

    def retire(self) -> None:
        """Start no more pushes; those in flight may end as they will."""
        self._watching.cancel()
        self._is_retired = True
        if not self._pushes:
            self._endpoint.close()

    def stop(self) -> list[asyncio.Task[None]]:
        """Cancel everything and return it, for those who want to wait for its end."""
        tasks = [self._watching, *self._pushes]
        for task in tasks:
            task.cancel()
        self._endpoint.close()
        return tasks

    def push_more(self) -> None:
        """Start as many pushes as messages and pace allow."""
        room = self._pace.room(len(self._pushes), self._broker.clock())
        if not room or self._is_retired or not self.is_wanted():
            return
        config = self._queue.config
        seconds = config.ack_deadline_seconds
        demand = Demand(room, float("inf"), seconds + _LEASE_MARGIN_SECONDS, per_key=1)
        for lease in self._broker.take(config.name, demand):
            push = asyncio.create_task(self._push(lease, self._pace.round))
            self._pushes.add(push)
            push.add_done_callback(self._pushed)

    async def _watch(self) -> None:
        while True:
            changed = self._broker.changed(self._queue.config.name)
            self.push_more()
            await changed.wait()

    def _pushed(self, push: asyncio.Task[None]) -> None:
        self._pushes.discard(push)
        if self._is_retired and not self._pushes:
            self._endpoint.close()
        elif not push.cancelled():
            self.push_more()

    async def _push(self, lease: Lease, round_: int) -> None:
        config = self._queue.config
        is_acknowledged = await self._is_acknowledged(lease)
        if self._broker.subscriptions.get(config.name) is not self._queue:
            return
        if is_acknowledged:
            self._pace.succeeded(round_)
            self._broker.acknowledge(config.name, [lease.ack_id])
        else:
            self._pace.failed(round_, self._broker.clock(), _longest_pause(config))
            self._broker.extend(config.name, [lease.ack_id], 0)

    async def _is_acknowledged(self, lease: Lease) -> bool:
        config = self._queue.config
        push = push_of(config, lease.delivery.message, self._queue.attempt(lease.delivery))
        headers = {**push.headers, **self._authorization(config.push_config)}
        try:
            async with asyncio.timeout(config.ack_deadline_seconds):
                return await self._endpoint.post(headers, push.body) in _ACKNOWLEDGING
        except (Unanswered, TimeoutError, ValueError):
            # Refused, broken off, late, or attributes that are no headers: not acknowledged, like any 500.
            return False

    def _authorization(self, config: Any) -> dict[str, str]:
        if not config.HasField("oidc_token"):
            return {}
        audience = config.oidc_token.audience or config.push_endpoint
        token = self._signer.token(config.oidc_token.service_account_email, audience)
        return {"Authorization": f"Bearer {token}"}


def _longest_pause(config: Any) -> float:
    """With a retry policy messages wait one by one: a pause need be no longer than their first wait."""
    if not config.HasField("retry_policy"):
        return LONGEST_PAUSE_SECONDS
    least = config.retry_policy.minimum_backoff.ToTimedelta().total_seconds()
    return float(min(least, LONGEST_PAUSE_SECONDS))


def _largest_window() -> int:
    """Each push has a connection, and both its ends are files of this process when it pushes to itself."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return _LARGEST_WINDOW
    return max(1, min(_LARGEST_WINDOW, (files - _RESERVED_FILES) // 3))
