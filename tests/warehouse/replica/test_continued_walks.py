"""A walk begun in a replica and continued by the warehouse behind it is of one moment, as any other walk."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest

from exposure.contracts import orders
from exposure.query.aggregate_parse import count_rows
from exposure.query.model import Query, Row
from exposure.warehouse.port import REPLICA, WAREHOUSE, Page
from exposure.warehouse.replica.source import read_all, stored_query
from fakes.bigquery_emulator import BigQueryEmulator
from fakes.house import House, bigquery_house, duckdb_house
from fakes.oracle import met, ordered
from fakes.order_questions import random_query, random_row
from fakes.questions import ask
from fakes.replicated import ALL_AGAIN, Replicated, replicated
from fakes.rows import NOON, order_row
from fakes.walk import following
from fakes.written_rows import written

CONTRACT = orders.CONTRACT


async def closed(replica: Replicated) -> None:
    await replica.follower.close()


async def loaded_again(replica: Replicated) -> None:
    await replica.follower.load()


# How a replica comes to know no more what there was when a walk began.
LEAVING: tuple[Callable[[Replicated], Awaitable[None]], ...] = (closed, loaded_again)


class Walk:
    """One walk over random rows, and what there was when it began."""

    def __init__(self, query: Query, stored: Sequence[Row]) -> None:
        self._query = query
        first: dict[object, Row] = {}
        for row in stored:
            first.setdefault(row[0], row)
        rows = ordered(CONTRACT, query.order, met(CONTRACT, query.filters, list(first.values())))
        at = [CONTRACT.stored_columns.index(column) for column in query.columns]
        self.expected = [tuple(row[place] for place in at) for row in rows]
        self.pages: list[Page] = []

    @property
    def is_over(self) -> bool:
        return bool(self.pages) and self.pages[-1].complete

    async def step(self, replica: Replicated) -> str:
        """Read one page and return where it was read."""
        query = following(self._query, self.pages[-1]) if self.pages else self._query
        self.pages.append(await replica.reader.select(query))
        return self.pages[-1].tier

    def check(self) -> None:
        """Compare the pages put together, to the last byte, and their moments."""
        seen = [row for page in self.pages for row in page.rows]
        assert written(self._query.columns, seen) == written(self._query.columns, self.expected), self._query
        assert {page.snapshot for page in self.pages} == {self.pages[0].snapshot}


@pytest.mark.parametrize("seed", range(12))
async def test_on_duckdb_the_warehouse_goes_on_at_the_moment_the_replica_began(seed: int) -> None:
    async with duckdb_house(CONTRACT) as house:
        await _walk_out_of_the_replica(house, random.Random(seed))


@pytest.mark.parametrize("seed", range(2))
async def test_on_bigquery_the_warehouse_goes_on_at_the_moment_the_replica_began(
    bigquery_emulator: BigQueryEmulator, seed: int
) -> None:
    async with bigquery_house(bigquery_emulator, CONTRACT) as house:
        await _walk_out_of_the_replica(house, random.Random(seed))


@pytest.mark.parametrize("order", ["placed_at,order_id", "currency"])
async def test_a_window_s_walk_is_of_one_moment_though_it_holds_fewer_rows_than_the_table(order: str) -> None:
    async with duckdb_house(CONTRACT) as house, replicated(house, timedelta(hours=6), ALL_AGAIN) as replica:
        await house.put(*(order_row(order_id=f"old-{n}", placed_at=NOON - timedelta(1)) for n in range(5)))
        await house.put(*(order_row(order_id=key) for key in "ace"))
        await replica.follower.load()
        inside = ("placed_at", "gte", NOON)
        query = ask(CONTRACT, inside, select="order_id", order=order, page_size=1)
        pages = [await replica.reader.select(query)]
        await house.put(order_row(order_id="b"), order_row(order_id="d"))
        await replica.follower.refresh()
        pages.append(await replica.reader.select(following(query, pages[-1])))
        await closed(replica)
        pages.append(await replica.reader.select(following(query, pages[-1])))
        assert [row for page in pages for row in page.rows] == [("a",), ("c",), ("e",)]
        assert [page.tier for page in pages] == [REPLICA, REPLICA, WAREHOUSE]


async def test_a_count_of_a_replica_s_moment_is_the_same_in_the_warehouse_behind() -> None:
    async with duckdb_house(CONTRACT) as house, replicated(house, limits=ALL_AGAIN) as replica:
        await house.put(*(order_row(order_id=key) for key in "abc"))
        await replica.follower.load()
        query = ask(CONTRACT, page_size=1)
        page = await replica.reader.select(query)
        await house.put(order_row(order_id="d"))
        counted = dataclasses.replace(count_rows(query), snapshot=page.snapshot)
        for tier in (REPLICA, WAREHOUSE):
            groups = await replica.reader.aggregate(counted)
            assert (list(groups.rows), groups.as_of, groups.tier) == ([(3,)], page.as_of, tier)
            await closed(replica)


async def test_a_first_page_of_the_table_holds_nothing_stored_after_the_last_reading() -> None:
    async with duckdb_house(CONTRACT) as house, replicated(house, limits=ALL_AGAIN) as replica:
        await house.put(*(order_row(order_id=key) for key in "ace"))
        await replica.follower.load()
        copy = replica.follower.copy
        assert copy is not None
        # As while a reading is under way: the table has a row that the copy does not count yet.
        await house.put(order_row(order_id="b"))
        arrivals = copy.sift(await read_all(replica.follower._source, stored_query(CONTRACT, None), 2**20))
        copy.table.add(arrivals.table, arrivals.replaced)
        query = ask(CONTRACT, select="order_id", order="currency", page_size=2)
        page = await replica.reader.select(query)
        assert (list(page.rows), page.snapshot, page.tier) == ([("a",), ("c",)], copy.moment, REPLICA)
        await closed(replica)
        assert list((await replica.reader.select(following(query, page))).rows) == [("e",)]


async def _walk_out_of_the_replica(house: House, chance: random.Random) -> None:
    rows = [random_row(chance, number) for number in range(70)]
    async with replicated(house, limits=ALL_AGAIN) as replica:
        await house.put(*rows[:30])
        await replica.follower.load()
        walks = await _begun(replica, chance, rows[:30])
        await house.put(*rows[30:50])
        await replica.follower.refresh()
        later = await _begun(replica, chance, rows[:50])
        assert {await one.step(replica) for one in walks if not one.is_over} <= {REPLICA}
        await house.put(*rows[50:])
        await chance.choice(LEAVING)(replica)
        behind = len(replica.behind.questions)
        for one in (*walks, *later):
            while not one.is_over:
                assert await one.step(replica) == WAREHOUSE
            one.check()
        assert len(replica.behind.questions) > behind


async def _begun(replica: Replicated, chance: random.Random, stored: Sequence[Row]) -> list[Walk]:
    """Begin walks in the replica, over all rows and over some."""
    walks = []
    for turn in range(6):
        query = random_query(chance, replica.house.contract)
        filters = query.filters if turn % 3 == 0 else ()
        walks.append(
            Walk(dataclasses.replace(query, filters=filters, page_size=1 + chance.randrange(6)), stored)
        )
        assert await walks[-1].step(replica) == REPLICA
    return walks
