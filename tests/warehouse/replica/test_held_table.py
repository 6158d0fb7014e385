"""The table of a copy: which numbers are plain, and few texts that are grouped by their numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pyarrow as pa
import pytest

from exposure.contracts import orders
from exposure.query.aggregate import Aggregation
from exposure.query.model import Row
from exposure.warehouse.aggregate_sql import compile_aggregate
from exposure.warehouse.arrow import record_batch
from exposure.warehouse.duckdb_values import unzoned_schema
from exposure.warehouse.replica.few_texts import LEAST_ROWS, MOST_TEXTS, UnnumberedText
from exposure.warehouse.replica.held_table import HeldTable
from fakes.asking import ask_groups
from fakes.rows import NOON, order_row

CONTRACT = orders.CONTRACT
CURRENCIES = ("USD", "EUR", "", "ñ", "a'b", "CHF")


def arrow(rows: Sequence[Row]) -> pa.Table:
    zoned = record_batch(unzoned_schema(CONTRACT.stored_columns), [_naive(row) for row in rows])
    return pa.Table.from_batches([zoned])


def _naive(row: Row) -> Row:
    return tuple(NOON.replace(tzinfo=None) if value == NOON else value for value in row)


def weighing(*weights: float | None) -> pa.Table:
    return arrow([order_row(order_id=str(at), weight_kg=weight) for at, weight in enumerate(weights)])


@pytest.mark.parametrize(
    ("weights", "is_plain"),
    [
        ((1.5, None, -0.25, 0.0, 1 / 1024), True),
        ((0.1,), False),
        ((1 / 2048,), False),
        ((-0.0,), False),
        ((float("nan"),), False),
        ((float("inf"),), False),
        ((2.0**42, -(2.0**42)), False),
        ((2.0**42, -(2.0**41)), True),
        ((), True),
    ],
)
def test_numbers_are_plain_while_no_order_of_adding_matters(
    weights: tuple[float | None, ...], is_plain: bool
) -> None:
    loaded = HeldTable(CONTRACT, weighing(*weights))
    assert (loaded.plain_numbers.names == {"weight_kg"}) is is_plain
    loaded.close()
    added = HeldTable(CONTRACT, weighing())
    added.add(weighing(*weights), [])
    assert (added.plain_numbers.names == {"weight_kg"}) is is_plain
    added.add(weighing(1.0), [])
    assert (added.plain_numbers.names == {"weight_kg"}) is is_plain
    added.close()


@pytest.fixture(scope="module")
def many() -> pa.Table:
    rows = [
        order_row(order_id=f"ord-{number}", currency=CURRENCIES[number % 6], customer_id=number % 9)
        for number in range(LEAST_ROWS)
    ]
    return arrow(rows)


@pytest.fixture
async def tables(many: pa.Table) -> AsyncIterator[tuple[HeldTable, HeldTable]]:
    numbered, plain = HeldTable(CONTRACT, many), HeldTable(CONTRACT, many, numbers_texts=False)
    yield numbered, plain
    numbered.close()
    plain.close()


@pytest.mark.parametrize(
    "question",
    [
        "group=currency&measures=count",
        "group=currency&measures=count,sum:total&order=-currency&top=3",
        "group=currency&measures=count,sum:total&order=currency&top=4",
        "group=currency&measures=count,max:currency&order=currency",
        "group=currency,customer_id&measures=count,min:currency&order=-count,currency",
        "group=currency&measures=count&currency.in=EUR,USD,XXX",
        "group=currency&measures=max:customer_id&having.count.gt=1&where=currency gt EUR",
        "measures=distinct:currency,min:currency",
    ],
)
async def test_groups_are_the_same_by_text_and_by_number(
    tables: tuple[HeldTable, HeldTable], question: str
) -> None:
    numbered, plain = tables
    ours = await numbered.reader.aggregate(ask_groups(question))
    theirs = await plain.reader.aggregate(ask_groups(question))
    assert (list(ours.rows), ours.complete) == (list(theirs.rows), theirs.complete)


def test_a_column_is_read_by_number_where_it_is_only_grouped_by(tables: tuple[HeldTable, HeldTable]) -> None:
    numbered, plain = tables
    asked = ask_groups("group=currency&measures=count")
    measured = ask_groups("group=currency&measures=max:currency")
    assert _is_by_number(numbered, asked)
    assert not _is_by_number(numbered, measured)
    assert not _is_by_number(plain, asked)


def _is_by_number(table: HeldTable, asked: Aggregation) -> bool:
    return "_number_currency" in compile_aggregate(asked, table.few.dialect(asked)).text


async def test_a_text_without_a_number_is_told_and_changes_nothing(
    tables: tuple[HeldTable, HeldTable],
) -> None:
    numbered, plain = tables
    new = arrow([order_row(order_id="new", currency="JPY")])
    with pytest.raises(UnnumberedText):
        numbered.add(new, ["ord-0"])
    plain.add(new, [])
    counted = ask_groups("measures=count")
    assert list((await numbered.reader.aggregate(counted)).rows) == [(LEAST_ROWS,)]
    assert list((await plain.reader.aggregate(counted)).rows) == [(LEAST_ROWS + 1,)]


def test_many_texts_have_no_numbers() -> None:
    rows = [order_row(order_id=str(at), currency=str(at % (MOST_TEXTS + 1))) for at in range(LEAST_ROWS)]
    table = HeldTable(CONTRACT, arrow(rows))
    assert not table.few.numbered
    table.add(arrow([order_row(order_id="new", currency="JPY")]), [])
    table.close()
