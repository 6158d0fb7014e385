"""Five hundred hostile texts in every place of a request: rows or a refusal, never a fault or other SQL.

The text of a statement is always that of a harmless request of the same shape, in both dialects.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from urllib.parse import quote

import duckdb
import pytest

from exposure.contracts import orders
from exposure.contracts.canary import BEHIND_CANARIES, CANARY_PREFIX
from exposure.query.grammar import REPRESENTATION, SYSTEM_PARAMETERS
from exposure.query.model import Query, comparisons
from exposure.warehouse.bigquery_dialect import BigQueryDialect
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.sql import Dialect, compile_select
from fakes.api_house import ApiHouse, api_house, filled_warehouse
from fakes.asgi_request import RawAnswer, ask_raw
from fakes.hostile_texts import CORPUS
from fakes.oracle import met
from fakes.rows import order_row

CONTRACT = orders.CONTRACT
DIALECTS: tuple[Dialect, ...] = (DuckDBDialect(), BigQueryDialect("some-project"))
# What can be stored is: every text is the key of a row, and what a filter may find in it.
ROWS = [
    order_row(
        order_id=text,
        currency=text,
        tags=[text, "usual"],
        items=[{"sku": text, "quantity": 1, "unit_price": Decimal(1)}],
        context=json.dumps({"channel": text}),
    )
    for text in CORPUS
    if "\0" not in text
]


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


# Where a text is a value of its own: each with what is written around it.
AS_A_VALUE: dict[str, Callable[[str], str]] = {
    "order_id.eq": str,
    "currency.eq": str,
    "currency.in": quoted,
    "currency.nin": quoted,
    **{f"currency.{operator}": str for operator in ("ne", "same", "distinct", "lt", "lte", "gt", "gte")},
    "currency.prefix": str,
    "currency.contains": str,
    "currency.icontains": str,
    "tags.has": str,
    "tags.hasany": quoted,
    "items.sku.hasany": quoted,
    "context.channel.eq": str,
    "where": lambda text: f"not (currency ne {quoted(text)} or tags hasany (usual,{quoted(text)}))",
}
# Where it is a part of something with a form of its own.
WITHIN_A_FORM: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(SYSTEM_PARAMETERS, str),
    "currency.like": str,
    "shipping.street.match": str,
    **{f"{name}.eq": str for name in ("customer_id", "total", "weight_kg", "paid", "deliver_on")},
    "placed_at.gte": str,
    "customer_id.in": str,
    "weight_kg.isnull": str,
    "order": lambda text: f"weight_kg.{text}",
    "select": lambda text: f"order_id,{text}",
}
IN_A_TREE: dict[str, Callable[[str], str]] = {
    "a value without quotes": lambda text: f"currency eq {text}",
    "a column": lambda text: f"{text} eq 1",
    "a column in quotes": lambda text: f"{quoted(text)} eq 1",
    "a field": lambda text: f"shipping.{text} eq 1",
    "an operator": lambda text: f"currency {text} 1",
    "a list": lambda text: f"customer_id in (1,{text})",
    "behind a condition": lambda text: f"paid eq true {text}",
}
IN_A_NAME: dict[str, Callable[[str], str]] = {
    "a parameter": str,
    "an operator": lambda text: f"currency.{text}",
    "a field": lambda text: f"shipping.{text}.eq",
    "a column": lambda text: f"{text}.eq",
}


BESIDE_ROWS = (
    ":aggregate?group=TEXT", ":aggregate?measures=TEXT", ":aggregate?measures=sum:TEXT",
    ":aggregate?group=placed_at:TEXT", ":aggregate?having.count.gt=TEXT", ":aggregate?having.TEXT.gt=1",
    ":aggregate?order=TEXT", ":aggregate?top=TEXT", ":aggregate?fill=TEXT&group=placed_at:day",
    ":aggregate?group=placed_at:day&timezone=TEXT", ":aggregate?where=TEXT", ":aggregate?currency.eq=TEXT",
    ":facets?columns=TEXT", ":facets?columns=paid&currency.like=TEXT", ":facets?columns=paid&TEXT=1",
    ":export?select=TEXT", ":export?order=TEXT", ":export?where=TEXT", ":export?format=TEXT",
)  # fmt: skip


def test_the_corpus_holds_five_hundred_texts() -> None:
    assert len(CORPUS) >= 500


@pytest.fixture(scope="module")
def hostile() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a warehouse in which every text of the corpus is stored."""
    connection = asyncio.run(filled_warehouse(ROWS))
    yield connection
    connection.close()


@pytest.fixture
async def api(hostile: duckdb.DuckDBPyConnection) -> AsyncIterator[ApiHouse]:
    async with api_house(hostile) as house:
        yield house


