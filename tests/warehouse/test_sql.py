"""The SQL of both dialects. `UPDATE_GOLDEN=1 pytest tests/warehouse/test_sql.py` rewrites tests/golden."""

from __future__ import annotations

import math
import os
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.contracts import analytics_table, orders
from exposure.contracts.model import Column
from exposure.contracts.types import Object, Scalar
from exposure.query.grammar import (
    LIST_OPERATORS,
    Place,
    comparable_columns,
    operators_of,
    places,
    scalar_of,
)
from exposure.query.model import And, Not, Operator, Or, Query, Snapshot
from exposure.warehouse.bigquery_dialect import BigQueryDialect
from exposure.warehouse.duckdb_dialect import SNAPSHOT_ROWS, DuckDBDialect
from exposure.warehouse.sql import Dialect, Statement, compile_select
from fakes.declarations import EVENT_TIME, KEY, declared
from fakes.questions import ask, compared
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
    "time_range_next_page_of_a_snapshot": replace(
        ask(EVENTS, ("timestamp", "gte", NOON), order="-timestamp", after=(NOON.replace(day=26), "evt-7")),
        snapshot=Snapshot(NOON, 1000),
    ),
    "every_operator": ask(
        ORDERS,
        ("currency", "eq", "EUR"), ("paid", "ne", False), ("total", "lt", Decimal("10.5")),
        ("weight_kg", "lte", 2.5), ("customer_id", "gt", 7), ("deliver_on", "gte", date(2026, 1, 31)),
        ("order_id", "in", ("ord-1", "ord-2")), ("customer_id", "in", (1, 2, 3)),
    ),
    "every_text_and_null_operator": ask(
        ORDERS,
        ("currency", "prefix", "E"), ("currency", "contains", "U"), ("currency", "icontains", "r"),
        ("currency", "like", "E_R\\%"), ("currency", "nin", ("USD",)), ("currency", "same", "EUR"),
        ("deliver_on", "distinct", date(2026, 1, 31)), ("weight_kg", "isnull", True),
        ("weight_kg", "gte", 1.5), ("shipping", "isnull", False),
        ("shipping.street", "match", "^[A-Z]"),
    ),
    "inside_columns": ask(
        ORDERS,
        ("tags", "has", "gift"), ("tags", "hasany", ("gift", "vip")), ("items.sku", "has", "SKU-1"),
        ("items.quantity", "hasany", (1, 2)), ("shipping.city", "eq", "Madrid"),
        ("shipping.latitude", "gt", 40.0), ("context.channel", "eq", "web"),
        ("context.channel", "isnull", True),
    ),
    "a_tree": ask(
        ORDERS,
        Or((
            Not(compared(ORDERS, "currency", "eq", "EUR")),
            And((compared(ORDERS, "paid", "eq", True), compared(ORDERS, "tags", "has", "gift"))),
        )),
        Or((compared(ORDERS, "placed_at", "lt", NOON), compared(ORDERS, "order_id", "eq", "ord-1"))),
        ("placed_at", "gte", NOON.replace(year=2025)),
    ),
    "nulls_placed": ask(
        ORDERS, select="total", order="deliver_on.nullslast,-weight_kg.nullsfirst",
        after=(date(2026, 1, 31), 2.5, "ord-1"),
    ),
    "after_nan": ask(ORDERS, select="total", order="weight_kg.nullslast", after=(math.nan, "ord-1")),
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


VALUES: dict[Scalar, st.SearchStrategy[Any]] = {
    Scalar.STRING: TEXT,
    Scalar.INTEGER: st.integers(),
    Scalar.NUMBER: st.floats(allow_nan=False),
    Scalar.DECIMAL: st.decimals(allow_nan=False),
    Scalar.BOOLEAN: st.booleans(),
    Scalar.DATE: st.dates(),
    Scalar.TIMESTAMP: INSTANTS,
}
PLACES = places(ORDERS)


@st.composite
def twins(draw: st.DrawFn) -> tuple[Query, Query]:
    """Draw two questions of one shape: the same but for their values."""
    asked = draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=6))
    shapes = [(place, draw(st.sampled_from(place.operators))) for place in asked]
    columns = draw(st.lists(st.sampled_from(comparable_columns(ORDERS)), unique=True, max_size=3))
    signs = [draw(st.sampled_from(["", "-"])) for _ in columns]
    order = ",".join(f"{sign}{column.name}" for sign, column in zip(signs, columns, strict=True))
    # BigQuery takes no parameter in its place: the moment is part of the shape.
    snapshot = draw(st.none() | st.builds(Snapshot, INSTANTS, st.integers(0)))
    one, other = (replace(_shaped(draw, shapes, order), snapshot=snapshot) for _ in range(2))
    return one, other


