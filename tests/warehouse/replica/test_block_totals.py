"""Groups added up from the totals of blocks: the same as of the rows themselves, whatever came since."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote

import pyarrow as pa
import pytest

from exposure.contracts import orders
from exposure.query.aggregate import Aggregation
from exposure.query.model import Row, Snapshot
from exposure.warehouse.port import Groups
from exposure.warehouse.replica.held_table import HeldTable
from exposure.warehouse.replica.totals_dialect import BLOCK_ROWS
from fakes.asking import ask_groups
from fakes.held_rows import held_rows
from fakes.rows import NOON, order_row

CONTRACT = orders.CONTRACT
ROWS = 2 * BLOCK_ROWS + 2000
CURRENCIES = ("USD", "EUR", "", "ñ", "a'b", "CHF")
WEIGHTS = (1.5, None, -0.25, 1 / 1024, 0.0, 2.0**20)
MEASURES = (
    "count", "sum:weight_kg", "min:weight_kg", "max:weight_kg", "sum:customer_id", "min:customer_id",
    "max:customer_id",
)  # fmt: skip
Tables = tuple[HeldTable, HeldTable]


def placed_at(number: int) -> datetime:
    """Return an event time that two or three rows have, so that it lies on both sides of a block's end."""
    return NOON + timedelta(seconds=number * 2 // 5)


def row(key: str, number: int) -> Row:
    return order_row(
        order_id=key,
        placed_at=placed_at(number),
        currency=CURRENCIES[number % 6] if number < BLOCK_ROWS else CURRENCIES[number % 4],
        customer_id=(number * 7919) % 1000 - 500,
        weight_kg=WEIGHTS[number % 5] if number % 3000 else WEIGHTS[5],
    )


@pytest.fixture(scope="module")
def many() -> pa.Table:
    return held_rows([row(f"ord-{number}", number) for number in range(ROWS)])


@pytest.fixture
async def tables(many: pa.Table) -> AsyncIterator[Tables]:
    totalled, plain = HeldTable(CONTRACT, many), HeldTable(CONTRACT, many, narrows=False)
    yield totalled, plain
    totalled.close()
    plain.close()


async def is_of_totals(table: HeldTable, asked: Aggregation) -> bool:
    return '"_totals_number_' in (await table.reader.explain(asked)).text


async def same(tables: Tables, asked: Aggregation) -> bool:
    """Compare the groups and return whether totals were asked for them."""
    totalled, plain = tables
    ours, theirs = await totalled.aggregate(asked), await plain.aggregate(asked)
    assert (list(ours.rows), ours.complete) == (list(theirs.rows), theirs.complete), asked
    assert [list(map(type, one)) for one in ours.rows] == [list(map(type, one)) for one in theirs.rows]
    assert not await is_of_totals(plain, asked)
    return await is_of_totals(totalled, asked)


def random_question(chance: random.Random) -> str:
    """Return a question about groups within bounds that are often those of a block."""
    measures = chance.sample(MEASURES, chance.randint(1, 4))
    parts = [f"measures={','.join(measures)}"]
    if chance.random() < 0.8:
        parts += ["group=currency", f"top={chance.choice((2, 10))}"]
        parts += [f"order={chance.choice(('currency', '-currency', f'-{measures[0]}'))}"]
        if chance.random() < 0.3:
            parts.append(
                f"having.{measures[0]}.{chance.choice(('gt', 'lt', 'eq'))}={chance.choice((0, 100))}"
            )
    edges = (0, 1, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1, 2 * BLOCK_ROWS, ROWS - 1, ROWS)
    for operators in (("gte", "gt"), ("lte", "lt")):
        if chance.random() < 0.6:
            number = chance.choice((*edges, chance.randrange(ROWS)))
            bound = quote(placed_at(number).isoformat())
            parts.append(f"placed_at.{chance.choice(operators)}={bound}")
    return "&".join(parts)


@pytest.mark.parametrize("seed", range(3))
async def test_groups_within_any_span_are_those_of_the_rows(tables: Tables, seed: int) -> None:
    chance = random.Random(seed)
    asked_of_totals = [await same(tables, ask_groups(random_question(chance))) for _ in range(60)]
    assert sum(asked_of_totals) > 20


@pytest.mark.parametrize("seed", range(3))
async def test_rows_that_came_later_are_added_to_the_totals(tables: Tables, seed: int) -> None:
    chance, arrived = random.Random(seed), ROWS
    for number in range(3):
        # Anywhere among the event times, those of whole blocks too.
        later = held_rows([row(f"new-{number}-{one}", chance.randrange(ROWS + 500)) for one in range(200)])
        for table in tables:
            table.add(later, [])
        moments = (None, arrived, arrived + 100, arrived + 200)
        arrived += 200
        used = 0
        for _ in range(20):
            rows = chance.choice(moments)
            snapshot = None if rows is None else Snapshot(NOON, rows)
            used += await same(tables, replace(ask_groups(random_question(chance)), snapshot=snapshot))
        assert used > 5


@pytest.mark.parametrize(
    "question",
    [
        "group=currency&measures=avg:weight_kg",
        "group=currency&measures=count:weight_kg",
        "group=currency&measures=distinct:customer_id",
        "group=currency&measures=sum:total",
        "group=currency,customer_id&measures=count",
        "group=customer_id&measures=count",
        "group=placed_at:day&measures=count",
        "group=currency&measures=count&paid.eq=true",
        "group=currency&measures=count&placed_at.isnull=false",
        "group=currency&measures=count&placed_at.gt=2026-11-25T12:30:00Z&placed_at.lt=2026-11-25T12:50:00Z",
    ],
)
async def test_what_totals_do_not_say_is_asked_of_the_rows(tables: Tables, question: str) -> None:
    assert not await same(tables, ask_groups(question))


async def test_no_total_is_used_once_a_row_is_replaced(tables: Tables) -> None:
    asked = ask_groups("group=currency&measures=count,sum:customer_id,max:weight_kg&order=currency")
    assert await same(tables, asked)
    for table in tables:
        table.add(held_rows([order_row(order_id="ord-7", currency="CHF", customer_id=10**9)]), ["ord-7"])
    assert not await same(tables, asked)


async def test_a_row_replaced_while_totals_are_read_is_not_counted_twice(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    totalled, _ = tables
    totalled.add(held_rows([order_row(order_id="later")]), [])
    asked, ask = ask_groups("measures=count"), totalled.reader.aggregate
    counted: list[Groups] = []

    async def ask_late(question: Aggregation) -> Groups:
        if not counted:
            # The statement was written before, and finds the row that came in the place of another.
            statement = totalled._compile_groups(question)
            totalled.add(held_rows([order_row(order_id="ord-7")]), ["ord-7"])
            with monkeypatch.context() as patched:
                patched.setattr(totalled.reader, "_compile_groups", lambda _: statement)
                counted.append(await ask(question))
            return counted[0]
        return await ask(question)

    monkeypatch.setattr(totalled.reader, "aggregate", ask_late)
    groups = await totalled.aggregate(asked)
    assert [list(rows) for rows in (counted[0].rows, groups.rows)] == [[(ROWS + 2,)], [(ROWS + 1,)]]


def test_totals_take_memory_that_is_counted(many: pa.Table) -> None:
    table = HeldTable(CONTRACT, many)
    # Of three blocks, six, four and four texts; each with the measures of an integer and of a number.
    assert table.size_bytes == table.narrow.row_bytes * ROWS + 14 * (13 + 2 * 32)
    table.close()
