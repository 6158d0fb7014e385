"""What a replica answers, what it passes on, and what it says of either."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from exposure.contracts import orders
from exposure.warehouse.port import WAREHOUSE, WarehouseUnavailable
from exposure.warehouse.replica.limits import ReplicaLimits
from fakes.asking import ask_facets, ask_groups
from fakes.house import House, duckdb_house
from fakes.questions import ask
from fakes.replicated import Replicated, replicated
from fakes.rows import NOON, order_row

CONTRACT = orders.CONTRACT
WINDOW = timedelta(hours=6)
BEGINNING = NOON - WINDOW
_STEP = timedelta(microseconds=1)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with duckdb_house(CONTRACT) as house:
        await house.put(
            order_row(order_id="before", placed_at=BEGINNING - _STEP),
            order_row(order_id="edge", placed_at=BEGINNING),
            order_row(order_id="inside", placed_at=NOON - timedelta(hours=1), currency="USD"),
            order_row(order_id="newest", placed_at=NOON),
        )
        yield house


@pytest.fixture
async def replica(house: House) -> AsyncIterator[Replicated]:
    async with replicated(house, WINDOW) as replica:
        await replica.follower.load()
        yield replica


async def test_a_page_from_the_beginning_of_the_window_on_is_answered(replica: Replicated) -> None:
    page = await replica.reader.select(ask(CONTRACT, ("placed_at", "gte", BEGINNING), select="order_id"))
    assert [row[0] for row in page.rows] == ["edge", "inside", "newest"]
    assert (page.tier, page.bytes_billed, replica.behind.questions) == ("replica", 0, [])


@pytest.mark.parametrize(
    ("operator", "bound", "is_inside"),
    [
        ("gte", BEGINNING, True),
        ("gte", BEGINNING - _STEP, False),
        ("gt", BEGINNING - _STEP, True),
        ("gt", BEGINNING - 2 * _STEP, False),
        ("eq", BEGINNING, True),
        ("lte", NOON, False),
    ],
)
@pytest.mark.parametrize("order", ["placed_at,order_id", "paid"])
async def test_a_bound_is_inside_or_outside_to_the_microsecond(
    replica: Replicated, operator: str, bound: object, is_inside: bool, order: str
) -> None:
    query = ask(CONTRACT, ("placed_at", operator, bound), order=order)
    page, expected = await replica.reader.select(query), await replica.house.reader.select(query)
    assert page.tier == ("replica" if is_inside else WAREHOUSE)
    assert page.rows == expected.rows


async def test_a_row_is_found_by_its_key(replica: Replicated) -> None:
    query = ask(CONTRACT, ("order_id", "eq", "inside"), page_size=1)
    page, expected = await replica.reader.select(query), await replica.house.reader.select(query)
    assert (page.rows, page.complete, page.last) == (list(expected.rows), True, None)
    assert page.tier == "replica"


@pytest.mark.parametrize("key", ["before", "nowhere", "edge"])
async def test_a_key_that_may_have_a_row_before_the_window_is_passed_on(
    replica: Replicated, key: str
) -> None:
    query = ask(CONTRACT, ("order_id", "eq", key), page_size=1)
    page, expected = await replica.reader.select(query), await replica.house.reader.select(query)
    assert (page.rows, page.tier) == (expected.rows, WAREHOUSE)
    assert replica.behind.questions == [query]


async def test_a_key_and_more_is_asked_of_the_row_that_is_held(replica: Replicated) -> None:
    for currency, found in (("USD", 1), ("EUR", 0)):
        query = ask(CONTRACT, ("order_id", "eq", "inside"), ("currency", "eq", currency))
        page = await replica.reader.select(query)
        assert (len(page.rows), page.tier) == (found, "replica")


async def test_groups_and_facets_inside_the_window_are_answered(replica: Replicated) -> None:
    since = f"placed_at.gte={BEGINNING:%Y-%m-%dT%H:%M:%SZ}"
    groups = await replica.reader.aggregate(ask_groups(f"group=currency&measures=count&{since}"))
    facets = await replica.reader.aggregate(ask_facets(f"columns=currency&{since}"))
    assert list(groups.rows) == [("EUR", 2), ("USD", 1)]
    assert [row[1:] for row in facets.rows] == [("EUR", 2), ("USD", 1)]
    assert (groups.tier, facets.tier, replica.behind.questions) == ("replica", "replica", [])


async def test_groups_of_more_than_the_window_are_passed_on(replica: Replicated) -> None:
    groups = await replica.reader.aggregate(ask_groups("group=currency&measures=count"))
    assert (list(groups.rows), groups.tier) == ([("EUR", 3), ("USD", 1)], WAREHOUSE)


async def test_an_estimate_is_the_number_of_rows_where_they_are_held(replica: Replicated) -> None:
    inside = ask_groups(f"measures=count&placed_at.gte={NOON:%Y-%m-%dT%H:%M:%SZ}")
    found = await replica.reader.estimate(inside)
    assert (list(found.rows), found.tier) == ([(1,)], "replica")
    everything = await replica.reader.estimate(ask_groups("measures=count"))
    assert (list(everything.rows), everything.tier) == ([(4,)], WAREHOUSE)


async def test_explaining_says_whether_the_replica_would_answer(replica: Replicated) -> None:
    inside = ("placed_at", "gte", NOON)
    questions = {
        ask(CONTRACT, inside, order="placed_at,order_id"): "replica",
        ask(CONTRACT, inside, ("paid", "eq", True)): "replica",
        ask(CONTRACT, ("order_id", "eq", "inside")): "replica",
        ask(CONTRACT): "duckdb",
    }
    for question, engine in questions.items():
        assert (await replica.reader.explain(question)).engine == engine


async def test_a_stream_is_always_the_warehouse_s(replica: Replicated) -> None:
    stream = await replica.reader.stream(ask(CONTRACT, ("placed_at", "gte", NOON)))
    assert len(await stream.next_rows(10)) == 1
    stream.close()
    assert len(replica.behind.questions) == 1


async def test_a_replica_that_is_not_loaded_yet_passes_everything_on(house: House) -> None:
    async with replicated(house, WINDOW) as replica:
        page = await replica.reader.select(ask(CONTRACT, ("placed_at", "gte", NOON)))
        assert (len(page.rows), page.tier) == (1, WAREHOUSE)


async def test_a_replica_that_falls_behind_passes_everything_on_and_catches_up(replica: Replicated) -> None:
    query = ask(CONTRACT, ("placed_at", "gte", NOON))
    copy = replica.follower.copy
    assert copy is not None
    replica.clock.at = copy.as_of + ReplicaLimits().oldest
    assert (await replica.reader.select(query)).tier == "replica"
    replica.clock.at += _STEP
    assert (await replica.reader.select(query)).tier == WAREHOUSE
    assert (await replica.reader.select(ask(CONTRACT, ("order_id", "eq", "inside")))).tier == WAREHOUSE


async def test_an_answer_is_as_of_the_last_reading(replica: Replicated) -> None:
    copy = replica.follower.copy
    assert copy is not None
    for query in (
        ask(CONTRACT, ("placed_at", "gte", NOON)),
        ask(CONTRACT, ("order_id", "eq", "inside")),
        ask(CONTRACT, ("placed_at", "gte", NOON), ("paid", "eq", True)),
    ):
        assert (await replica.reader.select(query)).as_of == copy.as_of


async def test_the_table_failing_is_no_failure_of_the_answer(replica: Replicated) -> None:
    copy = replica.follower.copy
    assert copy is not None
    copy.table.close()
    query = ask(CONTRACT, ("placed_at", "gte", NOON), ("paid", "eq", True))
    page = await replica.reader.select(query)
    assert (len(page.rows), page.tier) == (1, WAREHOUSE)


async def test_an_error_behind_the_replica_is_told_as_it_is(replica: Replicated) -> None:
    replica.behind.failure = WarehouseUnavailable("gone")
    with pytest.raises(WarehouseUnavailable, match="gone"):
        await replica.reader.select(ask(CONTRACT))
    page = await replica.reader.select(ask(CONTRACT, ("placed_at", "gte", NOON)))
    assert len(page.rows) == 1


async def test_questions_under_way_outlive_a_new_copy(replica: Replicated) -> None:
    copy = replica.follower.copy
    assert copy is not None
    with copy.used():
        await replica.follower.load()
        assert replica.follower.copy is not copy
        page = await copy.table.reader.select(ask(CONTRACT, ("paid", "eq", True)))
        assert len(page.rows) == 3
    with pytest.raises(WarehouseUnavailable):
        await copy.table.reader.select(ask(CONTRACT, ("paid", "eq", True)))
