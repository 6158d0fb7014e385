"""Pages and single rows in every format: the same rows, and the same place to go on from."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from fakes.api_house import ApiHouse, api_house, filled_warehouse
from fakes.rows import order_row

READ_PAGE: dict[str, Callable[[bytes], list[tuple[Any, ...]]]] = {
    "json": lambda body: [tuple(row.values()) for row in json.loads(body)["data"]],
    "json&shape=arrays": lambda body: [tuple(row) for row in json.loads(body)["data"]],
    "json&shape=columns": lambda body: list(zip(*json.loads(body)["data"].values(), strict=True)),
    "ndjson": lambda body: [tuple(json.loads(line).values()) for line in body.splitlines()],
    "csv": lambda body: [
        (name, int(number)) for name, number in list(csv.reader(io.StringIO(body.decode(), newline="")))[1:]
    ],
    "arrow": lambda body: [
        tuple(row.values()) for row in pa.ipc.open_stream(io.BytesIO(body)).read_all().to_pylist()
    ],
    "parquet": lambda body: [tuple(row.values()) for row in parquet.read_table(io.BytesIO(body)).to_pylist()],
}


@pytest.mark.parametrize(
    "words", ["json", "json&shape=arrays", "json&shape=columns", "ndjson", "csv", "arrow", "parquet"]
)
async def test_a_page_holds_the_same_rows_and_leads_to_the_same_place_in_every_format(
    api: ApiHouse, words: str
) -> None:
    url = "/v1/orders?order=order_id&page_size=7&select=order_id,customer_id"
    expected = (await api.get(url)).json()["data"]
    answer = await api.get(f"{url}&format={words}")
    assert READ_PAGE[words](answer.content) == [tuple(row.values()) for row in expected]
    assert answer.headers["x-complete"] == "false"
    following = answer.headers["link"].partition(">")[0].removeprefix("<")
    assert f"format={words}" in following
    assert READ_PAGE[words]((await api.get(following)).content)[0][0] == "ord-000008"


@pytest.mark.parametrize("words", ["json", "ndjson", "csv", "arrow", "parquet"])
async def test_one_row_is_served_in_every_format(api: ApiHouse, words: str) -> None:
    answer = await api.get(f"/v1/orders/ord-000001?select=order_id,customer_id&format={words}")
    assert answer.status_code == 200
    if words == "json":
        assert answer.json()["data"]["order_id"] == "ord-000001"
    else:
        assert [row[0] for row in READ_PAGE[words](answer.content)] == ["ord-000001"]


async def test_a_format_may_change_during_a_walk(api: ApiHouse) -> None:
    token = (await api.get("/v1/orders?order=order_id&page_size=7&format=arrow")).headers["link"]
    following = token.partition(">")[0].removeprefix("<").replace("format=arrow", "format=csv")
    answer = await api.get(following)
    assert answer.text.splitlines()[1].startswith("ord-000008,")


async def test_the_end_record_of_a_page_leads_on_as_its_headers_do(api: ApiHouse) -> None:
    answer = await api.get("/v1/orders?page_size=7&format=ndjson&end_record=true")
    *lines, last = answer.text.splitlines()
    told = json.loads(last)["_end"]
    assert (len(lines), told["rows"], told["complete"]) == (7, 7, False)
    assert await api.ids(f"/v1/orders?page_size=7&page_token={told['next_page_token']}")


async def test_a_page_in_csv_may_be_made_safe_for_spreadsheets() -> None:
    connection = await filled_warehouse([order_row(order_id="=cmd()", customer_id=-1)])
    async with api_house(connection) as api:
        url = "/v1/orders?select=order_id,customer_id&format=csv"
        plain, safe = await api.get(url), await api.get(f"{url}&csv_safe=true")
    connection.close()
    assert plain.text.splitlines()[1] == "=cmd(),-1"
    assert safe.text.splitlines()[1] == "'=cmd(),-1"
