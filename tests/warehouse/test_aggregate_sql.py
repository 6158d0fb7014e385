"""The SQL of groups. `UPDATE_GOLDEN=1 pytest tests/warehouse/test_aggregate_sql.py` rewrites tests/golden."""

from __future__ import annotations

import os
from datetime import UTC
from pathlib import Path
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.contracts import analytics_table, orders
from exposure.contracts.model import Contract
from exposure.query.aggregate import Aggregation, Unit
from exposure.query.aggregate_parse import count_rows, parse_aggregation
from exposure.warehouse.aggregate_sql import AggregateDialect, compile_aggregate, group_columns
from exposure.warehouse.bigquery_aggregate_dialect import BigQueryAggregateDialect, BigQueryStoredDialect
from exposure.warehouse.bigquery_dialect import BigQueryDialect
from exposure.warehouse.duckdb_aggregate_dialect import DuckDBAggregateDialect
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.sql import Statement
from fakes.asking import ask_facets

GOLDEN = Path(__file__).parents[1] / "golden" / "aggregate_sql"
ORDERS = orders.CONTRACT
EVENTS = analytics_table.CONTRACT
DIALECTS: dict[str, AggregateDialect] = {
    "bigquery": BigQueryAggregateDialect(BigQueryDialect("some-project")),
    "duckdb": DuckDBAggregateDialect(DuckDBDialect()),
}
FUNCTIONS = ("count", "distinct", "approx_distinct", "sum", "avg", "min", "max", "p95")


def asked(question: str, contract: Contract = ORDERS) -> Aggregation:
    return parse_aggregation(contract, parse_qsl(question))


QUESTIONS = {
    "count_of_all": asked("", EVENTS),
    "count_of_a_filter": count_rows(asked("total.gt=1.5&placed_at.gte=2026-01-01T00:00:00Z")),
    "days_of_a_zone": asked(
        "group=timestamp:day&timezone=Europe/Madrid&timestamp.gte=2026-01-01T00:00:00Z", EVENTS
    ),
    "every_unit_of_instants": asked("group=placed_at:minute,placed_at:hour,placed_at:day,placed_at:month"),
    "every_unit_of_a_zone": asked(
        "group=placed_at:hour,placed_at:day,placed_at:week:sunday,placed_at:quarter,placed_at:year"
        "&timezone=Asia/Kolkata"
    ),
    "every_unit_of_dates": asked(
        "group=deliver_on:day,deliver_on:week,deliver_on:week:sunday,deliver_on:month"
    ),
    "every_measure_of_decimals": asked("measures=" + ",".join(f"{one}:total" for one in FUNCTIONS)),
    "every_measure_of_numbers": asked("measures=" + ",".join(f"{one}:weight_kg" for one in FUNCTIONS)),
    "every_measure_of_integers": asked("measures=" + ",".join(f"{one}:customer_id" for one in FUNCTIONS)),
    "top_by_a_measure_with_conditions": asked(
        "group=currency,paid&measures=count&order=-avg:weight_kg,currency&top=10&having.sum:total.gte=10"
        "&having.avg:weight_kg.gt=1.5&having.max:weight_kg.lt=9&currency.ne=EUR"
    ),
    "facets": ask_facets("columns=currency,shipping.city&top=3&total.gt=1"),
    "inside_columns": asked(
        "group=shipping.city,context.channel&measures=avg:shipping.latitude&order=-count:shipping"
    ),
    "filled": asked(
        "group=placed_at:hour,currency&fill=zero"
        "&placed_at.gte=2026-01-01T00:00:00Z&placed_at.lt=2026-01-02T00:00:00Z"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_statement_of_a_question_about_groups_is_the_reviewed_one(name: str, dialect: str) -> None:
    path = GOLDEN / f"{name}.{dialect}.sql"
    statement = compile_aggregate(QUESTIONS[name], DIALECTS[dialect])
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(_written(statement), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == _written(statement)


def test_every_golden_statement_about_groups_has_its_question() -> None:
    expected = {f"{name}.{dialect}.sql" for name in QUESTIONS for dialect in DIALECTS}
    assert {path.name for path in GOLDEN.iterdir()} == expected


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
DECIMALS = st.decimals(-(10**9), 10**9, places=5).map(lambda value: format(value, "f"))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32).map(str)
INSTANTS = st.datetimes(timezones=st.just(UTC)).map(lambda time: time.isoformat())


def shape(text: str, decimal: str, number: str, instant: str, top: int, zone: str) -> Aggregation:
    return asked(
        f"group=placed_at:hour,currency&measures=avg:total&order=-max:weight_kg&top={top}&timezone={zone}"
        f"&currency.ne={quote(text)}&placed_at.gte={quote(instant)}&having.sum:total.gte={decimal}"
        f"&having.max:weight_kg.lt={quote(number)}&having.min:currency.eq={quote(text)}"
    )


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@settings(deadline=None)
@given(
    values=st.tuples(
        TEXT, DECIMALS, NUMBERS, INSTANTS, st.integers(1, 1000),
        st.sampled_from(["Asia/Kolkata", "America/New_York", "Pacific/Apia"]),
    )
)  # fmt: skip
def test_no_value_reaches_the_text_of_a_question_about_groups(
    dialect: AggregateDialect, values: tuple[str, str, str, str, int, str]
) -> None:
    statement = compile_aggregate(shape(*values), dialect)
    usual = compile_aggregate(shape("a", "1", "1.0", "2026-01-01T00:00:00Z", 1, "Europe/Madrid"), dialect)
    assert statement.text == usual.text
    assert [one.name for one in statement.parameters] == [one.name for one in usual.parameters]


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_every_parameter_of_a_question_about_groups_is_bound_once_and_used(dialect: AggregateDialect) -> None:
    for question in QUESTIONS.values():
        statement = compile_aggregate(question, dialect)
        names = [one.name for one in statement.parameters]
        assert len(set(names)) == len(names)
        assert all(dialect.rows.placeholder(name) in statement.text for name in names)


def test_one_group_more_than_asked_for_tells_whether_there_are_more() -> None:
    statement = compile_aggregate(asked("group=currency&top=7"), DIALECTS["duckdb"])
    assert statement.parameters[-1].value == 8


def test_a_measure_only_compared_or_sorted_by_is_computed_once() -> None:
    question = asked(
        "group=paid&measures=count&having.sum:total.gt=1&having.sum:total.lt=9&order=-sum:total,-count"
    )
    assert [one.name for one in question.computed] == ["count", "sum:total"]
    assert [column.name for column in group_columns(question)] == ["g0", "m0", "m1"]
    assert compile_aggregate(question, DIALECTS["bigquery"]).text.count("SUM(") == 1


def test_an_estimate_counts_stored_rows_and_chooses_none_of_a_key() -> None:
    question = count_rows(asked("currency.eq=EUR"))
    stored = compile_aggregate(question, BigQueryAggregateDialect(BigQueryStoredDialect("p"))).text
    assert "QUALIFY" not in stored
    assert "QUALIFY" in compile_aggregate(question, BigQueryAggregateDialect(BigQueryDialect("p"))).text


def test_every_unit_has_its_label_in_both_dialects() -> None:
    for dialect in DIALECTS.values():
        texts = {
            compile_aggregate(asked(f"group=placed_at:{unit}&timezone=Asia/Kolkata"), dialect).text
            for unit in (*Unit, "week:sunday")
        }
        assert len(texts) == len(Unit) + 1


def _written(statement: Statement) -> str:
    bound = [f"-- {one.name}: {one.type} {one.value!r}\n" for one in statement.parameters]
    return f"{statement.text};\n\n{''.join(bound)}"
