"""A replica holds no canaries: nobody has to look past them, and whoever names one asks the warehouse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from exposure.contracts import orders
from exposure.contracts.canary import CANARY_PREFIX
from exposure.query.canaries import of_no_canaries, without_canaries
from exposure.warehouse.port import REPLICA, WAREHOUSE
from exposure.warehouse.replica.replica_reader import ReplicaReader
from fakes.asking import ask_groups
from fakes.house import House, duckdb_house
from fakes.questions import ask
from fakes.replicated import Replicated, replicated
from fakes.rows import NOON, order_row

CONTRACT = orders.CONTRACT
CANARY, LATER_CANARY = f"{CANARY_PREFIX}1", f"{CANARY_PREFIX}2"
INSIDE = ("placed_at", "gte", NOON)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with duckdb_house(CONTRACT) as house:
        await house.put(
            order_row(order_id="one", placed_at=NOON),
            order_row(order_id=CANARY, placed_at=NOON),
            order_row(order_id="~two", placed_at=NOON),
        )
        yield house


@pytest.fixture
async def replica(house: House) -> AsyncIterator[Replicated]:
    async with replicated(house) as replica:
        await replica.follower.load()
        await house.put(order_row(order_id=LATER_CANARY, placed_at=NOON + timedelta(seconds=1)))
        await replica.follower.refresh()
        yield replica


async def test_pages_and_groups_are_answered_without_them(replica: Replicated) -> None:
    page = await replica.reader.select(ask(CONTRACT, INSIDE, select="order_id"))
    groups = await replica.reader.aggregate(ask_groups("group=currency&measures=count"))
    assert [row[0] for row in page.rows] == ["one", "~two"]
    assert [row[-1] for row in groups.rows] == [2]
    assert (page.tier, groups.tier, replica.behind.questions) == (REPLICA, REPLICA, [])


async def test_no_table_is_asked_for_rows_in_the_order_of_their_event_times(replica: Replicated) -> None:
    plan = await replica.reader.explain(ask(CONTRACT, INSIDE, order="placed_at,order_id"))
    assert (plan.engine, plan.text) == (REPLICA, "the rows of the event times, in their order")


@pytest.mark.parametrize("key", [CANARY, LATER_CANARY])
@pytest.mark.parametrize("more", [(), (INSIDE,)])
async def test_one_that_is_named_is_found_behind(
    replica: Replicated, key: str, more: tuple[tuple[str, str, object], ...]
) -> None:
    page = await replica.reader.select(ask(CONTRACT, ("order_id", "eq", key), *more, select="order_id"))
    assert [row[0] for row in page.rows] == [key]
    assert page.tier == WAREHOUSE


async def test_a_question_that_may_mean_one_is_passed_on(replica: Replicated) -> None:
    reader = ReplicaReader(replica.behind, [replica.follower])
    reader._has_begun = True
    page = await reader.select(ask(CONTRACT, INSIDE, select="order_id"))
    assert sorted(str(row[0]) for row in page.rows) == sorted([CANARY, LATER_CANARY, "one", "~two"])
    assert page.tier == WAREHOUSE


def test_the_condition_is_taken_away_and_nothing_else() -> None:
    query = ask(CONTRACT, INSIDE, ("order_id", "gte", "a"))
    assert of_no_canaries(without_canaries(query)) == query
    assert of_no_canaries(query) is None
