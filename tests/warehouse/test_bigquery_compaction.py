"""Old days stored once: what is served stays, and only what nobody is served goes. On BigQuery's emulator."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from exposure.contracts import orders
from exposure.query.model import Query, Row
from exposure.warehouse.bigquery_client import bigquery_client
from exposure.warehouse.bigquery_compaction import BigQueryCompaction, BigQueryCompactionLimits, StoredDay
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.schema import rows_table
from fakes.bigquery_emulator import LOCATION, PROJECT, BigQueryEmulator
from fakes.house import House, bigquery_house
from fakes.rows import NOON, order_row

DAY = NOON.date()
NEXT = DAY + timedelta(days=1)
MIDNIGHT = datetime.combine(NEXT, datetime.min.time(), UTC)


def stored(key: str, copy: int = 0, **values: object) -> Row:
    """Return a row; of its copies the one with the least number reached ingest first."""
    at = NOON + timedelta(seconds=copy)
    return order_row(order_id=key, _ingest_time=at, _message_id=f"m{copy}", **values)


FIRST = stored("twice", total=Decimal(1), tags=["a"], context='{"channel": "web"}', _extra='{"x": 1}')
LATER = stored("twice", 1, total=Decimal(2))
LAST_OF_DAY = stored("edge", placed_at=MIDNIGHT - timedelta(microseconds=1))
FIRST_OF_NEXT = stored("edge", 1, placed_at=MIDNIGHT)
OTHER_TIME = stored("twice", 2, placed_at=NOON + timedelta(hours=1))
ONCE = stored("once", weight_kg=float("inf"))


@pytest.fixture
async def house(bigquery_emulator: BigQueryEmulator) -> AsyncIterator[House]:
    async with bigquery_house(bigquery_emulator, orders.CONTRACT) as house:
        # A later copy is stored first, an append was answered too late, and one whole row came twice.
        await house.put(LATER, ONCE, LAST_OF_DAY)
        await house.put(FIRST, FIRST_OF_NEXT, OTHER_TIME)
        await house.put(FIRST, FIRST_OF_NEXT)
        yield house


@pytest.fixture
def compaction(bigquery_emulator: BigQueryEmulator) -> Iterator[BigQueryCompaction]:
    client = bigquery_client(PROJECT, LOCATION, connections=1, endpoint=bigquery_emulator.rest)
    compaction = BigQueryCompaction(client)
    yield compaction
    compaction.close()


def raw(house: House) -> list[str]:
    return sorted(map(str, house.stored(rows_table(house.contract))))


def marks(rows: Iterable[str]) -> list[tuple[str, ...]]:
    """Return what tells the rows apart: key, event time and message."""
    return sorted((row.split(", tz")[0], *re.findall("'m[0-9]'", row)) for row in rows)


async def served(house: House) -> list[str]:
    query = Query(house.contract, house.contract.stored_columns, (), (), 100)
    return sorted(map(str, (await house.reader.select(query)).rows))


def test_days_are_counted_with_what_is_stored_more_than_once(
    house: House, compaction: BigQueryCompaction
) -> None:
    found = compaction.days(house.contract, date(2026, 1, 1), date(2027, 1, 1))
    assert found == [StoredDay(DAY, 6, 4), StoredDay(NEXT, 2, 1)]
    assert [one.repeats for one in found] == [2, 1]
    assert compaction.days(house.contract, DAY, NEXT) == found[:1]
    assert compaction.days(house.contract, NEXT, NEXT) == []


async def test_the_rows_that_are_served_stay_and_no_other_does(
    house: House, compaction: BigQueryCompaction
) -> None:
    there, seen = raw(house), await served(house)
    compaction.compact(house.contract, DAY)
    kept = raw(house)
    assert set(kept) < set(there)
    assert marks(kept) == marks(map(str, (FIRST, ONCE, LAST_OF_DAY, OTHER_TIME, *[FIRST_OF_NEXT] * 2)))
    assert await served(house) == seen
    assert compaction.days(house.contract, DAY, NEXT) == [StoredDay(DAY, 4, 4)]


async def test_a_day_stored_once_stays_as_it_is(house: House, compaction: BigQueryCompaction) -> None:
    compaction.compact(house.contract, NEXT)
    once = raw(house)
    compaction.compact(house.contract, NEXT)
    compaction.compact(house.contract, NEXT + timedelta(days=1))
    assert raw(house) == once


async def test_a_column_that_no_contract_declares_is_kept(
    house: House, compaction: BigQueryCompaction, bigquery_emulator: BigQueryEmulator
) -> None:
    client = bigquery_client(PROJECT, LOCATION, connections=1, endpoint=bigquery_emulator.rest)
    path = f"`{PROJECT}`.`{house.contract.dataset}`.`{house.contract.name}`"
    client.query(f"ALTER TABLE {path} ADD COLUMN later STRING").result()
    client.query(f"UPDATE {path} SET later = 'kept' WHERE TRUE").result()  # noqa: S608  # as below
    compaction.compact(house.contract, DAY)
    found = client.query(f"SELECT DISTINCT later FROM {path}").result()  # noqa: S608  # the test's own table
    assert [tuple(row) for row in found] == [("kept",)]
    client.close()  # type: ignore[no-untyped-call]


def test_a_table_that_is_not_there_is_named(compaction: BigQueryCompaction) -> None:
    with pytest.raises(WarehouseMisconfigured, match=orders.CONTRACT.dataset):
        compaction.compact(orders.CONTRACT, DAY)


def test_a_service_that_cannot_be_reached_is_not_waited_for_long() -> None:
    client = bigquery_client(PROJECT, LOCATION, connections=1, endpoint="http://127.0.0.1:1")
    hasty = BigQueryCompaction(client, BigQueryCompactionLimits(patience=timedelta(milliseconds=100)))
    with closing(hasty), pytest.raises(WarehouseUnavailable, match="Connection refused"):
        hasty.days(orders.CONTRACT, DAY, NEXT)
