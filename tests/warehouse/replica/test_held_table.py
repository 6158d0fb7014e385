"""The table of a copy: which numbers are plain, and the columns it holds once more in a narrow form."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pyarrow as pa
import pytest

from exposure.contracts import orders
from exposure.warehouse.aggregate_sql import compile_aggregate
from exposure.warehouse.replica.held_table import HeldTable
from exposure.warehouse.replica.narrow_columns import LEAST_ROWS, MOST_TEXTS, UnnumberedText
from fakes.asking import ask_groups
from fakes.gate import Gate
from fakes.held_rows import held_rows
from fakes.rows import order_row

CONTRACT = orders.CONTRACT
# The largest and the smallest that four bytes of 1024ths hold.
LARGEST = 2.0**21 - 1 / 1024
WEIGHTS = (1.5, None, -0.25, LARGEST, -LARGEST, 1 / 1024, 0.0)
CURRENCIES = ("USD", "EUR", "", "ñ", "a'b", "CHF")


class Closable:
    """A connection that tells when it is closed."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, closed: threading.Event) -> None:
        self._connection, self._closed = connection, closed

    def close(self) -> None:
        self._connection.close()
        self._closed.set()


def weighing(*weights: float | None) -> pa.Table:
    return held_rows([order_row(order_id=str(at), weight_kg=weight) for at, weight in enumerate(weights)])


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
        order_row(
            order_id=f"ord-{number}",
            currency=CURRENCIES[number % 6],
            customer_id=number % 9,
            weight_kg=WEIGHTS[number % 7],
        )
        for number in range(LEAST_ROWS)
    ]
    return held_rows(rows)


@pytest.fixture
async def tables(many: pa.Table) -> AsyncIterator[tuple[HeldTable, HeldTable]]:
    numbered, plain = HeldTable(CONTRACT, many), HeldTable(CONTRACT, many, narrows=False)
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
        "group=currency&measures=count,sum:weight_kg&order=currency",
        "group=currency&measures=sum:weight_kg,min:weight_kg,max:weight_kg,count:weight_kg&order=-sum:weight_kg",
        "measures=sum:weight_kg,max:weight_kg&weight_kg.gt=1.25&customer_id.eq=3",
        "group=customer_id&measures=sum:weight_kg&having.sum:weight_kg.lt=0&order=customer_id",
        "group=currency&measures=min:weight_kg&weight_kg.isnull=true&order=currency",
        "measures=distinct:weight_kg,p50:weight_kg,sum:weight_kg",
    ],
)
async def test_groups_are_the_same_in_either_form(tables: tuple[HeldTable, HeldTable], question: str) -> None:
    numbered, plain = tables
    ours = await numbered.reader.aggregate(ask_groups(question))
    theirs = await plain.reader.aggregate(ask_groups(question))
    assert (list(ours.rows), ours.complete) == (list(theirs.rows), theirs.complete)


@pytest.mark.parametrize(
    ("question", "narrow"),
    [
        ("group=currency&measures=count", {"_number_currency"}),
        ("group=currency&measures=max:currency", set()),
        ("group=currency&measures=sum:weight_kg,count", {"_number_currency", "_parts_weight_kg"}),
        ("measures=min:weight_kg,max:weight_kg", {"_parts_weight_kg"}),
        ("measures=sum:weight_kg,avg:weight_kg", set()),
        ("measures=sum:weight_kg,count:weight_kg", set()),
        ("measures=sum:total", set()),
    ],
)
def test_a_narrow_column_is_read_where_it_says_the_same(
    tables: tuple[HeldTable, HeldTable], question: str, narrow: set[str]
) -> None:
    asked = ask_groups(question)
    for table, expected in zip(tables, (narrow, set()), strict=True):
        text = compile_aggregate(asked, table.narrow.dialect(asked)).text
        assert set(re.findall("_(?:number|parts)_[a-z_]+", text)) == expected


async def test_a_text_without_a_number_is_told_and_changes_nothing(
    tables: tuple[HeldTable, HeldTable],
) -> None:
    numbered, plain = tables
    new = held_rows([order_row(order_id="new", currency="JPY")])
    with pytest.raises(UnnumberedText):
        numbered.add(new, ["ord-0"])
    plain.add(new, [])
    counted = ask_groups("measures=count")
    assert list((await numbered.reader.aggregate(counted)).rows) == [(LEAST_ROWS,)]
    assert list((await plain.reader.aggregate(counted)).rows) == [(LEAST_ROWS + 1,)]


@pytest.mark.parametrize("odd", [0.1, 1 / 2048, 2.0**21, -(2.0**40), float("nan"), float("-inf")])
async def test_a_number_without_a_narrow_form_ends_what_is_made_of_its_column_and_no_more(
    tables: tuple[HeldTable, HeldTable], odd: float
) -> None:
    narrow, plain = tables
    new = held_rows([order_row(order_id="new", weight_kg=odd)])
    assert narrow.plain_numbers.names == {"weight_kg"}
    for table in tables:
        table.add(new, ["ord-0"])
    # A question about its sum is no longer answered here: see `is_proven`.
    assert not narrow.plain_numbers.names
    for question in ("group=currency&measures=count,count:weight_kg&order=currency", "measures=max:order_id"):
        ours = await narrow.reader.aggregate(ask_groups(question))
        theirs = await plain.reader.aggregate(ask_groups(question))
        assert list(ours.rows) == list(theirs.rows)


@pytest.mark.parametrize("odd", [0.1, 2.0**21, -(2.0**21), float("nan"), float("inf")])
def test_numbers_that_are_large_or_odd_have_no_narrow_form(odd: float) -> None:
    rows = [order_row(order_id=str(at), weight_kg=1.5 if at else odd) for at in range(LEAST_ROWS)]
    table = HeldTable(CONTRACT, held_rows(rows))
    assert not table.narrow.numbers
    table.add(weighing(0.3), [])
    table.close()


def test_many_texts_have_no_numbers() -> None:
    rows = [order_row(order_id=str(at), currency=str(at % (MOST_TEXTS + 1))) for at in range(LEAST_ROWS)]
    table = HeldTable(CONTRACT, held_rows(rows))
    assert not table.narrow.texts
    table.add(held_rows([order_row(order_id="new", currency="JPY")]), [])
    table.close()


def test_a_table_closed_while_rows_are_put_in_is_closed_after_that(
    monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    table, closed = HeldTable(CONTRACT, weighing(1.0)), threading.Event()
    put, connection = table._put, table._connection

    def put_late(rows: pa.Table, statement: str) -> None:
        gate()
        put(rows, statement)

    monkeypatch.setattr(table, "_put", put_late)
    monkeypatch.setattr(table, "_connection", Closable(connection, closed))
    with ThreadPoolExecutor(1) as threads:
        adding = threads.submit(table.add, weighing(2.0), [])
        assert gate.entered.acquire(timeout=30)
        table.close()
        assert not closed.wait(0.1)
        gate.open.set()
        adding.result(30)
    assert closed.wait(30)
    with pytest.raises(duckdb.ConnectionException):
        table.add(weighing(3.0), [])
