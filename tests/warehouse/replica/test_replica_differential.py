"""The same question asked of the replica and of the warehouse it was read from: the same bytes."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence

import pytest

from exposure.contracts import orders
from exposure.query.aggregate import Aggregation
from exposure.query.model import Query, Row, comparisons
from exposure.warehouse.aggregate_sql import group_columns
from exposure.warehouse.port import Reader
from exposure.warehouse.replica import block_totals, held_table, totals_dialect
from exposure.warehouse.replica.proven import FUNCTIONS, OPERATORS
from fakes.asking import ask_facets, ask_groups
from fakes.bigquery_emulator import BigQueryEmulator
from fakes.house import bigquery_house, duckdb_house
from fakes.oracle import met, ordered
from fakes.order_questions import ESCAPED, random_groups, random_query, random_row
from fakes.questions import ask
from fakes.replicated import ALL_AGAIN, Replicated, replicated
from fakes.rows import NOON, order_row
from fakes.written_rows import written

CONTRACT = orders.CONTRACT


async def same_pages(replica: Replicated, query: Query, stored: Sequence[Row]) -> None:
    """Compare every page, those of the model in Python among them."""
    expected = ordered(CONTRACT, query.order, met(CONTRACT, query.filters, stored))
    at = [CONTRACT.stored_columns.index(column) for column in query.columns]
    seen: list[Row] = []
    for _ in range(4):
        ours, theirs = await replica.reader.select(query), await replica.house.reader.select(query)
        assert ours.tier == "replica", query
        assert written(query.columns, ours.rows) == written(query.columns, theirs.rows), query
        assert (ours.complete, ours.last) == (theirs.complete, theirs.last), query
        seen += ours.rows
        if ours.complete:
            break
        query = dataclasses.replace(query, after=ours.last, snapshot=ours.snapshot)
    wanted = [tuple(row[place] for place in at) for row in expected[: len(seen)]]
    assert written(query.columns, seen) == written(query.columns, wanted), query
    assert not ours.complete or len(seen) == len(expected), query


async def same_groups(reader: Reader, replica: Replicated, asked: Aggregation) -> int:
    """Compare the groups and return how many there are."""
    ours, theirs = await replica.reader.aggregate(asked), await reader.aggregate(asked)
    assert ours.tier == "replica", asked
    columns = group_columns(asked)[: len(ours.rows[0])] if ours.rows else ()
    if not asked.apart:
        assert written(columns, ours.rows) == written(columns, theirs.rows), asked
    assert (list(ours.rows), ours.complete, ours.cut) == (list(theirs.rows), theirs.complete, theirs.cut), (
        asked
    )
    return len(ours.rows)


@pytest.fixture
def is_narrow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Have few rows in narrow columns and blocks, as many are, if the test's parameter says so."""
    is_narrow: bool = request.param
    if is_narrow:
        monkeypatch.setattr(held_table, "LEAST_ROWS", 1)
        for module in (block_totals, totals_dialect):
            monkeypatch.setattr(module, "BLOCK_ROWS", 8)
    return is_narrow


@pytest.mark.parametrize(("is_narrow", "seed"), [(False, 0), (True, 1), (True, 2)], indirect=["is_narrow"])
async def test_the_replica_answers_as_the_warehouse_it_was_read_from(
    bigquery_emulator: BigQueryEmulator, is_narrow: bool, seed: int
) -> None:
    chance = random.Random(seed)
    rows = [random_row(chance, number) for number in range(60)]
    again = [order_row(order_id=str(row[0]), placed_at=row[1], _ingest_time=NOON) for row in rows[9::9]]
    # A text that is new to a narrow column would have everything loaded again.
    at = CONTRACT.stored_columns.index(CONTRACT.column("currency"))
    known = {row[at] for row in {row[0]: row for row in (*rows[:40], *again)}.values()}
    rows[40:] = [row for row in rows[40:] if row[at] in known]
    first = {row[0]: row for row in (*rows, *again)}
    async with (
        bigquery_house(bigquery_emulator, CONTRACT) as house,
        replicated(house, limits=ALL_AGAIN) as replica,
    ):
        await house.put(*rows[:40], *again)
        await replica.follower.load()
        await house.put(*rows[40:])
        await replica.follower.load() if chance.random() < 0.5 else await replica.follower.refresh()
        for _ in range(25):
            await same_pages(replica, random_query(chance, house.contract), list(first.values()))
        found = 0
        for _ in range(15):
            found += await same_groups(
                house.reader, replica, ask_groups(random_groups(chance), house.contract)
            )
        facets = ask_facets("columns=currency,paid,deliver_on", house.contract)
        found += await same_groups(house.reader, replica, facets)
        assert found > 25
        copy = replica.follower.copy
        assert copy is not None
        assert bool(copy.table.narrow.texts) is is_narrow
    assert replica.behind.questions == []


@pytest.mark.parametrize("pattern", ESCAPED)
async def test_what_is_escaped_in_a_pattern_stands_for_itself(pattern: str) -> None:
    chance = random.Random(3)
    rows = [random_row(chance, number) for number in range(60)]
    async with duckdb_house(CONTRACT) as house, replicated(house) as replica:
        await house.put(*rows)
        await replica.follower.load()
        await same_pages(replica, ask(CONTRACT, ("currency", "like", pattern)), rows)


def test_the_questions_use_all_a_replica_may_answer() -> None:
    chance = random.Random(1)
    asked = [one for _ in range(600) for one in comparisons(*random_query(chance).filters)]
    assert {one.operator for one in asked} == OPERATORS
    measured = [one for _ in range(300) for one in ask_groups(random_groups(chance)).measures]
    assert {one.function for one in measured} == FUNCTIONS
