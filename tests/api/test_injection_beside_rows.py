"""The five hundred hostile texts where groups and exports are asked for, and in the header of a request.

As a value they change nothing of the statement; in a header they change nothing of the answer's meaning.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from urllib.parse import quote

import duckdb
import pytest

from exposure.query.aggregate import Aggregation
from exposure.query.model import Query
from exposure.warehouse.aggregate_sql import AggregateDialect, compile_question
from exposure.warehouse.bigquery_aggregate_dialect import BigQueryAggregateDialect
from exposure.warehouse.bigquery_dialect import BigQueryDialect
from exposure.warehouse.duckdb_aggregate_dialect import DuckDBAggregateDialect
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.sql import compile_stream
from fakes.api_house import ApiHouse, api_house, filled_warehouse
from fakes.hostile_texts import CORPUS

DIALECTS: tuple[AggregateDialect, ...] = (
    BigQueryAggregateDialect(BigQueryDialect("some-project")),
    DuckDBAggregateDialect(DuckDBDialect()),
)
# What no value of a filter may hold, and no field of a header.
STORABLE = [text for text in CORPUS if text and "\0" not in text]
SENDABLE = [text for text in CORPUS if text.isascii() and text.isprintable() and text == text.strip()]


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


AS_A_VALUE: dict[str, Callable[[str], str]] = {
    ":aggregate?currency.eq=": str,
    ":aggregate?group=paid&currency.in=": quoted,
    ":aggregate?having.max:currency.gt=": str,
    ":aggregate?group=currency&having.min:order_id.lte=": str,
    ":aggregate?group=currency&where=": lambda text: f"not (currency eq {quoted(text)} or paid eq true)",
    ":facets?columns=paid&currency.prefix=": str,
    ":facets?columns=currency,paid&tags.has=": str,
    ":export?select=order_id&currency.eq=": str,
    ":export?select=order_id&where=": lambda text: f"currency contains {quoted(text)} or paid eq true",
}
# `Accept` may be refused, and a credential; anything else asks for nothing.
HEADERS = {
    "Accept": {200, 406}, "X-API-Key": {401}, "Authorization": {200, 401}, "Accept-Encoding": {200},
    "If-None-Match": {200}, "Origin": {200}, "X-Request-Id": {200}, "Traceparent": {200}, "Cookie": {200},
    "X-Forwarded-For": {200}, "Forwarded": {200}, "User-Agent": {200}, "Range": {200}, "Prefer": {200},
    "X-Cloud-Trace-Context": {200}, "X-HTTP-Method-Override": {200},
}  # fmt: skip


@pytest.fixture(scope="module")
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = asyncio.run(filled_warehouse([]))
    yield connection
    connection.close()


@pytest.fixture
async def hollow(empty: duckdb.DuckDBPyConnection) -> AsyncIterator[ApiHouse]:
    """Return an API over tables without orders."""
    async with api_house(empty) as house:
        yield house


@pytest.mark.parametrize("around", AS_A_VALUE)
async def test_a_text_as_a_value_leaves_the_statement_as_it_is(hollow: ApiHouse, around: str) -> None:
    harmless = await statements(hollow, around, "harmless")
    for text in STORABLE:
        assert await statements(hollow, around, text) == harmless, text


@pytest.mark.parametrize("name", HEADERS)
async def test_a_text_in_the_header_is_refused_or_asks_for_nothing(hollow: ApiHouse, name: str) -> None:
    for text in SENDABLE:
        answer = await hollow.get("/v1/analytics_table?select=id", **{name: text})
        assert answer.status_code in HEADERS[name], (name, text, answer.text)
        if answer.status_code == 200 and name != "Accept":
            assert answer.json()["data"] == [{"id": "evt-000001"}]
        assert text not in str(answer.headers) or len(text) < 12, (name, text)


async def statements(api: ApiHouse, around: str, text: str) -> list[str]:
    """Return the statements of both warehouses for the question with this text in it."""
    api.reader.questions.clear()
    answer = await api.get(f"/v1/orders{around}{quote(AS_A_VALUE[around](text), safe='')}")
    assert answer.status_code == 200, (around, text, answer.text)
    return [
        compiled(question, dialect, is_whole=":export" in around)
        for question in api.reader.questions
        for dialect in DIALECTS
    ]


def compiled(question: Query | Aggregation, dialect: AggregateDialect, *, is_whole: bool) -> str:
    if is_whole and isinstance(question, Query):
        return compile_stream(question, dialect.rows).text
    return compile_question(question, dialect).text