def _shaped(draw: st.DrawFn, shapes: list[tuple[Place, Operator]], order: str) -> Query:
    filters = [place.filter(operator, _value(draw, place, operator)) for place, operator in shapes]
    tree = (Or((And(tuple(filters)), Not(filters[0]))), *filters) if len(filters) > 1 else filters
    query = ask(ORDERS, *tree, order=order)
    return replace(query, after=tuple(draw(VALUES[scalar_of(one.column)]) for one in query.order))


def _value(draw: st.DrawFn, place: Place, operator: Operator) -> object:
    if operator is Operator.ISNULL or place.scalar is None:
        return True
    values = VALUES[place.scalar]
    several = st.lists(values, min_size=1, max_size=4).map(tuple)
    return draw(several if operator in LIST_OPERATORS else values)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@given(pair=twins())
def test_the_text_depends_on_the_shape_of_the_question_alone(
    dialect: Dialect, pair: tuple[Query, Query]
) -> None:
    one, other = (compile_select(query, dialect) for query in pair)
    assert one.text == other.text
    assert [(bound.name, bound.type, bound.is_array) for bound in one.parameters] == [
        (bound.name, bound.type, bound.is_array) for bound in other.parameters
    ]


@given(at=st.datetimes(timezones=st.timezones()), rows=st.integers(0, 2**63 - 1))
def test_of_a_snapshot_one_instant_in_utc_or_one_parameter_is_in_the_statement(
    at: datetime, rows: int
) -> None:
    asked = replace(ask(EVENTS), snapshot=Snapshot(at, rows))
    statement = compile_select(asked, BigQueryDialect("p"))
    [written] = re.findall(
        r" FOR SYSTEM_TIME AS OF TIMESTAMP '(\d{4}-\d\d-\d\d [\d:.]{15}\+00:00)'", statement.text
    )
    assert datetime.fromisoformat(written) == at.astimezone(UTC)
    counted = compile_select(asked, DuckDBDialect())
    assert counted.text == compile_select(replace(asked, snapshot=Snapshot(NOON, 1)), DuckDBDialect()).text
    assert (SNAPSHOT_ROWS, rows) in [(one.name, one.value) for one in counted.parameters]


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@given(text=TEXT)
def test_no_value_is_ever_written_into_the_text(dialect: Dialect, text: str) -> None:
    marked = f"§{text}§"
    for operator in operators_of(Scalar.STRING):
        value: object = (marked,) if operator in LIST_OPERATORS else marked
        asked = ask(
            ORDERS, ("currency", operator, value), ("context.channel", operator, value), order="currency"
        )
        statement = compile_select(replace(asked, after=(marked, marked)), dialect)
        assert "§" not in statement.text


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_every_parameter_is_bound_once_and_used(dialect: Dialect) -> None:
    for query in QUESTIONS.values():
        statement = compile_select(query, dialect)
        names = [one.name for one in statement.parameters]
        assert len(set(names)) == len(names)
        assert all(dialect.placeholder(name) in statement.text for name in names)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_a_page_goes_on_behind_a_bound_on_the_first_column_alone(dialect: Dialect) -> None:
    query = ask(EVENTS, order="-timestamp", after=(NOON, "evt-7"))
    name, key = dialect.identifier("timestamp"), dialect.identifier("id")
    first, second = dialect.placeholder("p0"), dialect.placeholder("p1")
    keyset = f"WHERE ({name} <= {first} AND ({name} < {first} OR {key} > {second}))"
    assert keyset in compile_select(query, dialect).text


def test_a_position_never_acts_before_the_rows_of_a_key_are_made_one() -> None:
    query = ask(EVENTS, ("timestamp", "gte", NOON), order="-timestamp", after=(NOON, "evt-7"))
    before, after = compile_select(query, BigQueryDialect("p")).text.split("QUALIFY")
    assert ("`timestamp` >= @p0" in before, "<=" in before, "`timestamp` <= @p1" in after) == (
        True, False, True,
    )  # fmt: skip


def test_a_member_of_json_below_an_object_is_one_path() -> None:
    device = Object((Column("os", Scalar.STRING), Column("cores", Scalar.INTEGER)))
    column = Column("context", Scalar.JSON, members=(Column("device", device),))
    contract = declared(columns=(KEY, EVENT_TIME, column))
    query = ask(contract, ("context.device.os", "eq", "x"), ("context.device.cores", "gt", 1))
    assert "JSON_VALUE(`context`, '$.device.os') = @p0" in compile_select(query, BigQueryDialect("p")).text
    assert "'$.device.cores'" in compile_select(query, DuckDBDialect()).text


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


def _written(statement: Statement) -> str:
    bound = [
        f"-- {one.name}: {'array of ' if one.is_array else ''}{one.type} {one.value!r}\n"
        for one in statement.parameters
    ]
    return f"{statement.text};\n\n{''.join(bound)}"
