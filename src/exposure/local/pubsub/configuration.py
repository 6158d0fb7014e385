"""Which topics and subscriptions there are: changed on disk first and in memory after, one at a time.

The other way round, a full disk would leave subscriptions in memory that the next start does not know.
It holds no message; the queues it makes do.
"""

from __future__ import annotations

import asyncio
from typing import Any

from exposure.local.pubsub import limits, statements
from exposure.local.pubsub.delivery import DeliveryQueue
from exposure.local.pubsub.refusal import already_exists, not_found
from exposure.local.pubsub.storage import Storage
from exposure.local.pubsub.wire import Subscription

DELETED_TOPIC = "_deleted-topic_"


class Configuration:
    """The topics and the subscriptions' queues by their full names, read from the disk when it is made."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._changing = asyncio.Lock()
        self.topics: dict[str, Any] = {}
        self.subscriptions: dict[str, DeliveryQueue] = {}
        for topic in storage.topics():
            self.topics[topic.name] = topic
        for config in storage.subscriptions():
            self.subscriptions[config.name] = self._queue(config)

    def topic(self, name: str) -> Any:
        """Return the topic; raises Refusal."""
        limits.check_name("topics", name)
        if name not in self.topics:
            raise not_found(name)
        return self.topics[name]

    def subscription(self, name: str) -> DeliveryQueue:
        """Return the subscription; raises Refusal."""
        limits.check_name("subscriptions", name)
        if name not in self.subscriptions:
            raise not_found(name)
        return self.subscriptions[name]

    async def put_topic(self, topic: Any, *, is_new: bool) -> None:
        """Keep a topic. Raises Refusal, also of a new one whose name is taken, or StorageFailed."""
        limits.check_topic(topic)
        async with self._changing:
            if is_new and topic.name in self.topics:
                raise already_exists(topic.name)
            await self._storage.commit(statements.put("topics", topic))
            self.topics[topic.name] = topic

    async def delete_topic(self, name: str) -> None:
        """Forget a topic; its subscriptions stay, without one. Raises Refusal or StorageFailed."""
        async with self._changing:
            self.topic(name)
            orphans = {
                queue: _without_topic(queue.config)
                for queue in self.subscriptions.values()
                if queue.config.topic == name
            }
            configs = (statements.put("subscriptions", config) for config in orphans.values())
            await self._storage.commit(statements.delete_topic(name), *configs)
            del self.topics[name]
            for queue, config in orphans.items():
                queue.config = config

    async def put_subscription(self, config: Any, *, is_new: bool) -> None:
        """Keep a subscription; a known one keeps its messages. Raises as `put_topic` does."""
        limits.check_subscription(config)
        async with self._changing:
            known = self.subscriptions.get(config.name)
            if is_new and known is not None:
                raise already_exists(config.name)
            if config.topic != DELETED_TOPIC:
                self.topic(config.topic)
            if config.HasField("dead_letter_policy"):
                self.topic(config.dead_letter_policy.dead_letter_topic)
            queue = self._queue(config) if known is None else known
            queue.check_change(config)
            await self._storage.commit(statements.put("subscriptions", config))
            queue.config = config
            self.subscriptions[config.name] = queue

    async def delete_subscription(self, name: str) -> DeliveryQueue:
        """Forget a subscription and return what it was. Raises Refusal or StorageFailed."""
        async with self._changing:
            queue = self.subscription(name)
            await self._storage.commit(*statements.delete_subscription(name))
            del self.subscriptions[name]
            return queue

    def _queue(self, config: Any) -> DeliveryQueue:
        return DeliveryQueue(config, self.topics.__contains__)


def _without_topic(config: Any) -> Any:
    orphan = Subscription()
    orphan.CopyFrom(config)
    orphan.topic = DELETED_TOPIC
    return orphan
