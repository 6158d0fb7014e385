"""One subscription's messages: which are waiting, which are leased until when, which wait for a retry.

Pure and driven by the clock it is handed: no task, no timer, no disk. Ordering keys are in ordering.py.
"""

from __future__ import annotations

import heapq
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from exposure.local.pubsub.deadlines import Deadlines
from exposure.local.pubsub.filter import Predicate, parse_filter
from exposure.local.pubsub.lease import Delivery, Demand, Lease
from exposure.local.pubsub.ordering import OrderedKey
from exposure.local.pubsub.refusal import invalid
from exposure.local.pubsub.retry import backoff_seconds, is_used_up
from exposure.local.pubsub.wire import ReceivedMessage


class DeliveryQueue:
    """The state of one subscription. Times are seconds; `can_bury` tells whether a topic exists."""

    def __init__(self, config: Any, can_bury: Callable[[str], bool]) -> None:
        self.config = config
        self.matches: Predicate = parse_filter(config.filter)
        self._can_bury = can_bury
        self._available: deque[Delivery | OrderedKey] = deque()
        self._delayed: list[tuple[float, int, Delivery | OrderedKey]] = []
        self._leases = Deadlines()
        self._keys: dict[str, OrderedKey] = {}
        self._counted = 0
        self._size = 0
        # An ack id of an earlier life of the server or the subscription must fit no lease of this one.
        self._life = secrets.token_hex(6)

    def __len__(self) -> int:
        """Return how many messages are not acknowledged."""
        return self._size

    def __iter__(self) -> Iterator[Delivery]:
        """Yield every message that is not acknowledged."""
        yield from (entry for entry in self._available if isinstance(entry, Delivery))
        yield from (entry for _, _, entry in self._delayed if isinstance(entry, Delivery))
        yield from (lease.delivery for lease in self._leases if self._key_name(lease.delivery) is None)
        for key in self._keys.values():
            yield from (lease.delivery for lease in key.out)
            yield from key.waiting

    def check_change(self, config: Any) -> None:
        """Raise the refusal of a configuration that changes what is fixed when a subscription is made."""
        for name in ("filter", "enable_message_ordering"):
            if getattr(config, name) != getattr(self.config, name):
                raise invalid(f"The field '{name}' of a subscription cannot be changed.")

    @property
    def available(self) -> int:
        """Return how many messages and keys have something to hand out now."""
        return len(self._available)

    @property
    def next_bytes(self) -> int:
        """Return the size of the message that would be handed out first; 0 when there is none."""
        if not self._available:
            return 0
        entry = self._available[0]
        return (entry.waiting[0] if isinstance(entry, OrderedKey) else entry).size_bytes

    def add(self, delivery: Delivery, now: float) -> None:
        """Accept a message that matches the filter."""
        self._size += 1
        name = self._key_name(delivery)
        if name is None:
            self._available.append(delivery)
            return
        key = self._keys.setdefault(name, OrderedKey(name))
        key.waiting.append(delivery)
        if key.can_be_offered(now):
            key.is_offered = True
            self._available.append(key)

    def take(self, demand: Demand, now: float) -> list[Lease]:
        """Hand out messages, as many as are demanded at most; at least one if any, however large it is."""
        leases: list[Lease] = []
        room_bytes = demand.most_bytes
        while self._available and len(leases) < demand.most:
            if leases and self.next_bytes > room_bytes:
                break
            entry = self._available.popleft()
            for delivery in self._batch(entry, demand, len(leases), room_bytes):
                room_bytes -= delivery.size_bytes
                leases.append(self._lease(delivery, now + demand.deadline_seconds))
        return leases

    def acknowledge(self, ack_id: str, now: float) -> list[Delivery]:
        """Return the messages that are done with: none when the lease had ended already.

        With an ordering key those after an unacknowledged one are not done with, and come with it later.
        """
        lease = self._leases.end(ack_id)
        if lease is None:
            return []
        key = self._key(lease.delivery)
        if key is None:
            self._size -= 1
            return [lease.delivery]
        lease.is_acknowledged = True
        settled = key.settle()
        self._size -= len(settled)
        self._offer(key, now)
        return settled

    def extend(self, ack_id: str, deadline: float) -> bool:
        """Move a lease's deadline; False when the lease had ended already."""
        lease = self._leases.get(ack_id)
        if lease is None:
            return False
        self._leases.move(lease, deadline)
        return True

    def fail(self, ack_id: str, now: float) -> Delivery | None:
        """End a lease without acknowledgement; None when it had ended already.

        The message waits for its retry, unless it is dead: then it is forgotten here.
        """
        lease = self._leases.end(ack_id)
        if lease is None:
            return None
        delivery = lease.delivery
        delivery.attempts += 1
        dead = self.is_dead(delivery)
        if dead:
            self._size -= 1
        due = now + backoff_seconds(self.config, delivery.attempts)
        key = self._key(delivery)
        if key is not None:
            self._fail_ordered(key, lease, now if dead else due, now)
        elif not dead:
            self._retry(delivery, due, now)
        return delivery

    def wake(self, now: float) -> list[Delivery]:
        """Make due retries available and fail expired leases; return the messages of those leases."""
        while self._delayed and self._delayed[0][0] <= now:
            _, _, entry = heapq.heappop(self._delayed)
            if isinstance(entry, OrderedKey):
                self._offer(entry, now)
            else:
                self._available.appendleft(entry)
        failed = [self.fail(lease.ack_id, now) for lease in self._leases.expired(now)]
        return [delivery for delivery in failed if delivery is not None]

    def outdated(self, now: float) -> Iterator[Delivery]:
        """Forget the messages that have waited longer than they are retained; yield each."""
        oldest = now - self.config.message_retention_duration.ToTimedelta().total_seconds()
        while self._available:
            entry = self._available[0]
            delivery = entry.waiting[0] if isinstance(entry, OrderedKey) else entry
            if delivery.message.publish_time.ToNanoseconds() / 1e9 >= oldest:
                return
            self._available.popleft()
            self._size -= 1
            if isinstance(entry, OrderedKey):
                entry.is_offered = False
                entry.waiting.popleft()
                self._offer(entry, now)
            yield delivery

    def attempt(self, delivery: Delivery) -> int:
        """Return the attempt to tell the receiver: counted only where there is a dead-letter policy."""
        return delivery.attempts + 1 if self.config.HasField("dead_letter_policy") else 0

    def received(self, lease: Lease) -> Any:
        """Return the leased message as a puller receives it."""
        attempt = self.attempt(lease.delivery)
        return ReceivedMessage(ack_id=lease.ack_id, message=lease.delivery.message, delivery_attempt=attempt)

    def is_dead(self, delivery: Delivery) -> bool:
        """Tell whether the message has used up its attempts and there is a topic for it to go to."""
        policy = self.config.dead_letter_policy
        return is_used_up(policy, delivery.attempts) and self._can_bury(policy.dead_letter_topic)

    def _batch(
        self, entry: Delivery | OrderedKey, demand: Demand, taken: int, room_bytes: float
    ) -> Iterator[Delivery]:
        if isinstance(entry, Delivery):
            yield entry
            return
        entry.is_offered = False
        for number in range(min(demand.per_key, demand.most - taken, len(entry.waiting))):
            size_bytes = entry.waiting[0].size_bytes
            if number and size_bytes > room_bytes:
                return
            room_bytes -= size_bytes
            yield entry.waiting.popleft()

    def _lease(self, delivery: Delivery, deadline: float) -> Lease:
        self._counted += 1
        lease = Lease(f"{self._life}-{self._counted}", delivery, deadline)
        self._leases.add(lease)
        key = self._key(delivery)
        if key is not None:
            key.out.append(lease)
        return lease

    def _retry(self, delivery: Delivery, due: float, now: float) -> None:
        if due > now:
            heapq.heappush(self._delayed, (due, delivery.sequence, delivery))
        else:
            # In front: it is older than what waits.
            self._available.appendleft(delivery)

    def _fail_ordered(self, key: OrderedKey, lease: Lease, due: float, now: float) -> None:
        for later in key.take_back(lease):
            self._leases.end(later.ack_id)
        if not self.is_dead(lease.delivery):
            key.put_in_front([lease.delivery])
        key.due = max(key.due, due)
        if key.due > now:
            heapq.heappush(self._delayed, (key.due, lease.delivery.sequence, key))
        self._offer(key, now)

    def _offer(self, key: OrderedKey, now: float) -> None:
        if key.can_be_offered(now):
            key.is_offered = True
            # In front: its messages are older than what waits.
            self._available.appendleft(key)
        elif key.is_idle and self._keys.get(key.name) is key:
            del self._keys[key.name]

    def _key_name(self, delivery: Delivery) -> str | None:
        name = delivery.message.ordering_key
        return name if name and self.config.enable_message_ordering else None

    def _key(self, delivery: Delivery) -> OrderedKey | None:
        name = self._key_name(delivery)
        return None if name is None else self._keys[name]
