"""A platform that comes back with ingest on another port, and what listens on the old one by then."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx2

from exposure.contracts.catalog import CATALOG
from exposure.local.feed import declare_feed, subscription_path, topic_path
from exposure.local.platform import PUSH_ACCOUNT, Platform, PlatformConfig
from exposure.local.pubsub.server import PubSubConfig, PubSubServer
from exposure.local.pubsub.wire import PubsubMessage
from fakes.push_receiver import PushReceiver

CONTRACT = CATALOG.get("analytics_table")
SUBSCRIPTION = subscription_path(CONTRACT.subscription)
PATIENCE_SECONDS = 20


async def leave_a_backlog(data_dir: Path, stranger: PushReceiver, *payloads: bytes) -> None:
    """Leave messages in the folder as a killed platform does, whose ingest listened where the stranger is."""
    config = PubSubConfig(data_dir, port=0, pushes_from_the_start=False)
    async with PubSubServer(config) as pubsub:
        await declare_feed(pubsub.broker, CONTRACT, stranger.url, PUSH_ACCOUNT)
        messages = [PubsubMessage(data=one) for one in payloads]
        await pubsub.broker.publish(topic_path(CONTRACT.topic), messages)


async def test_nothing_is_pushed_to_where_ingest_listened_before_a_restart(
    tmp_path: Path,
) -> None:
    event = json.dumps({"id": "a", "timestamp": "2026-11-25T12:00:00Z"}).encode()
    config = PlatformConfig(tmp_path, api_port=0, ingest_port=0, pubsub_port=0)
    with PushReceiver() as stranger:
        await leave_a_backlog(tmp_path, stranger, event, b"not json")
        async with Platform(CATALOG, config) as platform, asyncio.timeout(PATIENCE_SECONDS):
            while platform._pubsub.backlog(SUBSCRIPTION):
                await asyncio.sleep(0.005)
            async with httpx2.AsyncClient(base_url=platform.addresses.api, trust_env=False) as client:
                assert (await client.get("/v1/analytics_table/a")).status_code == 200
        assert stranger.requests == []
