"""One subscription's messages: which are waiting, which are leased until when, which wait for a retry.

Pure and driven by the clock it is handed: no task, no timer, no disk. Per ordering key one message is
out at a time, so a failed message holds back all later ones of its key.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from exposure.local.pubsub.filter import Predicate, parse_filter
from exposure.local.pubsub.wire import ReceivedMessage


@dataclass(eq=False)
class Delivery:
    """One message on its way through one subscription. `attempts` counts nacks and expired deadlines."""

    sequence: int
    message: Any
    attempts: int = 0

    @property
    def size_bytes(self) -> int:
        """Return what flow control counts."""
        return int(self.message.ByteSize())


@dataclass(eq=False)
class Lease:
    """A delivery handed out until `deadline`. `ended` is called once, when it is acked or fails."""

    ack_id: str
    delivery: Delivery
    deadline: float
    ended: Callable[[Lease], None] | None = None


@dataclass(eq=False)
class _Key:
    waiting: deque[Delivery] = field(default_factory=deque)
    is_out: bool = False


class DeliveryQueue:
    """The state of one subscription. Every method takes the present as `now`, in seconds."""

    def __init__(self, config: Any) -> None:
        self.config = config
        self.matches: Predicate = parse_filter(config.filter)
        self._available: deque[Delivery] = deque()
        self._delayed: list[tuple[float, int, Delivery]] = []
        self._leases: dict[str, Lease] = {}
        self._deadlines: list[tuple[float, str]] = []
        self._keys: dict[str, _Key] = {}
        self._leased = 0
        self._size = 0

    def __len__(self) -> int:
        """Return how many messages are not acknowledged."""
        return self._size

    @property
    def available(self) -> int:
        """Return how many messages could be handed out now."""
        return len(self._available)

    def add(self, delivery: Delivery) -> None:
        """Accept a message that matches the filter."""
        self._size += 1
        key = self._key(delivery)
        if key is None or not (key.is_out or key.waiting):
            self._available.append(delivery)
        if key is not None:
            key.waiting.append(delivery)

    def take(self, most: int, most_bytes: float, now: float, deadline_seconds: float) -> list[Lease]:
        """Hand out messages, `most` at most; at least one if any, however large it is."""
        leases: list[Lease] = []
        taken_bytes = 0
        while self._available and len(leases) < most:
            taken_bytes += self._available[0].size_bytes
            if leases and taken_bytes > most_bytes:
                break
            delivery = self._available.popleft()
            key = self._key(delivery)
            if key is not None:
                key.is_out = True
            leases.append(self._lease(delivery, now + deadline_seconds))
        return leases

    def acknowledge(self, ack_id: str) -> Delivery | None:
        """Forget the message; None when the lease had ended already."""
        lease = self._end(ack_id)
        if lease is None:
            return None
        self._size -= 1
        self._release_key(lease.delivery)
        return lease.delivery

    def extend(self, ack_id: str, deadline: float) -> bool:
        """Move a lease's deadline; False when the lease had ended already."""
        lease = self._leases.get(ack_id)
        if lease is None:
            return False
        lease.deadline = deadline
        heapq.heappush(self._deadlines, (deadline, ack_id))
        return True

    def fail(self, ack_id: str, now: float) -> Delivery | None:
        """End a lease without acknowledgement; the message waits for its retry."""
        lease = self._end(ack_id)
        if lease is None:
            return None
        delivery = lease.delivery
        delivery.attempts += 1
        wait = self._backoff(delivery.attempts)
        if wait > 0:
            heapq.heappush(self._delayed, (now + wait, delivery.sequence, delivery))
        else:
            self._return(delivery)
        return delivery

    def forget(self, delivery: Delivery) -> None:
        """Drop a message that is not leased: it became a dead letter or outlived its retention."""
        self._size -= 1
        if delivery in self._available:
            self._available.remove(delivery)
        self._delayed = [entry for entry in self._delayed if entry[2] is not delivery]
        heapq.heapify(self._delayed)
        self._release_key(delivery)

    def wake(self, now: float) -> Iterator[Delivery]:
        """Make due retries available and fail expired leases; yield each delivery whose lease expired."""
        while self._delayed and self._delayed[0][0] <= now:
            self._return(heapq.heappop(self._delayed)[2])
        while self._deadlines and self._deadlines[0][0] <= now:
            _, ack_id = heapq.heappop(self._deadlines)
            lease = self._leases.get(ack_id)
            # A deadline that was moved has a later entry of its own.
            if lease is not None and lease.deadline <= now:
                failed = self.fail(ack_id, now)
                if failed is not None:
                    yield failed

    def outdated(self, now: float) -> Iterator[Delivery]:
        """Forget the messages that have waited longer than they are retained; yield each."""
        oldest = now - self.config.message_retention_duration.ToTimedelta().total_seconds()
        while self._available and self._available[0].message.publish_time.ToNanoseconds() / 1e9 < oldest:
            delivery = self._available[0]
            self.forget(delivery)
            yield delivery

    def attempt(self, delivery: Delivery) -> int:
        """Return the attempt to tell the receiver: counted only where there is a dead-letter policy."""
        return delivery.attempts + 1 if self.config.HasField("dead_letter_policy") else 0

    def received(self, lease: Lease) -> Any:
        """Return the leased message as a puller receives it."""
        attempt = self.attempt(lease.delivery)
        return ReceivedMessage(ack_id=lease.ack_id, message=lease.delivery.message, delivery_attempt=attempt)

    def is_dead(self, delivery: Delivery) -> bool:
        """Tell whether the message has used up its attempts."""
        policy = self.config.dead_letter_policy
        return bool(policy.dead_letter_topic) and delivery.attempts >= policy.max_delivery_attempts

    def _lease(self, delivery: Delivery, deadline: float) -> Lease:
        self._leased += 1
        lease = Lease(f"{self.config.name}:{self._leased}", delivery, deadline)
        self._leases[lease.ack_id] = lease
        heapq.heappush(self._deadlines, (deadline, lease.ack_id))
        return lease

    def _end(self, ack_id: str) -> Lease | None:
        lease = self._leases.pop(ack_id, None)
        if lease is not None and lease.ended is not None:
            lease.ended(lease)
        return lease

    def _return(self, delivery: Delivery) -> None:
        # In front: it is older than what waits, and its key's later messages must stay behind it.
        self._available.appendleft(delivery)

    def _key(self, delivery: Delivery) -> _Key | None:
        name = delivery.message.ordering_key
        if not (name and self.config.enable_message_ordering):
            return None
        return self._keys.setdefault(name, _Key())

    def _release_key(self, delivery: Delivery) -> None:
        key = self._key(delivery)
        if key is None:
            return
        key.waiting.remove(delivery)
        key.is_out = False
        if key.waiting:
            self._available.append(key.waiting[0])
        else:
            del self._keys[delivery.message.ordering_key]

    def _backoff(self, attempts: int) -> float:
        if not self.config.HasField("retry_policy"):
            return 0.0
        policy = self.config.retry_policy
        least = policy.minimum_backoff.ToTimedelta().total_seconds()
        most = policy.maximum_backoff.ToTimedelta().total_seconds()
        return float(min(most, least * 2 ** min(attempts - 1, 30)))
