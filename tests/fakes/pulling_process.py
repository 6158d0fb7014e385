"""`exposure ingest --pull` in a process of its own, before the local Pub/Sub."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Mapping

from exposure.contracts.catalog import CATALOG
from exposure.local.feed import topic_path
from exposure.local.pubsub.server import PubSubServer
from exposure.local.pubsub.wire import Subscription, Topic

COMMAND = [sys.executable, "-m", "exposure", "ingest", "--pull"]
_PATIENCE_SECONDS = 60


def subscription_of(contract: str) -> str:
    """Return the whole name of the subscription that the contract of that name is pulled from."""
    return f"projects/local/subscriptions/{CATALOG.get(contract).subscription}"


async def declare_all(pubsub: PubSubServer) -> None:
    """Create the topic and the pulled subscription of every contract."""
    for contract in CATALOG:
        topic = topic_path(contract.topic)
        await pubsub.broker.create_topic(Topic(name=topic))
        name = subscription_of(contract.name)
        await pubsub.broker.put_subscription(Subscription(name=name, topic=topic, ack_deadline_seconds=30))


async def pull_all(pubsub: PubSubServer, subscription: str, told: Mapping[str, str]) -> int:
    """Run the worker until nothing waits, end it as Cloud Run does, and return its exit code."""
    worker = await asyncio.create_subprocess_exec(*COMMAND, env=told, stdout=subprocess.DEVNULL)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while pubsub.backlog(subscription):
                assert worker.returncode is None
                await asyncio.sleep(0.05)
            worker.send_signal(signal.SIGTERM)
            return await worker.wait()
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
