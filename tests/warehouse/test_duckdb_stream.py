"""What a stream of the embedded warehouse adds to what every stream promises: time, and its cursor."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta

import duckdb
import pytest

from exposure.contracts import analytics_table, orders
from exposure.query.model import Query
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader, DuckDBReaderLimits
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.port import WarehouseUnavailable
from exposure.warehouse.schema import rows_table
from fakes.questions import ask
from fakes.rows import order_row

TABLE = rows_table(orders.CONTRACT)
HASTY = DuckDBReaderLimits(deadline=timedelta(milliseconds=200), streams=1)
# Rows without end, each at once; in order they would take for ever to begin.
ENDLESS = """
CREATE VIEW main.endless AS
SELECT 'a' || (x.range * y.range) AS id, TIMESTAMP '2026-01-01' AS timestamp, 'b' AS data,
'1' AS _message_id, TIMESTAMP '2026-01-01' AS _publish_time, TIMESTAMP '2026-01-01' AS _ingest_time,
NULL AS _extra FROM range(10000000) x, range(10000000) y
"""
ALL = dataclasses.replace(ask(orders.CONTRACT, select="order_id"), order=())


@pytest.fixture
async def connection() -> AsyncIterator[duckdb.DuckDBPyConnection]:
    connection = open_duckdb(None, [TABLE])
    connection.execute(ENDLESS)
    writer = DuckDBWriter(connection)
    await writer.append(TABLE, [order_row(order_id=f"{number:04}") for number in range(5000)])
    await writer.close()
    yield connection
    connection.close()


def endless(order: str = "") -> Query:
    contract = dataclasses.replace(analytics_table.CONTRACT, dataset="main", name="endless")
    query = ask(contract, select="id,timestamp", order=order)
    return query if order else dataclasses.replace(query, order=())


async def test_an_answer_without_end_is_read_part_by_part(connection: duckdb.DuckDBPyConnection) -> None:
    reader = DuckDBReader(connection)
    stream = await reader.stream(endless())
    for _ in range(5):
        assert len(await stream.next_rows(3000)) == 3000
    stream.close()
    batches = await reader.stream(endless())
    batch = await batches.next_batch()
    assert batch is not None
    assert batch.num_rows == 2048
    await reader.close()


async def test_a_stream_that_does_not_begin_in_time_is_interrupted_and_makes_room(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    reader = DuckDBReader(connection, HASTY)
    for _ in range(3):
        with pytest.raises(WarehouseUnavailable, match="deadline"):
            await reader.stream(endless("-data"))
        await _settled(reader)
    assert await (await reader.stream(ALL)).next_rows(1)
    await reader.close()


async def test_a_stream_past_its_whole_time_is_given_up(connection: duckdb.DuckDBPyConnection) -> None:
    reader = DuckDBReader(connection, DuckDBReaderLimits(stream_deadline=timedelta(milliseconds=300)))
    stream = await reader.stream(ALL)
    await stream.next_rows(1)
    await asyncio.sleep(0.35)
    with pytest.raises(WarehouseUnavailable, match="deadline"):
        await stream.next_rows(1)
    assert not stream.is_open
    await reader.close()


async def test_a_part_nobody_waits_for_any_more_is_interrupted_and_ends_the_stream(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    reader = DuckDBReader(connection, DuckDBReaderLimits(streams=1))
    beginning = asyncio.create_task(reader.stream(endless("-data")))
    await asyncio.sleep(0.05)
    beginning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await beginning
    await _settled(reader)
    assert await (await reader.stream(ALL)).next_rows(1)
    await reader.close()


async def test_closing_the_reader_interrupts_a_stream_that_begins(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    reader = DuckDBReader(connection)
    beginning = asyncio.create_task(reader.stream(endless("-data")))
    await asyncio.sleep(0.05)
    await reader.close()
    with pytest.raises(WarehouseUnavailable):
        await beginning


async def test_the_writer_does_not_wait_for_a_stream(connection: duckdb.DuckDBPyConnection) -> None:
    reader, writer = DuckDBReader(connection), DuckDBWriter(connection)
    stream = await reader.stream(ALL)
    found = list(await stream.next_rows(1))
    await writer.append(TABLE, [order_row(order_id="later")])
    assert ("later",) in (
        await reader.select(ask(orders.CONTRACT, ("order_id", "eq", "later"), select="order_id"))
    ).rows
    while part := await stream.next_rows(1000):
        found.extend(part)
    assert len(found) == 5000
    await writer.close()
    await reader.close()


async def _settled(reader: DuckDBReader) -> None:
    """Wait until the thread of a stream given up is free again."""
    async with asyncio.timeout(10):
        while True:
            try:
                await reader._stream_threads.run(lambda: None, timedelta(seconds=5))
            except WarehouseUnavailable:
                await asyncio.sleep(0.005)
            else:
                return
