"""A page walk is of one moment: each row there was then, once, in order, whatever is stored meanwhile."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Array, LogicalType, Object, Scalar
from exposure.query.aggregate_parse import count_rows
from exposure.query.model import Query, Row, Snapshot
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.port import Page
from exposure.warehouse.schema import rows_table
from fakes.bigquery_emulator import BigQueryEmulator
from fakes.house import Build, House, bigquery_house, duckdb_house_on
from fakes.questions import ask
from fakes.random_walk import RandomWalk, random_walks
from fakes.replicated import replica_house_of
from fakes.rows import NOON, order_row
from fakes.walk import following, walk, walk_rows

LATE = NOON + timedelta(days=1)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a warehouse in memory, opened once: that takes longer than a walk."""
    with open_duckdb(None, []) as connection:
        yield connection


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scene=random_walks())
async def test_on_duckdb_the_pages_put_together_are_the_snapshot_while_rows_are_stored(
    connection: duckdb.DuckDBPyConnection, scene: RandomWalk
) -> None:
    _make_empty(connection, scene.contract)
    await _walk_while_rows_are_stored(lambda contract: duckdb_house_on(connection, contract), scene)


# Fewer: after each append the replica is loaded anew.
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scene=random_walks())
async def test_in_front_of_a_replica_the_pages_put_together_are_the_snapshot_while_rows_are_stored(
    connection: duckdb.DuckDBPyConnection, scene: RandomWalk
) -> None:
    @asynccontextmanager
    async def build(contract: Contract) -> AsyncIterator[House]:
        async with duckdb_house_on(connection, contract) as house, replica_house_of(house) as replica:
            yield replica

    _make_empty(connection, scene.contract)
    await _walk_while_rows_are_stored(build, scene)


# Few and not made smaller: each takes its time.
@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(scene=random_walks(emulated=True))
async def test_on_bigquery_the_pages_put_together_are_the_snapshot_while_rows_are_stored(
    bigquery_emulator: BigQueryEmulator, scene: RandomWalk
) -> None:
    await _walk_while_rows_are_stored(lambda contract: bigquery_house(bigquery_emulator, contract), scene)


# Before, at, between and behind the rows of the first page, and under their keys.
LATER = ("a", "b", "b2", "c2", "d2", "z", "A", "e", "f")


@pytest.mark.parametrize("order", ["order_id", "-order_id", "weight_kg,order_id", "-weight_kg"])
async def test_rows_stored_before_and_behind_where_a_walk_stands_are_on_none_of_its_pages(
    house: House, order: str
) -> None:
    await house.put(*(order_row(order_id=key, weight_kg=1.0) for key in "bcdef"))
    query = ask(house.contract, select="order_id", order=order, page_size=2)
    pages = [await house.reader.select(query)]
    for weight in (None, 0.5, 2.0):
        # A key's first row is the one that is served: these come later.
        later = [order_row(order_id=f"{key}{weight}", weight_kg=weight) for key in LATER]
        await house.put(
            *later, *(order_row(order_id=key, weight_kg=weight, _ingest_time=LATE) for key in "bf")
        )
        if not pages[-1].complete:
            pages.append(await house.reader.select(following(query, pages[-1])))
    keys = ["f", "e", "d", "c", "b"] if order == "-order_id" else ["b", "c", "d", "e", "f"]
    assert [row[0] for row in _put_together(pages)] == keys
    assert len(await walk_rows(house.reader, query)) == 5 + 3 * len(LATER)


async def test_every_page_of_a_walk_is_as_of_its_first(house: House) -> None:
    await house.put(*(order_row(order_id=key) for key in "abc"))
    pages = await walk(house.reader, ask(house.contract, select="order_id", page_size=1))
    assert len({page.as_of for page in pages}) == 1


async def test_a_count_is_of_the_snapshot_of_the_page_beside_it(house: House) -> None:
    await house.put(*(order_row(order_id=key) for key in "abc"))
    query = ask(house.contract, ("order_id", "gt", "a"), page_size=1)
    first = await house.reader.select(query)
    await house.put(order_row(order_id="0"), order_row(order_id="b2"), order_row(order_id="z"))
    assert await _counted(house, query, first.snapshot) == 2
    assert await _counted(house, query, None) == 4


async def test_a_walk_begun_on_an_empty_table_stays_empty(house: House) -> None:
    query = ask(house.contract, page_size=1)
    first = await house.reader.select(query)
    await house.put(order_row(order_id="a"), order_row(order_id="b"))
    again = await house.reader.select(dataclasses.replace(query, snapshot=first.snapshot))
    assert (first.complete, list(again.rows), again.complete) == (True, [], True)


async def test_a_stream_of_a_snapshot_holds_its_rows_alone(house: House) -> None:
    await house.put(order_row(order_id="a"))
    query = ask(house.contract, select="order_id")
    first = await house.reader.select(query)
    await house.put(order_row(order_id="b"))
    stream = await house.reader.stream(dataclasses.replace(query, snapshot=first.snapshot))
    assert (await stream.next_rows(10), stream.as_of) == ([("a",)], first.as_of)
    stream.close()


async def _walk_while_rows_are_stored(build: Build, scene: RandomWalk) -> None:
    async with build(scene.contract) as house:
        query = dataclasses.replace(scene.query, contract=house.contract)
        await house.put(*scene.first)
        pages = [await house.reader.select(query)]
        for batch in scene.later:
            await house.put(*batch)
            if not pages[-1].complete:
                pages.append(await house.reader.select(following(query, pages[-1])))
        while not pages[-1].complete:
            pages.append(await house.reader.select(following(query, pages[-1])))
        columns = scene.query.columns
        assert _comparable(columns, _put_together(pages)) == _comparable(columns, scene.answer())
        assert [len(page.rows) for page in pages[:-1]] == [query.page_size] * (len(pages) - 1)
        assert {page.snapshot for page in pages} == {pages[0].snapshot}
        if not query.is_of_one_key:
            assert await _counted(house, query, pages[0].snapshot) == len(scene.answer())
        afresh = await walk_rows(house.reader, query)
        assert _comparable(columns, afresh) == _comparable(columns, scene.answer(len(scene.later)))


def _make_empty(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Make the contract's table anew."""
    dialect, table = DuckDBDialect(), rows_table(contract)
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {dialect.identifier(table.dataset)}")
    connection.execute(f"DROP TABLE IF EXISTS {dialect.path(table)}")
    connection.execute(dialect.create(table))


async def _counted(house: House, query: Query, snapshot: Snapshot | None) -> object:
    groups = await house.reader.aggregate(count_rows(dataclasses.replace(query, snapshot=snapshot)))
    return groups.rows[0][0]


def _put_together(pages: Sequence[Page]) -> list[Row]:
    return [row for page in pages for row in page.rows]


def _comparable(columns: Sequence[Column], rows: Sequence[Row]) -> list[list[object]]:
    """Return the rows with JSON parsed, whose blanks may differ, and NaN equal to NaN."""
    return [[_plain(column.type, value) for column, value in zip(columns, row, strict=True)] for row in rows]


def _plain(kind: LogicalType, value: Any) -> object:
    if value is None:
        return None
    if isinstance(kind, Array):
        return [_plain(kind.of, one) for one in value]
    if isinstance(kind, Object):
        return {one.name: _plain(one.type, value[one.name]) for one in kind.fields}
    if kind is Scalar.JSON:
        return "JSON", json.loads(value)
    return "NaN" if isinstance(value, float) and math.isnan(value) else value
