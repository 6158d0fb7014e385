"""Topics, subscriptions and what is published: the semantics of Pub/Sub, behind every call of the API.

It knows no gRPC stream and no HTTP; those ask it for messages and tell it their fate. What it promises
is on disk before it answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from exposure.local.pubsub import limits
from exposure.local.pubsub.delivery import Delivery, DeliveryQueue, Lease
from exposure.local.pubsub.refusal import already_exists, invalid, not_found
from exposure.local.pubsub.storage import Change, Storage
from exposure.local.pubsub.wire import PubsubMessage, Subscription, Topic

DELETED_TOPIC = "_deleted-topic_"
_PUT = {
    "topics": "INSERT OR REPLACE INTO topics VALUES (?, ?)",
    "subscriptions": "INSERT OR REPLACE INTO subscriptions VALUES (?, ?)",
}


class Broker:
    """All state of the server. Lives on one event loop; `clock` is seconds since the epoch."""

    def __init__(self, storage: Storage, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._storage = storage
        self.topics: dict[str, Any] = {}
        self.subscriptions: dict[str, DeliveryQueue] = {}
        self._holders: dict[int, int] = {}
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
        """Store a topic as it is."""
        self.topics[topic.name] = topic
        await self._storage.commit(_put("topics", topic))

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
            Change("DELETE FROM topics WHERE name = ?", (name,)),
            *(_put("subscriptions", queue.config) for queue in orphans),
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
            self.subscriptions[config.name] = DeliveryQueue(config)
        else:
            known.config = config
        await self._storage.commit(_put("subscriptions", config))
        self._announce(config.name)

    def subscription(self, name: str) -> DeliveryQueue:
        """Return the subscription; raises Refusal."""
        limits.check_name("subscriptions", name)
        if name not in self.subscriptions:
            raise not_found(name)
        return self.subscriptions[name]

    async def delete_subscription(self, name: str) -> None:
        """Delete the subscription and its backlog."""
        self.subscription(name)
        del self.subscriptions[name]
        self._announce(name)
        await self._storage.commit(
            Change("DELETE FROM subscriptions WHERE name = ?", (name,)),
            Change("DELETE FROM deliveries WHERE subscription = ?", (name,)),
            Change("DELETE FROM messages WHERE sequence NOT IN (SELECT sequence FROM deliveries)", ()),
        )

    # -- messages

    async def publish(self, topic: str, messages: Iterable[Any]) -> list[str]:
        """Return the ids of the messages once they are on disk; raises Refusal."""
        self.topic(topic)
        messages = list(messages)
        limits.check_publish(messages)
        return await self._publish(topic, messages)

    def take(self, name: str, most: int, most_bytes: float, deadline_seconds: float) -> list[Lease]:
        """Lease up to `most` messages; raises Refusal."""
        return self.subscription(name).take(most, most_bytes, self.clock(), deadline_seconds)

    def acknowledge(self, name: str, ack_ids: Iterable[str]) -> None:
        """Forget the messages; ids of ended leases are ignored, as without exactly-once delivery."""
        queue = self.subscription(name)
        done = [delivery for ack_id in ack_ids if (delivery := queue.acknowledge(ack_id))]
        self._drop(name, done)
        self._announce(name)

    def extend(self, name: str, ack_ids: Iterable[str], seconds: int) -> None:
        """Move deadlines `seconds` from now; 0 gives the messages back. Raises Refusal."""
        queue = self.subscription(name)
        if not 0 <= seconds <= limits.ACK_DEADLINES.stop - 1:
            raise invalid(f"An ack deadline has 0 to 600 seconds, this one {seconds}.")
        now = self.clock()
        for ack_id in ack_ids:
            if seconds:
                queue.extend(ack_id, now + seconds)
            elif delivery := queue.fail(ack_id, now):
                self._failed(queue, delivery)
        self._announce(name)

    def wake(self) -> None:
        """Do what has become due: retries, expired ack deadlines, the end of a message's retention."""
        now = self.clock()
        for name, queue in list(self.subscriptions.items()):
            before = queue.available
            self._drop(name, queue.outdated(now))
            for delivery in queue.wake(now):
                self._failed(queue, delivery)
            if queue.available != before:
                self._announce(name)

    def changed(self, name: str) -> asyncio.Event:
        """Return the event set at the subscription's next change; it is a new one after each."""
        return self._changed.setdefault(name, asyncio.Event())

    async def close(self) -> None:
        """Put on disk what is not there yet."""
        await asyncio.gather(*self._burials)
        await self._storage.close()

    def _announce(self, name: str) -> None:
        event = self._changed.pop(name, None)
        if event is not None:
            event.set()

    async def _publish(self, topic: str, messages: list[Any]) -> list[str]:
        now = self.clock()
        receivers = [queue for queue in self.subscriptions.values() if queue.config.topic == topic]
        changes: list[Change] = []
        accepted: list[tuple[DeliveryQueue, Delivery]] = []
        for message in messages:
            self._sequence += 1
            message.message_id = str(self._sequence)
            message.publish_time.FromNanoseconds(int(now * 1e6) * 1000)
            matching = [queue for queue in receivers if queue.matches(message.attributes)]
            accepted.extend((queue, Delivery(self._sequence, message)) for queue in matching)
            changes.extend(self._hold(message, matching))
        await self._storage.commit(*changes)
        for queue, delivery in accepted:
            queue.add(delivery)
        for queue in receivers:
            self._announce(queue.config.name)
        return [message.message_id for message in messages]

    def _hold(self, message: Any, queues: list[DeliveryQueue]) -> Iterable[Change]:
        if not queues:
            return
        self._holders[self._sequence] = len(queues)
        yield Change("INSERT INTO messages VALUES (?, ?)", (self._sequence, message.SerializeToString()))
        for queue in queues:
            yield Change("INSERT INTO deliveries VALUES (?, ?, 0)", (queue.config.name, self._sequence))

    def _drop(self, name: str, deliveries: Iterable[Delivery]) -> None:
        changes: list[Change] = []
        for delivery in deliveries:
            one = (name, delivery.sequence)
            changes.append(Change("DELETE FROM deliveries WHERE subscription = ? AND sequence = ?", one))
            self._holders[delivery.sequence] -= 1
            if not self._holders[delivery.sequence]:
                del self._holders[delivery.sequence]
                changes.append(Change("DELETE FROM messages WHERE sequence = ?", (delivery.sequence,)))
        if changes:
            self._storage.later(*changes)

    def _failed(self, queue: DeliveryQueue, delivery: Delivery) -> None:
        name = queue.config.name
        if queue.is_dead(delivery):
            self._bury(queue, delivery)
            return
        row = (delivery.attempts, name, delivery.sequence)
        self._storage.later(
            Change("UPDATE deliveries SET attempts = ? WHERE subscription = ? AND sequence = ?", row)
        )

    def _bury(self, queue: DeliveryQueue, delivery: Delivery) -> None:
        """Forward a message that used up its attempts to the dead-letter topic, then forget it."""
        topic = queue.config.dead_letter_policy.dead_letter_topic
        if topic not in self.topics:
            return
        queue.forget(delivery)
        burial = asyncio.create_task(self._forward(queue.config, topic, delivery))
        self._burials.add(burial)
        burial.add_done_callback(self._burials.discard)

    async def _forward(self, config: Any, topic: str, delivery: Delivery) -> None:
        _, project, _, subscription = config.name.split("/")
        copy = PubsubMessage()
        copy.CopyFrom(delivery.message)
        copy.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] = str(delivery.attempts)
        copy.attributes["CloudPubSubDeadLetterSourceSubscription"] = subscription
        copy.attributes["CloudPubSubDeadLetterSourceSubscriptionProject"] = project
        copy.attributes["CloudPubSubDeadLetterSourceTopicPublishTime"] = (
            delivery.message.publish_time.ToJsonString()
        )
        await self._publish(topic, [copy])
        self._drop(config.name, [delivery])

    def _load(self) -> None:
        for stored in self._storage.topics():
            topic = Topic.FromString(stored)
            self.topics[topic.name] = topic
        for stored in self._storage.subscriptions():
            config = Subscription.FromString(stored)
            self.subscriptions[config.name] = DeliveryQueue(config)
        for name, sequence, attempts, stored in self._storage.backlog():
            delivery = Delivery(sequence, PubsubMessage.FromString(stored), attempts)
            self.subscriptions[name].add(delivery)
            self._holders[sequence] = self._holders.get(sequence, 0) + 1


def _put(table: str, config: Any) -> Change:
    return Change(_PUT[table], (config.name, config.SerializeToString()))
