"""The embedded platform knows exactly when a table changed: kept answers hide nothing that was published."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx2
import pytest

from exposure.contracts import analytics_table, orders
from exposure.contracts.catalog import CATALOG
from exposure.local.commits import CountedWriter
from exposure.local.feed import subscription_path, topic_path
from exposure.local.platform import Platform, PlatformConfig
from exposure.local.pubsub.wire import PubsubMessage
from exposure.query.model import Row
from exposure.warehouse.port import WarehouseUnavailable
from exposure.warehouse.schema import Table, quarantine_table, rows_table
from fakes.cached_house import status_of
from fakes.turned_clock import TurnedClock

ORDERS, EVENTS = rows_table(orders.CONTRACT), rows_table(analytics_table.CONTRACT)
NAMES = ("orders", "analytics_table")
PATIENCE_SECONDS = 20


class Stored:
    """A writer that stores nothing, or fails."""

    def __init__(self) -> None:
        self.failure: Exception | None = None

    async def append(self, _: Table, __: Sequence[Row]) -> Mapping[int, str]:
        if self.failure is not None:
            raise self.failure
        return {}

    async def ready(self) -> None:
        """Always."""

    async def close(self) -> None:
        """Hold nothing."""


def marks(writer: CountedWriter) -> list[str]:
    return [writer.current(name).mark for name in NAMES]


async def test_an_append_changes_the_version_of_its_table_and_of_no_other() -> None:
    writer = CountedWriter(Stored())
    first = marks(writer)
    assert marks(writer) == first
    await writer.append(ORDERS, [])
    assert marks(writer)[0] != first[0]
    assert marks(writer)[1] == first[1]
    second = marks(writer)
    await writer.append(quarantine_table(orders.CONTRACT), [])
    assert marks(writer) == second


async def test_an_append_that_fails_may_have_stored_rows() -> None:
    stored = Stored()
    writer = CountedWriter(stored)
    first, stored.failure = marks(writer), WarehouseUnavailable("no")
    with pytest.raises(WarehouseUnavailable):
        await writer.append(EVENTS, [])
    assert marks(writer)[0] == first[0]
    assert marks(writer)[1] != first[1]


def test_no_two_processes_have_a_version_in_common() -> None:
    assert marks(CountedWriter(Stored())) != marks(CountedWriter(Stored()))


async def test_a_new_day_in_utc_is_a_new_version_of_every_table() -> None:
    clock = TurnedClock()
    clock.now = 20_000 * 86_400 - 1
    writer = CountedWriter(Stored(), clock)
    await writer.append(ORDERS, [])
    first = marks(writer)
    clock.turn(0.5)
    assert marks(writer) == first
    clock.turn(0.5)
    assert not set(marks(writer)) & set(first)


async def test_what_was_published_is_read_at_once_though_answers_are_kept(tmp_path: Path) -> None:
    config = PlatformConfig(tmp_path, api_port=0, ingest_port=0, pubsub_port=0)
    path = "/v1/analytics_table?timestamp.gte=2026-01-01T00:00:00Z&order=id"
    platform = Platform(CATALOG, config)
    async with platform, httpx2.AsyncClient(trust_env=False) as client:
        url = platform.addresses.api + path
        for number in range(3):
            event = {"id": f"evt-{number}", "timestamp": "2026-11-25T12:00:00Z"}
            message = PubsubMessage(data=json.dumps(event).encode())
            await platform._pubsub.broker.publish(topic_path(analytics_table.CONTRACT.topic), [message])
            async with asyncio.timeout(PATIENCE_SECONDS):
                while platform._pubsub.backlog(subscription_path(analytics_table.CONTRACT.subscription)):
                    await asyncio.sleep(0.005)
            fresh, *again = [await client.get(url) for _ in range(4)]
            assert len(fresh.json()["data"]) == number + 1
            assert [status_of(answer) for answer in again] == ["hit"] * 3
            assert {answer.content for answer in again} == {fresh.content}
