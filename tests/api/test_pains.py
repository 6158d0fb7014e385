"""What the users of other read APIs suffer from, a test each: impossible here.

The pains are those that users of PostgREST, Datasette, Hasura, Cube, VulcanSQL and GraphQL engines report
again and again. Those that come from asking BigQuery are in `test_pains_of_bigquery`.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import duckdb
import httpx
import pytest
from jsonschema import Draft202012Validator

from exposure.api.formats.offered import FORMATS
from exposure.contracts import orders
from exposure.contracts.catalog import CATALOG
from exposure.contracts.types import Scalar
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.schema import rows_table
from fakes.api_house import ORDERS, ApiHouse, api_house, filled_warehouse
from fakes.bigquery_api import api_over
from fakes.rows import NOON, order_row
from fakes.served_api import ServedApi, served_api

NAMES = [one.name for one in FORMATS]


@pytest.fixture(scope="module")
def served(warehouse: duckdb.DuckDBPyConnection) -> Iterator[ServedApi]:
    with served_api(warehouse) as served:
        yield served


@pytest.fixture
async def growing() -> AsyncIterator[tuple[ApiHouse, Callable[..., Any]]]:
    """Return an API over the orders b to e, and what stores more of them."""
    connection = await filled_warehouse([order_row(order_id=key) for key in "bcde"])
    writer = DuckDBWriter(connection)

    async def store(*keys: str) -> None:
        rows = [order_row(order_id=key, placed_at=NOON + timedelta(hours=1)) for key in keys]
        assert not await writer.append(rows_table(orders.CONTRACT), rows)

    async with api_house(connection) as house:
        yield house, store
    await writer.close()
    connection.close()


# 1: a complete answer cannot be told from a truncated one.
@pytest.mark.parametrize("name", NAMES)
async def test_a_cut_answer_never_looks_like_a_whole_one_in_any_format(api: ApiHouse, name: str) -> None:
    for rows, is_whole in ((59, False), (60, True), (61, True)):
        answer = await api.get(f"/v1/orders?page_size={rows}&format={name}")
        assert answer.headers["x-complete"] == str(is_whole).lower()
        assert ("link" in answer.headers) == (not is_whole)
        if name == "json":
            written = answer.json()
            assert (written["complete"], written["next_page_token"] is None) == (is_whole, is_whole)


# 1
async def test_groups_that_were_cut_are_told_from_all_groups_there_are(api: ApiHouse) -> None:
    for top, is_whole in ((4, False), (5, True), (6, True)):
        answer = await api.get(f"/v1/orders:aggregate?group=currency&top={top}")
        assert answer.headers["x-complete"] == str(is_whole).lower()
        assert answer.json()["complete"] == is_whole


# 2: pages by offset lose and repeat rows when something is stored, and each costs more than the last.
async def test_rows_stored_before_where_a_walk_stands_push_no_row_onto_the_next_page(
    growing: tuple[ApiHouse, Callable[..., Any]],
) -> None:
    api, store = growing
    url, found = "/v1/orders?page_size=1&order=-placed_at", []
    answer = await api.get(url)
    for key in "afg":
        found += [row["order_id"] for row in answer.json()["data"]]
        await store(key)
        answer = await api.get(f"{url}&page_token={answer.json()['next_page_token']}")
    found += [row["order_id"] for row in answer.json()["data"]]
    assert (found, answer.json()["complete"]) == (["e", "d", "c", "b"], True)


# 2
@pytest.mark.parametrize("word", ["offset", "page", "skip"])
async def test_no_page_is_asked_for_by_how_many_rows_to_skip(api: ApiHouse, word: str) -> None:
    [error] = (await api.refused(f"/v1/orders?{word}=20"))["errors"]
    assert error["code"] == "UNKNOWN_PARAMETER"
    assert "page_token" in error["allowed"]


# 3: a stream that ended early looks finished.
@pytest.mark.parametrize("name", NAMES)
def test_an_export_that_breaks_off_never_looks_finished(served: ServedApi, name: str) -> None:
    url = f"{served.url}/v1/orders:export?format={name}"
    served.reader.parts = 1
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(url, trust_env=False)
    served.reader.parts = -1
    assert httpx.get(url, trust_env=False).status_code == 200


# 3
async def test_lines_can_be_asked_to_say_that_they_are_all(api: ApiHouse) -> None:
    answer = await api.get("/v1/orders:export?format=ndjson&end_record=true")
    *rows, end = [json.loads(line) for line in answer.text.splitlines()]
    assert end["_end"]["rows"] == len(rows) == len(ORDERS)


# 4: a walk that never ends, because a page leads to itself.
ENDLESS = ["", "weight_kg", "-weight_kg.nullsfirst", "paid", "currency,-paid", "-deliver_on.nullslast,total"]


@pytest.mark.parametrize("order", ENDLESS)
async def test_a_walk_ends_after_as_many_pages_as_it_has_rows_for(api: ApiHouse, order: str) -> None:
    url: str | None = f"/v1/orders?page_size=7&select=order_id{f'&order={order}' if order else ''}"
    pages: list[list[str]] = []
    while url and len(pages) < 20:
        answer = await api.get(url)
        pages.append([row["order_id"] for row in answer.json()["data"]])
        link = answer.headers.get("link")
        url = None if link is None else link.partition(">")[0].removeprefix("<")
    assert [len(page) for page in pages] == [7] * 8 + [4]
    assert len({key for page in pages for key in page}) == len(ORDERS)


# 6: groups are wanted and switched off for fear of what they cost.
async def test_groups_are_served_to_everybody_and_bounded_for_everybody(api: ApiHouse) -> None:
    answer = await api.get("/v1/orders:aggregate?group=currency&measures=sum:total&having.count.gte=2")
    assert answer.status_code == 200
    problem = await api.refused("/v1/orders:aggregate?group=order_id&top=1000000")
    assert problem["errors"][0]["parameter"] == "top"


# 7: the description is of a form that clients gave up.
async def test_the_description_is_openapi_3_1_and_every_schema_in_it_json_schema(api: ApiHouse) -> None:
    document = (await api.get("/openapi.json")).json()
    assert re.fullmatch(r"3\.1\.\d", document["openapi"])
    assert "swagger" not in document
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


# 8: counts and facets that nobody asked for make every page slow.
async def test_a_page_asks_for_its_rows_and_counts_nothing_unless_it_is_told_to(api: ApiHouse) -> None:
    answer = await api.get("/v1/orders?page_size=5")
    assert len(api.reader.questions) == 1
    assert "total" not in answer.json()
    assert "x-total" not in answer.headers
    assert (await api.get("/v1/orders?page_size=5&count=exact")).json()["total"]["rows"] == len(ORDERS)


# 13: numbers come as texts, or as objects of a library.
WRITTEN: dict[Scalar, type | tuple[type, ...]] = {
    Scalar.STRING: str, Scalar.INTEGER: int, Scalar.NUMBER: (int, float), Scalar.DECIMAL: str,
    Scalar.BOOLEAN: bool, Scalar.DATE: str, Scalar.TIMESTAMP: str,
}  # fmt: skip


async def test_every_value_has_the_one_form_its_type_is_documented_with(api: ApiHouse) -> None:
    document = (await api.get("/openapi.json")).json()
    media = document["paths"]["/v1/orders"]["get"]["responses"]["200"]["content"]["application/json"]
    answer = (await api.get("/v1/orders?page_size=60")).json()
    Draft202012Validator(media["schema"] | {"components": document["components"]}).validate(answer)
    for column in orders.CONTRACT.columns:
        if isinstance(column.type, Scalar) and column.type is not Scalar.JSON:
            values = [row[column.name] for row in answer["data"] if row[column.name] is not None]
            assert all(isinstance(value, WRITTEN[column.type]) for value in values), column.name


# 13
async def test_no_number_loses_a_digit_on_its_way() -> None:
    total = Decimal("99999999999999999999999999999.999999999")
    connection = await filled_warehouse([order_row(customer_id=2**63 - 1, total=total, weight_kg=0.1)])
    async with api_house(connection) as api:
        answer = await api.get("/v1/orders?select=customer_id,total,weight_kg")
    connection.close()
    assert f'"customer_id":{2**63 - 1}' in answer.text
    [row] = json.loads(answer.text, parse_float=str)["data"]
    assert (row["total"], row["weight_kg"]) == (format(total, "f"), "0.1")


# 20: nothing runs before buckets, roles and files are set up that nothing names.
async def test_an_empty_warehouse_and_no_setting_at_all_is_an_api_that_answers() -> None:
    with open_duckdb(None, [rows_table(contract) for contract in CATALOG]) as connection:
        reader = DuckDBReader(connection)
        async with api_over(reader) as api:
            for contract in (await api.get("/v1")).json()["contracts"]:
                answer = await api.get(contract["rows"])
                assert (answer.json()["data"], answer.json()["complete"]) == ([], True)
        await reader.close()
