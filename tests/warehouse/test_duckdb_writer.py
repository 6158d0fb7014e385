"""What an answered append means on DuckDB: durable, one row per key, the refused rows named."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.contracts import orders
from exposure.contracts.model import Column
from exposure.contracts.types import Object, Scalar
from exposure.query.model import Row
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.schema import quarantine_table, rows_table
from fakes.duckdb_appender import ROWS, append_until_killed
from fakes.rows import order_row

CONTRACT = orders.CONTRACT
TABLE = rows_table(CONTRACT)


@pytest.fixture
async def connection() -> AsyncIterator[duckdb.DuckDBPyConnection]:
    connection = open_duckdb(None, [TABLE, quarantine_table(CONTRACT)])
    yield connection
    connection.close()


@pytest.fixture
async def writer(connection: duckdb.DuckDBPyConnection) -> AsyncIterator[DuckDBWriter]:
    writer = DuckDBWriter(connection)
    yield writer
    await writer.close()


def _stored(connection: duckdb.DuckDBPyConnection, *columns: str) -> list[Row]:
    text = f"SELECT {', '.join(columns)} FROM sales_dataset.orders ORDER BY order_id"  # noqa: S608  # no values
    return connection.execute(text).fetchall()


def test_no_answered_append_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "rows.duckdb"
    answered = append_until_killed(path, 30)
    connection = open_duckdb(path, [TABLE])
    stored = {row[0] for row in _stored(connection, "order_id")}
    assert {f"{number}-{row}" for number in range(answered + 1) for row in range(ROWS)} <= stored
    assert len(stored) % ROWS == 0, "an append was stored in part"
    connection.close()


async def test_the_first_row_of_a_key_stays_within_an_append_and_between_appends(
    connection: duckdb.DuckDBPyConnection, writer: DuckDBWriter
) -> None:
    assert await writer.append(TABLE, [order_row(currency=name) for name in ("EUR", "USD", "GBP")]) == {}
    assert await writer.append(TABLE, [order_row(currency="CHF"), order_row(order_id="ord-2")]) == {}
    assert _stored(connection, "order_id", "currency") == [("ord-1", "EUR"), ("ord-2", "EUR")]


BAD = {
    "no key": {"order_id": None},
    "no event time": {"placed_at": None},
    "no array": {"tags": None},
    "integer out of range": {"customer_id": 2**63},
    "decimal out of range": {"total": Decimal(10) ** 29},
    "decimal too fine": {"total": Decimal("0.0000000001")},
    "half a character": {"currency": "\ud800"},
    "no json": {"context": "{"},
    "text for an integer": {"customer_id": "7"},
    "text for an object": {"shipping": "here"},
}


@pytest.mark.parametrize("values", BAD.values(), ids=BAD.keys())
async def test_a_row_that_is_refused_is_named_and_the_others_are_stored(
    connection: duckdb.DuckDBPyConnection, writer: DuckDBWriter, values: dict[str, object]
) -> None:
    rows = [order_row(order_id=f"ord-{number}") for number in range(9)]
    rows[5] = order_row(**({"order_id": "ord-5"} | values))
    refused = await writer.append(TABLE, rows)
    assert list(refused) == [5]
    assert refused[5]
    assert len(_stored(connection, "order_id")) == 8


@settings(max_examples=20, deadline=None)
@given(st.lists(st.booleans(), max_size=30))
async def test_exactly_the_bad_rows_are_refused(bad: list[bool]) -> None:
    connection = open_duckdb(None, [TABLE])
    writer = DuckDBWriter(connection)
    rows = [
        order_row(order_id=f"{number:02}", currency=None if is_bad else "EUR")
        for number, is_bad in enumerate(bad)
    ]
    refused = await writer.append(TABLE, rows)
    assert sorted(refused) == [number for number, is_bad in enumerate(bad) if is_bad]
    assert _stored(connection, "order_id") == [
        (f"{number:02}",) for number, is_bad in enumerate(bad) if not is_bad
    ]
    await writer.close()
    connection.close()


async def test_a_message_refused_twice_is_kept_once(
    connection: duckdb.DuckDBPyConnection, writer: DuckDBWriter
) -> None:
    now = datetime.now(UTC)
    row = ("NOT_JSON", "", b"\xff", "{}", "1.0.0", "17", now, now)
    for _ in range(2):
        assert await writer.append(quarantine_table(CONTRACT), [row]) == {}
    assert connection.execute("SELECT data FROM sales_dataset.orders_quarantine").fetchall() == [(b"\xff",)]


async def test_instants_are_stored_in_utc_wherever_the_machine_is() -> None:
    visit = Column("visit", Object((Column("seen", Scalar.TIMESTAMP),)))
    table = rows_table(dataclasses.replace(CONTRACT, columns=(*CONTRACT.columns, visit)))
    connection = open_duckdb(None, [table])
    connection.execute("SET GLOBAL TimeZone = 'America/New_York'")
    writer = DuckDBWriter(connection)
    noon, row = (
        datetime(2026, 7, 1, 12, tzinfo=UTC),
        order_row(placed_at=datetime(2026, 7, 1, 12, tzinfo=UTC)),
    )
    assert await writer.append(table, [(*row[:-4], {"seen": noon}, *row[-4:])]) == {}
    naive = noon.replace(tzinfo=None)
    assert _stored(connection, "placed_at", "visit") == [(naive, {"seen": naive})]
    await writer.close()
    connection.close()


async def test_closing_finishes_the_appends_in_flight_and_takes_no_more(
    connection: duckdb.DuckDBPyConnection, writer: DuckDBWriter
) -> None:
    appends = [
        asyncio.create_task(writer.append(TABLE, [order_row(order_id=f"ord-{number}")]))
        for number in range(5)
    ]
    await asyncio.sleep(0)
    await writer.close()
    assert await asyncio.gather(*appends) == [{}] * 5
    assert len(_stored(connection, "order_id")) == 5
    with pytest.raises(WarehouseUnavailable):
        await writer.append(TABLE, [order_row()])
    with pytest.raises(WarehouseUnavailable):
        await writer.ready()


async def test_a_missing_table_is_the_set_ups_fault_not_the_rows(writer: DuckDBWriter) -> None:
    with pytest.raises(WarehouseMisconfigured):
        await writer.append(dataclasses.replace(TABLE, name="elsewhere"), [order_row()])


async def test_a_broken_file_is_no_fault_of_the_rows(
    connection: duckdb.DuckDBPyConnection, writer: DuckDBWriter
) -> None:
    writer._cursor.close()
    with pytest.raises(WarehouseUnavailable):
        await writer.append(TABLE, [order_row(), order_row(order_id="ord-2")])


async def test_rows_are_visible_as_soon_as_their_append_is_answered(
    connection: duckdb.DuckDBPyConnection, writer: DuckDBWriter
) -> None:
    for number in range(20):
        await writer.append(TABLE, [order_row(order_id=f"{number:02}", placed_at=_minute(number))])
        assert len(_stored(connection.cursor(), "order_id")) == number + 1


def _minute(number: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
