"""Topics, subscriptions and what is published: the semantics of Pub/Sub, behind every call of the API.

It knows no gRPC stream and no HTTP; those ask it for messages and tell it their fate. What it promises
is on disk before it answers, and before it acts on it: a full disk must not part the two.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from exposure.local.pubsub import limits, statements
from exposure.local.pubsub.configuration import Configuration
from exposure.local.pubsub.dead_letters import dead_letter
from exposure.local.pubsub.delivery import DeliveryQueue
from exposure.local.pubsub.held import MOST_BYTES, HeldMessages
from exposure.local.pubsub.lease import Delivery, Demand, Lease, Stored
from exposure.local.pubsub.refusal import invalid
from exposure.local.pubsub.storage import Change, Storage, StorageFailed

_log = logging.getLogger(__name__)
_Placed = list[tuple[Stored, list[DeliveryQueue]]]


class Broker:
    """All state of the server. Lives on one event loop; `clock` is seconds since the epoch.

    Publishing is refused while what is not acknowledged takes `most_bytes` of memory.
    """

    def __init__(
        self, storage: Storage, clock: Callable[[], float] = time.time, most_bytes: int = MOST_BYTES
    ) -> None:
        self.clock = clock
        self._storage = storage
        self._configuration = Configuration(storage)
        self.topics, self.subscriptions = self._configuration.topics, self._configuration.subscriptions
        self._changed: dict[str, asyncio.Event] = {}
        # Message ids are never used twice, also after a restart with an empty disk.
        self._sequence = max(storage.last_sequence(), int(clock() * 1e6))
        self._held = HeldMessages(most_bytes)
        self._under_way: set[asyncio.Task[None]] = set()
        self._load()

    # -- topics and subscriptions

    async def create_topic(self, topic: Any) -> None:
        """Store a new topic; raises Refusal."""
        await self._to_the_end(self._configuration.put_topic(topic, is_new=True))

    async def put_topic(self, topic: Any) -> None:
        """Store a topic, new or changed; raises Refusal."""
        await self._to_the_end(self._configuration.put_topic(topic, is_new=False))

    def topic(self, name: str) -> Any:
        """Return the topic; raises Refusal."""
        return self._configuration.topic(name)

    async def delete_topic(self, name: str) -> None:
        """Delete the topic; its subscriptions stay and deliver what they have."""
        await self._to_the_end(self._configuration.delete_topic(name))

    async def create_subscription(self, config: Any) -> None:
        """Store a new subscription; it receives what is published from now on. Raises Refusal."""
        await self._to_the_end(self._put_subscription(config, is_new=True))

    async def put_subscription(self, config: Any) -> None:
        """Store a subscription, new or changed; its messages stay. Raises Refusal."""
        await self._to_the_end(self._put_subscription(config, is_new=False))

    def subscription(self, name: str) -> DeliveryQueue:
        """Return the subscription; raises Refusal."""
        return self._configuration.subscription(name)

    async def delete_subscription(self, name: str) -> None:
        """Delete the subscription and its backlog."""
        await self._to_the_end(self._delete_subscription(name))

    def backlog(self, name: str) -> int:
        """Return how many messages of the subscription are not acknowledged; raises Refusal."""
        return len(self.subscription(name))

    # -- messages

    async def publish(self, topic: str, messages: Sequence[Any]) -> list[str]:
        """Return the ids of the messages once they are on disk; raises Refusal or StorageFailed."""
        self.topic(topic)
        limits.check_publish(messages)
        placed = self._place(topic, messages)
        self._held.accept([stored for stored, _ in placed])
        if placed:
            await self._to_the_end(self._store(placed))
        return [message.message_id for message in messages]

    def take(self, name: str, demand: Demand) -> list[Lease]:
        """Lease messages; raises Refusal."""
        return self.subscription(name).take(demand, self.clock())

    def acknowledge(self, name: str, ack_ids: Iterable[str]) -> None:
        """Forget the messages; ids of ended leases are ignored, as without exactly-once delivery."""
        queue = self.subscription(name)
        now = self.clock()
        self._drop(name, [done for ack_id in ack_ids for done in queue.acknowledge(ack_id, now)])
        self._announce(name)

    def extend(self, name: str, ack_ids: Iterable[str], seconds: int) -> None:
        """Move deadlines `seconds` from now; 0 gives the messages back. Raises Refusal."""
        queue = self.subscription(name)
        if not 0 <= seconds <= limits.ACK_DEADLINES.stop - 1:
            raise invalid(f"An ack deadline has 0 to 600 seconds, this one {seconds}.")
        now = self.clock()
        if seconds:
            for ack_id in ack_ids:
                queue.extend(ack_id, now + seconds)
            return
        for ack_id in ack_ids:
            if delivery := queue.fail(ack_id, now):
                self._failed(queue, delivery)
        self._announce(name)

    def wake(self) -> None:
        """Do what has become due: retries, expired ack deadlines, the end of a message's retention."""
        now = self.clock()
        for name, queue in list(self.subscriptions.items()):
            before = queue.available
            self._drop(name, queue.outdated(now))
            failed = queue.wake(now)
            for delivery in failed:
                self._failed(queue, delivery)
            if failed or queue.available != before:
                self._announce(name)

    def changed(self, name: str) -> asyncio.Event:
        """Return the event set at the subscription's next change; it is a new one after each."""
        return self._changed.setdefault(name, asyncio.Event())

    def announce_all(self) -> None:
        """Let everyone who waits for a change look again."""
        for name in list(self._changed):
            self._announce(name)

    async def close(self) -> None:
        """Put on disk what is not there yet."""
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._storage.close()

    def _announce(self, name: str) -> None:
        event = self._changed.pop(name, None)
        if event is not None:
            event.set()

    async def _to_the_end(self, work: Coroutine[Any, Any, None]) -> None:
        """Finish the work also when its caller leaves in the middle: disk and memory must not part."""
        await asyncio.shield(self._start(work))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _put_subscription(self, config: Any, *, is_new: bool) -> None:
        await self._configuration.put_subscription(config, is_new=is_new)
        self._announce(config.name)

    async def _delete_subscription(self, name: str) -> None:
        queue = await self._configuration.delete_subscription(name)
        self._announce(name)
        self._release(queue)

    def _place(self, topic: str, messages: Iterable[Any]) -> _Placed:
        """Give each message its id, and the subscriptions that want it; the others are not kept."""
        now = self.clock()
        receivers = [queue for queue in self.subscriptions.values() if queue.config.topic == topic]
        placed: _Placed = []
        for message in messages:
            stored = self._stamp(message, now)
            matching = [queue for queue in receivers if queue.matches(message.attributes)]
            stored.holders = len(matching)
            if matching:
                placed.append((stored, matching))
        return placed

    async def _store(self, placed: _Placed, *with_them: Change) -> None:
        messages = [stored for stored, _ in placed]
        changes = list(with_them)
        for stored, queues in placed:
            changes.extend(statements.hold(stored, (queue.config.name for queue in queues)))
        try:
            await self._storage.commit(*changes)
        except StorageFailed:
            self._held.forget(messages)
            raise
        self._add((queue, Delivery(stored)) for stored, queues in placed for queue in queues)
        for name in {queue.config.name for _, queues in placed for queue in queues}:
            self._announce(name)

    def _stamp(self, message: Any, now: float) -> Stored:
        self._sequence += 1
        message.message_id = str(self._sequence)
        message.publish_time.FromMicroseconds(int(now * 1e6))
        return Stored(self._sequence, message, message.ByteSize())

    def _add(self, accepted: Iterable[tuple[DeliveryQueue, Delivery]]) -> None:
        now = self.clock()
        for queue, delivery in accepted:
            if self.subscriptions.get(queue.config.name) is queue:
                queue.add(delivery, now)
            else:
                # The subscription was deleted while the message was on its way to the disk.
                self._drop(queue.config.name, [delivery])

    def _drop(self, name: str, deliveries: Iterable[Delivery]) -> None:
        gone = list(deliveries)
        if gone:
            self._storage.later(*(statements.leave(name, delivery) for delivery in gone))
            self._release(gone)

    def _release(self, deliveries: Iterable[Delivery]) -> None:
        """Forget the messages that have no other holder."""
        unheld = [delivery.stored for delivery in deliveries if self._held.release(delivery.stored)]
        if unheld:
            self._storage.later(*map(statements.forget, unheld))

    def _failed(self, queue: DeliveryQueue, delivery: Delivery) -> None:
        if queue.is_dead(delivery):
            self._start(self._bury(queue.config, delivery))
        else:
            self._storage.later(statements.count_attempt(queue.config.name, delivery))

    async def _bury(self, config: Any, delivery: Delivery) -> None:
        """Forward a message to its dead-letter topic and forget it, in one commit."""
        copy = dead_letter(config.name, delivery)
        placed = self._place(config.dead_letter_policy.dead_letter_topic, [copy])
        self._held.hold(stored for stored, _ in placed)
        try:
            await self._store(placed, statements.leave(config.name, delivery))
        except StorageFailed as error:
            _log.error("a dead letter of %s is kept where it was until a restart: %s", config.name, error)
        else:
            self._release([delivery])

    def _load(self) -> None:
        now = self.clock()
        stored: Stored | None = None
        unknown: Counter[str] = Counter()
        for name, sequence, attempts, content in self._storage.backlog():
            queue = self.subscriptions.get(name)
            if queue is None:
                unknown[name] += 1
                continue
            if stored is None or stored.sequence != sequence:
                stored = Stored(sequence, self._storage.message(content), len(content))
                self._held.hold([stored])
            stored.holders += 1
            queue.add(Delivery(stored, attempts), now)
        for name, count in unknown.items():
            _log.warning("%d messages are dropped: their subscription %s does not exist", count, name)
            self._storage.later(statements.empty_subscription(name))
        self._storage.later(*statements.sweep())
