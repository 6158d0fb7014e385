"""Topics, subscriptions and what is published: the semantics of Pub/Sub, behind every call of the API.

It knows no gRPC stream and no HTTP; those ask it for messages and tell it their fate. What it promises
is on disk before it answers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from exposure.local.pubsub import limits, statements
from exposure.local.pubsub.dead_letters import dead_letter
from exposure.local.pubsub.delivery import DeliveryQueue
from exposure.local.pubsub.lease import Delivery, Demand, Lease, Stored
from exposure.local.pubsub.refusal import already_exists, invalid, not_found
from exposure.local.pubsub.storage import Change, Storage, StorageFailed
from exposure.local.pubsub.wire import PubsubMessage, Subscription, Topic

DELETED_TOPIC = "_deleted-topic_"
_log = logging.getLogger(__name__)


class Broker:
    """All state of the server. Lives on one event loop; `clock` is seconds since the epoch."""

    def __init__(self, storage: Storage, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._storage = storage
        self.topics: dict[str, Any] = {}
        self.subscriptions: dict[str, DeliveryQueue] = {}
        self._changed: dict[str, asyncio.Event] = {}
        # Message ids are never used twice, also after a restart with an empty disk.
        self._sequence = max(storage.last_sequence(), int(clock() * 1e6))
        self._burials: set[asyncio.Task[None]] = set()
        self._load()

    # -- topics and subscriptions

    async def create_topic(self, topic: Any) -> None:
        """Store a new topic; raises Refusal."""
        limits.check_topic(topic)
        if topic.name in self.topics:
            raise already_exists(topic.name)
        await self.put_topic(topic)

    async def put_topic(self, topic: Any) -> None:
        """Store a topic, new or changed; raises Refusal."""
        limits.check_topic(topic)
        self.topics[topic.name] = topic
        await self._storage.commit(statements.put("topics", topic))

    def topic(self, name: str) -> Any:
        """Return the topic; raises Refusal."""
        limits.check_name("topics", name)
        if name not in self.topics:
            raise not_found(name)
        return self.topics[name]

    async def delete_topic(self, name: str) -> None:
        """Delete the topic; its subscriptions stay and deliver what they have."""
        self.topic(name)
        del self.topics[name]
        orphans = [queue for queue in self.subscriptions.values() if queue.config.topic == name]
        for queue in orphans:
            queue.config.topic = DELETED_TOPIC
        await self._storage.commit(
            statements.delete_topic(name),
            *(statements.put("subscriptions", queue.config) for queue in orphans),
        )

    async def create_subscription(self, config: Any) -> None:
        """Store a new subscription; it receives what is published from now on. Raises Refusal."""
        limits.check_subscription(config)
        if config.name in self.subscriptions:
            raise already_exists(config.name)
        await self.put_subscription(config)

    async def put_subscription(self, config: Any) -> None:
        """Store a subscription, new or changed; its messages stay. Raises Refusal."""
        limits.check_subscription(config)
        if config.topic != DELETED_TOPIC:
            self.topic(config.topic)
        if config.HasField("dead_letter_policy"):
            self.topic(config.dead_letter_policy.dead_letter_topic)
        known = self.subscriptions.get(config.name)
        if known is None:
            self.subscriptions[config.name] = self._queue(config)
        else:
            known.reconfigure(config)
        await self._storage.commit(statements.put("subscriptions", config))
        self._announce(config.name)

    def subscription(self, name: str) -> DeliveryQueue:
        """Return the subscription; raises Refusal."""
        limits.check_name("subscriptions", name)
        if name not in self.subscriptions:
            raise not_found(name)
        return self.subscriptions[name]

    async def delete_subscription(self, name: str) -> None:
        """Delete the subscription and its backlog."""
        queue = self.subscription(name)
        del self.subscriptions[name]
        self._announce(name)
        await self._storage.commit(*statements.delete_subscription(name), *statements.drop(name, queue))

    def backlog(self, name: str) -> int:
        """Return how many messages of the subscription are not acknowledged; raises Refusal."""
        return len(self.subscription(name))

    # -- messages

    async def publish(self, topic: str, messages: Sequence[Any]) -> list[str]:
        """Return the ids of the messages once they are on disk; raises Refusal or StorageFailed."""
        self.topic(topic)
        limits.check_publish(messages)
        return await self._publish(topic, messages)

    def take(self, name: str, demand: Demand) -> list[Lease]:
        """Lease messages; raises Refusal."""
        return self.subscription(name).take(demand, self.clock())

    def acknowledge(self, name: str, ack_ids: Iterable[str]) -> None:
        """Forget the messages; ids of ended leases are ignored, as without exactly-once delivery."""
        queue = self.subscription(name)
        now = self.clock()
        for ack_id in ack_ids:
            self._drop(name, queue.acknowledge(ack_id, now))
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
        await asyncio.gather(*self._burials)
        await self._storage.close()

    def _announce(self, name: str) -> None:
        event = self._changed.pop(name, None)
        if event is not None:
            event.set()

    def _queue(self, config: Any) -> DeliveryQueue:
        return DeliveryQueue(config, self.topics.__contains__)

    async def _publish(self, topic: str, messages: Sequence[Any], *with_them: Change) -> list[str]:
        now = self.clock()
        receivers = [queue for queue in self.subscriptions.values() if queue.config.topic == topic]
        changes = list(with_them)
        accepted: list[tuple[DeliveryQueue, Delivery]] = []
        for message in messages:
            stored = self._stamp(message, now)
            matching = [queue for queue in receivers if queue.matches(message.attributes)]
            if matching:
                stored.holders = len(matching)
                accepted.extend((queue, Delivery(stored)) for queue in matching)
                changes.extend(statements.hold(stored, (queue.config.name for queue in matching)))
        await self._storage.commit(*changes)
        self._add(accepted)
        for queue in receivers:
            self._announce(queue.config.name)
        return [message.message_id for message in messages]

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
        changes = list(statements.drop(name, deliveries))
        if changes:
            self._storage.later(*changes)

    def _failed(self, queue: DeliveryQueue, delivery: Delivery) -> None:
        if queue.is_dead(delivery):
            burial = asyncio.create_task(self._bury(queue.config, delivery))
            self._burials.add(burial)
            burial.add_done_callback(self._burials.discard)
        else:
            self._storage.later(statements.count_attempt(queue.config.name, delivery))

    async def _bury(self, config: Any, delivery: Delivery) -> None:
        """Forward a message to its dead-letter topic and forget it, in one commit."""
        copy = dead_letter(config.name, delivery)
        done = statements.drop(config.name, [delivery])
        try:
            await self._publish(config.dead_letter_policy.dead_letter_topic, [copy], *done)
        except StorageFailed as error:
            _log.error("a dead letter of %s is kept where it was until a restart: %s", config.name, error)

    def _load(self) -> None:
        for stored_topic in self._storage.topics():
            topic = Topic.FromString(stored_topic)
            self.topics[topic.name] = topic
        for stored_config in self._storage.subscriptions():
            config = Subscription.FromString(stored_config)
            self.subscriptions[config.name] = self._queue(config)
        now = self.clock()
        stored: Stored | None = None
        for name, sequence, attempts, content in self._storage.backlog():
            if stored is None or stored.sequence != sequence:
                stored = Stored(sequence, PubsubMessage.FromString(content), len(content))
            stored.holders += 1
            self.subscriptions[name].add(Delivery(stored, attempts), now)
