"""A pull worker between the local Pub/Sub and a warehouse in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from exposure.contracts.analytics_table import CONTRACT
from exposure.ingest.pipeline import Pipeline
from exposure.ingest.pull.stream import PullLimits
from exposure.ingest.pull.worker import PullWorker
from exposure.local.pubsub.server import PubSubServer
from exposure.local.pubsub.wire import PubsubMessage, Subscription, Topic
from fakes.recording_writer import RecordingWriter

PATIENCE_SECONDS = 20
TOPIC = f"projects/local/topics/{CONTRACT.topic}"
SUBSCRIPTION = f"projects/local/subscriptions/{CONTRACT.subscription}"


async def eventually(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():
            await asyncio.sleep(0.01)


@dataclass
class Scene:
    """Where messages come from and where they go."""

    pubsub: PubSubServer
    writer: RecordingWriter

    async def declare(self) -> None:
        await self.pubsub.broker.create_topic(Topic(name=TOPIC))
        subscription = Subscription(name=SUBSCRIPTION, topic=TOPIC, ack_deadline_seconds=10)
        subscription.retry_policy.minimum_backoff.FromMilliseconds(10)
        subscription.retry_policy.maximum_backoff.FromMilliseconds(50)
        await self.pubsub.broker.put_subscription(subscription)

    async def publish(self, *payloads: bytes | dict[str, Any]) -> None:
        data = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in payloads]
        for start in range(0, len(data), 1000):
            messages = [PubsubMessage(data=one) for one in data[start : start + 1000]]
            await self.pubsub.broker.publish(TOPIC, messages)

    def backlog(self) -> int:
        return self.pubsub.backlog(SUBSCRIPTION)

    def stored(self) -> list[str]:
        """Return the keys stored, in the order they came."""
        return [str(row[0]) for row in self.writer.stored(CONTRACT.name)]

    def pipeline(self) -> Pipeline:
        return Pipeline(CONTRACT, self.writer)

    def worker(self, limits: PullLimits | None = None) -> PullWorker:
        return PullWorker({SUBSCRIPTION: self.pipeline()}, self.writer, self.pubsub.address, limits)

    @asynccontextmanager
    async def pulling(self) -> AsyncIterator[PullWorker]:
        """Run a worker until the block ends, then stop it as SIGTERM does."""
        worker = self.worker()
        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            group.create_task(worker.run())
            yield worker
            worker.stop()