@pytest.mark.parametrize("name", AS_A_VALUE)
async def test_a_text_as_a_value_finds_exactly_the_rows_it_means_by_the_same_statement(
    api: ApiHouse, name: str
) -> None:
    around = AS_A_VALUE[name]
    harmless = statements(await asked(api, name, around("harmless")))
    for text in CORPUS:
        if "İ" in text and name == "currency.icontains":
            # Of one letter in lower case Python makes two.
            continue
        if "\0" in text or not text:
            assert (await ask(api, name, around(text))).status == 400
            continue
        query = await asked(api, name, around(text))
        assert texts_of(query) == {text}
        assert statements(query) == harmless, text


@pytest.mark.parametrize("name", WITHIN_A_FORM)
async def test_a_text_within_a_form_is_of_that_form_or_refused(api: ApiHouse, name: str) -> None:
    around = WITHIN_A_FORM[name]
    for text in CORPUS:
        await check(api, name, around(text))


@pytest.mark.parametrize("place", IN_A_TREE)
async def test_a_text_in_a_tree_of_conditions_is_what_it_says_or_refused(api: ApiHouse, place: str) -> None:
    around = IN_A_TREE[place]
    for text in CORPUS:
        await check(api, "where", around(text))


@pytest.mark.parametrize("place", IN_A_NAME)
async def test_a_text_in_a_name_is_refused(api: ApiHouse, place: str) -> None:
    around = IN_A_NAME[place]
    for text in CORPUS:
        await check(api, around(text), "1")


@pytest.mark.parametrize("beside", BESIDE_ROWS)
async def test_a_text_in_a_question_about_groups_or_an_export_is_answered_or_refused(
    api: ApiHouse, beside: str
) -> None:
    path, _, query = beside.partition("?")
    for text in CORPUS:
        asked_for = query.replace("TEXT", quote(text, safe=""))
        answer = await api.get(f"/v1/orders{path}?{asked_for}")
        assert answer.status_code in (200, 400, 406), (beside, text, answer.text)


async def test_a_text_as_a_key_is_the_row_of_that_key(api: ApiHouse) -> None:
    for row in ROWS:
        path = f"/v1/orders/{quote(str(row[0]), safe='')}"
        answer = await ask_raw(api.app, path.encode(), b"select=order_id")
        assert (answer.status, answer.json()["data"]) == (200, {"order_id": row[0]})


async def test_a_text_in_a_path_is_nothing_there(api: ApiHouse) -> None:
    for text in CORPUS:
        for path in (f"/v1/{quote(text, safe='')}", f"/v1/orders:{quote(text, safe='')}"):
            answer = await ask_raw(api.app, path.encode())
            assert answer.status in (200, 400, 404), (path, answer.body)
            assert answer.status != 200 or text in ("orders", ""), path


async def check(api: ApiHouse, name: str, value: str) -> None:
    """Assert that a request is refused, or answered with the rows its question means."""
    answer = await ask(api, name, value)
    if answer.status == 200:
        if api.reader.questions and name not in REPRESENTATION:
            right(api, answer)
        return
    assert answer.status in (400, 406), (name, value, answer.body)
    assert answer.headers["content-type"] == "application/problem+json"
    assert not api.reader.questions


async def asked(api: ApiHouse, name: str, value: str) -> Query:
    """Return the question of a request that is answered, and answered right."""
    answer = await ask(api, name, value)
    assert answer.status == 200, (name, value, answer.body)
    return right(api, answer)


def right(api: ApiHouse, answer: RawAnswer) -> Query:
    """Return the question asked, the answer to which is the rows it means."""
    [query] = api.reader.questions
    assert isinstance(query, Query)
    found = [row["order_id"] for row in answer.json()["data"]]
    meant = {str(row[0]) for row in met(CONTRACT, query.filters, ROWS)}
    assert set(found) <= meant
    assert len(set(found)) == len(found) == min(len(meant), query.page_size)
    return query


async def ask(api: ApiHouse, name: str, value: str) -> RawAnswer:
    api.reader.questions.clear()
    lean = [("select", "order_id"), ("page_size", "50")]
    pairs = [(name, value), *(one for one in lean if one[0] != name)]
    query = "&".join(f"{quote(key, safe='')}={quote(text, safe='')}" for key, text in pairs)
    return await ask_raw(api.app, b"/v1/orders", query.encode())


def statements(query: Query) -> list[str]:
    """Return the texts of a question's statements."""
    return [compile_select(query, dialect).text for dialect in DIALECTS]


def texts_of(query: Query) -> set[object]:
    """Return what the comparisons of a question compare with, of lists the last; the API's own left out."""
    asked = [one for one in comparisons(*query.filters) if one.column.name != query.contract.event_time]
    texts = {one.value[-1] if isinstance(one.value, tuple) else one.value for one in asked}
    return texts - {CANARY_PREFIX, BEHIND_CANARIES}
