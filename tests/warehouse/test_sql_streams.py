"""The SQL of streams in both dialects. `UPDATE_GOLDEN=1 pytest` rewrites tests/golden/stream_sql."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from exposure.contracts import analytics_table, orders
from exposure.query.model import Query
from exposure.warehouse.bigquery_dialect import BigQueryDialect
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.sql import Dialect, Statement, compile_stream
from fakes.questions import ask
from fakes.rows import NOON

GOLDEN = Path(__file__).parents[1] / "golden" / "stream_sql"
DIALECTS: dict[str, Dialect] = {"bigquery": BigQueryDialect("some-project"), "duckdb": DuckDBDialect()}
EVENTS = analytics_table.CONTRACT
QUESTIONS: dict[str, Query] = {
    "everything": replace(ask(EVENTS), order=()),
    "filtered": replace(
        ask(orders.CONTRACT, ("placed_at", "gte", NOON), ("currency", "in", ("EUR", "USD")), select="total"),
        order=(),
    ),
    "in_order": ask(EVENTS, select="data", order="-timestamp"),
}


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_statement_of_a_stream_is_the_reviewed_one(name: str, dialect: str) -> None:
    path = GOLDEN / f"{name}.{dialect}.sql"
    written = _written(compile_stream(QUESTIONS[name], DIALECTS[dialect]))
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(written, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == written


def test_every_golden_statement_has_its_question() -> None:
    expected = {f"{name}.{dialect}.sql" for name in QUESTIONS for dialect in DIALECTS}
    assert {path.name for path in GOLDEN.iterdir()} == expected


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_neither_the_size_nor_the_place_of_a_page_changes_a_stream(dialect: Dialect) -> None:
    query = QUESTIONS["in_order"]
    paged = replace(query, page_size=1, after=(NOON, "evt-1"))
    assert compile_stream(paged, dialect) == compile_stream(query, dialect)


def _written(statement: Statement) -> str:
    bound = [f"-- {one.name}: {one.type.value} = {one.value!r}" for one in statement.parameters]
    return "\n".join([statement.text, *bound, ""])
