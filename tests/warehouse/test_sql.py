"""The SQL of both dialects. `UPDATE_GOLDEN=1 pytest tests/warehouse/test_sql.py` rewrites tests/golden."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.contracts import analytics_table, orders
from exposure.query.model import Query
from exposure.warehouse.bigquery_dialect import BigQueryDialect
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.sql import Dialect, Statement, compile_select
from fakes.questions import ask
from fakes.rows import NOON

GOLDEN = Path(__file__).parents[1] / "golden" / "sql"
ORDERS = orders.CONTRACT
EVENTS = analytics_table.CONTRACT
DIALECTS: dict[str, Dialect] = {"bigquery": BigQueryDialect("some-project"), "duckdb": DuckDBDialect()}
QUESTIONS: dict[str, Query] = {
    "first_page": ask(EVENTS),
    "one_row": ask(EVENTS, ("id", "eq", "evt-000001"), page_size=1),
    "time_range_newest_first": ask(
        EVENTS, ("timestamp", "gte", NOON), ("timestamp", "lt", NOON.replace(day=26)), order="-timestamp"
    ),
    "time_range_next_page": ask(
        EVENTS, ("timestamp", "gte", NOON), order="-timestamp", after=(NOON.replace(day=26), "evt-7")
    ),
    "every_operator": ask(
        ORDERS,
        ("currency", "eq", "EUR"), ("paid", "ne", False), ("total", "lt", Decimal("10.5")),
        ("weight_kg", "lte", 2.5), ("customer_id", "gt", 7), ("deliver_on", "gte", date(2026, 1, 31)),
        ("order_id", "in", ("ord-1", "ord-2")), ("customer_id", "in", (1, 2, 3)),
    ),
    "every_type": ask(ORDERS, select=",".join(column.name for column in ORDERS.stored_columns)),
    "after_a_value_nullable": ask(
        ORDERS, select="total", order="-weight_kg,deliver_on,-paid",
        after=(2.5, date(2026, 1, 31), True, "ord-1"),
    ),
    "after_a_null_ascending": ask(ORDERS, select="total", order="weight_kg", after=(None, "ord-1")),
    "after_a_null_descending": ask(ORDERS, select="total", order="-weight_kg", after=(None, "ord-1")),
}  # fmt: skip


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_statement_of_a_question_is_the_reviewed_one(name: str, dialect: str) -> None:
    path = GOLDEN / f"{name}.{dialect}.sql"
    statement = compile_select(QUESTIONS[name], DIALECTS[dialect])
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(_written(statement), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == _written(statement)


def test_every_golden_statement_has_its_question() -> None:
    expected = {f"{name}.{dialect}.sql" for name in QUESTIONS for dialect in DIALECTS}
    assert {path.name for path in GOLDEN.iterdir()} == expected


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
INSTANTS = st.datetimes(timezones=st.just(UTC))


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@given(values=st.tuples(TEXT, INSTANTS, st.integers(), st.lists(TEXT, min_size=1), st.floats(), TEXT))
def test_the_text_depends_on_the_shape_of_the_question_alone(
    dialect: Dialect, values: tuple[str, datetime, int, list[str], float, str]
) -> None:
    statement = compile_select(_shape(*values), dialect)
    usual = compile_select(_shape("a", NOON, 1, ["b"], 1.0, "c"), dialect)
    assert statement.text == usual.text
    assert [one.name for one in statement.parameters] == [one.name for one in usual.parameters]


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_every_parameter_is_bound_once_and_used(dialect: Dialect) -> None:
    for query in QUESTIONS.values():
        statement = compile_select(query, dialect)
        names = [one.name for one in statement.parameters]
        assert len(set(names)) == len(names)
        assert all(dialect.placeholder(name) in statement.text for name in names)


@pytest.mark.parametrize("column", ["shipping", "items", "tags"])
def test_a_column_that_is_no_scalar_cannot_be_compared(column: str) -> None:
    with pytest.raises(TypeError, match=column):
        compile_select(ask(ORDERS, (column, "eq", "x")), DuckDBDialect())


@pytest.mark.parametrize(
    ("dialect", "name", "quoted"),
    [
        ("bigquery", "a`b\\c", "`a\\`b\\\\c`"),
        ("bigquery", 'a"b', '`a"b`'),
        ("duckdb", 'a"b`c\\', '"a""b`c\\"'),
    ],
)
def test_an_identifier_cannot_leave_its_quotes(dialect: str, name: str, quoted: str) -> None:
    assert DIALECTS[dialect].identifier(name) == quoted


def test_a_page_asks_for_one_row_more_than_it_holds() -> None:
    statement = compile_select(ask(EVENTS, page_size=100), DuckDBDialect())
    assert statement.parameters[-1].value == 101


def test_only_key_and_event_time_are_compared_before_the_rows_of_a_key_are_made_one() -> None:
    query = ask(ORDERS, ("order_id", "eq", "a"), ("placed_at", "lt", NOON), ("currency", "eq", "EUR"))
    text = compile_select(query, BigQueryDialect("p")).text
    before, after = text.split("QUALIFY")
    assert ("`order_id` = @p0" in before, "`placed_at` < @p1" in before) == (True, True)
    assert ("`currency` = @" in before, "`currency` = @" in after) == (False, True)


def _shape(text: str, instant: datetime, number: int, several: list[str], weight: float, key: str) -> Query:
    return ask(
        ORDERS,
        ("currency", "ne", text),
        ("placed_at", "gte", instant),
        ("customer_id", "eq", number),
        ("order_id", "in", tuple(several)),
        order="-weight_kg",
        after=(weight, key),
    )


def _written(statement: Statement) -> str:
    bound = [
        f"-- {one.name}: {'array of ' if one.is_array else ''}{one.type} {one.value!r}\n"
        for one in statement.parameters
    ]
    return f"{statement.text};\n\n{''.join(bound)}"
