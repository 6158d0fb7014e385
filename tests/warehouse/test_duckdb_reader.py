"""What a reader of the embedded warehouse adds to the conformance suite: walks of any shape, and time."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.contracts import analytics_table, orders
from exposure.query.grammar import comparable_columns
from exposure.query.model import Order, Query, Row
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader, DuckDBReaderLimits
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.schema import rows_table
from fakes.gate import Gate
from fakes.questions import ask
from fakes.rows import order_row
from fakes.walk import in_order, walk, walk_rows

CONTRACT = orders.CONTRACT
TABLE = rows_table(CONTRACT)
# Few values, so that ties and NULLs are the rule.
ROWS = st.lists(
    st.builds(
        order_row,
        order_id=st.text("aZñ🦜", max_size=3),
        weight_kg=st.sampled_from([None, -1.5, 0.0, 5e-324]),
        deliver_on=st.sampled_from([None, datetime(1, 1, 1).date(), datetime(2026, 1, 1).date()]),  # noqa: DTZ001
        total=st.sampled_from([Decimal(0), Decimal("0.000000001")]),
        paid=st.booleans(),
        placed_at=st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]),
    ),
    max_size=12,
    unique_by=lambda row: row[0],
)
ORDERS = st.lists(
    st.builds(Order, st.sampled_from(comparable_columns(CONTRACT)[:-3]), st.booleans()),
    max_size=5,
    unique_by=lambda one: one.column.name,
)
# More than any machine counts before the deadline, and no table holds it.
SLOW = """
CREATE VIEW {path} AS
SELECT 'a' || (x.range * y.range) AS id, TIMESTAMP '2026-01-01' AS timestamp, 'b' AS data,
'1' AS _message_id, TIMESTAMP '2026-01-01' AS _publish_time, TIMESTAMP '2026-01-01' AS _ingest_time,
NULL AS _extra, x.range AS rowid FROM range(10000000) x, range(10000000) y
"""


@pytest.fixture
async def connection() -> AsyncIterator[duckdb.DuckDBPyConnection]:
    connection = open_duckdb(None, [TABLE])
    yield connection
    connection.close()


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, order=ORDERS, page_size=st.integers(1, 5))
async def test_a_walk_in_any_order_and_page_size_is_the_sorted_set(
    rows: list[Row], order: list[Order], page_size: int
) -> None:
    connection = open_duckdb(None, [TABLE])
    writer, reader = DuckDBWriter(connection), DuckDBReader(connection)
    await writer.append(TABLE, rows)
    query = dataclasses.replace(ask(CONTRACT, page_size=page_size), order=_total(order))
    pages = await walk(reader, query)
    assert [row for page in pages for row in page.rows] == [row[:-4] for row in in_order(query.order, rows)]
    assert all(len(page.rows) == page_size for page in pages[:-1])
    await writer.close()
    await reader.close()
    connection.close()


async def test_a_walk_sees_the_rows_that_were_there_at_its_start_and_no_others_while_rows_arrive(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    writer, reader = DuckDBWriter(connection), DuckDBReader(connection)
    await writer.append(TABLE, [order_row(order_id=f"{number:03}") for number in range(0, 200, 2)])
    going_on = True

    async def keep_writing() -> None:
        for number in range(1, 200, 2):
            if going_on:
                await writer.append(TABLE, [order_row(order_id=f"{number:03}")])

    writing = asyncio.create_task(keep_writing())
    seen = [row[0] for row in await walk_rows(reader, ask(CONTRACT, select="order_id", page_size=7))]
    going_on = False
    await writing
    first = [f"{number:03}" for number in range(0, 200, 2)]
    assert seen == first
    await writer.close()
    await reader.close()


@pytest.fixture
def slow(connection: duckdb.DuckDBPyConnection) -> Query:
    """Return a question that takes for ever."""
    contract = dataclasses.replace(analytics_table.CONTRACT, dataset="main", name="endless")
    connection.execute(SLOW.format(path="main.endless"))
    return ask(contract, order="-data")


async def test_a_question_past_its_deadline_is_interrupted_and_frees_its_thread(
    connection: duckdb.DuckDBPyConnection, slow: Query
) -> None:
    limits = DuckDBReaderLimits(deadline=timedelta(milliseconds=200), threads=1, queue=1)
    reader = DuckDBReader(connection, limits)
    for _ in range(3):
        with pytest.raises(WarehouseUnavailable, match="deadline"):
            await reader.select(slow)
    # The one thread would still be busy, had the questions gone on.
    patient = dataclasses.replace(reader._limits, deadline=timedelta(seconds=30))
    reader._limits = patient
    assert (await reader.select(ask(CONTRACT))).complete
    await reader.close()


async def test_a_question_nobody_waits_for_is_interrupted(
    connection: duckdb.DuckDBPyConnection, slow: Query
) -> None:
    reader = DuckDBReader(connection, DuckDBReaderLimits(deadline=timedelta(seconds=60), threads=1))
    asked = asyncio.create_task(reader.select(slow))
    await asyncio.sleep(0.1)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert (await reader.select(ask(CONTRACT))).complete
    await reader.close()


async def test_closing_interrupts_what_runs(connection: duckdb.DuckDBPyConnection, slow: Query) -> None:
    reader = DuckDBReader(connection, DuckDBReaderLimits(deadline=timedelta(seconds=60), threads=1))
    asked = asyncio.create_task(reader.select(slow))
    await asyncio.sleep(0.1)
    await reader.close()
    with pytest.raises(WarehouseUnavailable):
        await asked
    with pytest.raises(WarehouseUnavailable):
        await reader.select(ask(CONTRACT))


async def test_closing_waits_for_the_thread_of_a_question_nobody_waits_for(
    connection: duckdb.DuckDBPyConnection, gate: Gate
) -> None:
    reader = DuckDBReader(connection)
    asked = asyncio.create_task(reader._run(lambda _: gate()))
    await asyncio.to_thread(gate.entered.acquire)
    asked.cancel()
    closing = asyncio.create_task(reader.close())
    await asyncio.wait({closing}, timeout=0.1)
    assert not closing.done()
    gate.open.set()
    await closing


async def test_more_questions_than_may_wait_are_refused(
    connection: duckdb.DuckDBPyConnection, slow: Query
) -> None:
    limits = DuckDBReaderLimits(deadline=timedelta(seconds=60), threads=1, queue=0)
    reader = DuckDBReader(connection, limits)
    asked = asyncio.create_task(reader.select(slow))
    await asyncio.sleep(0.05)
    with pytest.raises(WarehouseUnavailable, match="too many"):
        await reader.select(ask(CONTRACT))
    await reader.close()
    with pytest.raises(WarehouseUnavailable):
        await asked


async def test_a_missing_table_is_a_fault_of_the_set_up(connection: duckdb.DuckDBPyConnection) -> None:
    reader = DuckDBReader(connection)
    with pytest.raises(WarehouseMisconfigured):
        await reader.select(ask(dataclasses.replace(CONTRACT, name="elsewhere")))
    await reader.close()


async def test_a_page_is_as_of_the_moment_before_it_was_read(connection: duckdb.DuckDBPyConnection) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    reader = DuckDBReader(connection, clock=lambda: moment)
    page = await reader.select(ask(CONTRACT))
    assert (page.as_of, page.bytes_billed) == (moment, 0)
    await reader.close()


def _total(order: list[Order]) -> tuple[Order, ...]:
    key = CONTRACT.key_column
    return tuple(order) if key in [one.column for one in order] else (*order, Order(key))
