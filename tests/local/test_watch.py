"""The embedded platform's pages of metrics, as Prometheus' own parser reads them."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from exposure.contracts.catalog import CATALOG
from exposure.local.feed import topic_path
from exposure.local.platform import Platform, PlatformConfig
from exposure.local.pubsub.wire import PubsubMessage
from exposure.local.watch import backlog_levels
from exposure.telemetry.names import BACKLOG_LEVEL, OLDEST_LEVEL
from fakes.turned_clock import TurnedClock

CONTRACT = CATALOG.get("analytics_table")


async def page(address: str) -> dict[tuple[str, str], float]:
    """Return the samples of a service's page by name and contract."""
    async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, sample.labels["contract"]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if "contract" in sample.labels
    }


async def test_each_service_says_on_its_page_what_it_did(tmp_path: Path) -> None:
    config = PlatformConfig(tmp_path, api_port=0, ingest_port=0, pubsub_port=0)
    async with Platform(CATALOG, config) as platform:
        event = json.dumps({"id": "a", "timestamp": "2026-11-25T12:00:00Z"}).encode()
        await platform._pubsub.broker.publish(topic_path(CONTRACT.topic), [PubsubMessage(data=event)])
        while (await page(platform.addresses.ingest)).get((BACKLOG_LEVEL, CONTRACT.name)):
            pass
        async with httpx2.AsyncClient(base_url=platform.addresses.api, trust_env=False) as client:
            assert (await client.get(f"/v1/{CONTRACT.name}")).status_code == 200
        ingest, api = await page(platform.addresses.ingest), await page(platform.addresses.api)
    assert ingest["exposure_appended_rows_sum", CONTRACT.name] == 1
    assert ingest["exposure_deliveries_total", CONTRACT.name] == 1
    assert api["exposure_requests_total", CONTRACT.name] == 1
    assert api["exposure_latency_seconds_count", CONTRACT.name] == 1
    assert not {name for name, _ in api} & {BACKLOG_LEVEL, OLDEST_LEVEL}


async def test_the_backlog_is_what_is_not_acknowledged_and_since_when(tmp_path: Path) -> None:
    clock = TurnedClock()
    config = PlatformConfig(tmp_path, api_port=0, ingest_port=0, pubsub_port=0, clock=clock)
    async with Platform(CATALOG, config) as platform:
        broker = platform._pubsub.broker
        platform._pubsub._pushes = False
        queue = broker.subscription(f"projects/local/subscriptions/{CONTRACT.subscription}")
        queue.config.push_config.push_endpoint = "http://127.0.0.1:1/push/nobody"
        await broker.publish(topic_path(CONTRACT.topic), [PubsubMessage(data=b"a"), PubsubMessage(data=b"b")])
        clock.turn(90)
        messages, oldest = backlog_levels(CATALOG, broker)
        await broker.delete_subscription(queue.config.name)
        # As before it is declared: who sends levels by a timer may come as early.
        assert [set(level.values) for level in backlog_levels(CATALOG, broker)] == [{("orders",)}] * 2
    assert (messages.values[CONTRACT.name,], oldest.values[CONTRACT.name,]) == (2, 90.0)
    assert oldest.values["orders",] == 0.0
