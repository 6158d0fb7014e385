"""All rows in one answer."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from exposure.api.export import _Parts
from exposure.api.formats.choice import choose_format
from exposure.api.time_window import Meant
from exposure.contracts import orders
from exposure.warehouse.port import (
    QueryTooExpensive,
    WarehouseMisconfigured,
    WarehouseUnavailable,
)
from fakes.api_house import ORDERS, ApiHouse
from fakes.questions import ask

READ: dict[str, Callable[[bytes], list[Any]]] = {
    "json": lambda body: [row["order_id"] for row in json.loads(body)["data"]],
    "json&shape=arrays": lambda body: [row[0] for row in json.loads(body)["data"]],
    "ndjson": lambda body: [json.loads(line)["order_id"] for line in body.splitlines()],
    "csv": lambda body: [line[0] for line in csv.reader(io.StringIO(body.decode(), newline=""))][1:],
    "arrow": lambda body: pa.ipc.open_stream(io.BytesIO(body)).read_all()["order_id"].to_pylist(),
    "parquet": lambda body: parquet.read_table(io.BytesIO(body))["order_id"].to_pylist(),
}
EVERY_FORMAT = pytest.mark.parametrize("words", list(READ))
IDS = sorted(str(row[0]) for row in ORDERS)


@EVERY_FORMAT
async def test_an_export_holds_every_row_once(api: ApiHouse, words: str) -> None:
    answer = await api.get(f"/v1/orders:export?format={words}")
    assert answer.status_code == 200, answer.text
    assert sorted(READ[words](answer.content)) == IDS


@EVERY_FORMAT
async def test_an_export_is_in_the_order_that_was_asked_for(api: ApiHouse, words: str) -> None:
    pages = await api.ids("/v1/orders?order=-total,placed_at&page_size=1000")
    answer = await api.get(f"/v1/orders:export?format={words}&order=-total,placed_at")
    assert READ[words](answer.content) == pages


@EVERY_FORMAT
async def test_an_export_holds_what_the_filters_let_through(api: ApiHouse, words: str) -> None:
    question = "order=order_id&total.gt=0&currency.in=Madrid"
    expected = await api.ids(f"/v1/orders?{question}&page_size=1000")
    answer = await api.get(f"/v1/orders:export?{question}&format={words}")
    assert expected
    assert READ[words](answer.content) == expected


async def test_an_export_takes_trees_of_conditions_as_pages_do(api: ApiHouse) -> None:
    question = "order=order_id&where=paid eq true and (total gt 1 or currency eq Madrid)"
    expected = await api.ids(f"/v1/orders?{question}&page_size=1000")
    answer = await api.get(f"/v1/orders:export?{question}")
    assert 0 < len(expected) < len(IDS)
    assert [row["order_id"] for row in answer.json()["data"]] == expected


@EVERY_FORMAT
async def test_an_export_without_rows_is_a_whole_answer(api: ApiHouse, words: str) -> None:
    answer = await api.get(f"/v1/orders:export?customer_id.eq=1&format={words}")
    assert (answer.status_code, READ[words](answer.content)) == (200, [])


async def test_an_export_in_json_looks_like_the_only_page_of_a_walk(api: ApiHouse) -> None:
    answer = await api.get("/v1/orders:export?order=order_id")
    page = await api.get("/v1/orders?order=order_id&page_size=1000")
    body, expected = answer.json(), page.json()
    assert list(body) == list(expected)
    assert (body["data"], body["complete"], body["next_page_token"]) == (expected["data"], True, None)
    assert body["as_of"] == answer.headers["x-as-of"]


async def test_an_export_says_what_it_is_before_it_begins(api: ApiHouse) -> None:
    answer = await api.get("/v1/orders:export", accept="text/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == 'attachment; filename="orders.csv"'
    assert answer.headers["x-complete"] == "true"
    assert answer.headers["x-bytes-billed"] == "0"
    assert answer.headers["cache-control"] == "no-store"
    assert "Accept" in answer.headers["vary"]
    assert "content-length" not in answer.headers


async def test_a_head_of_an_export_has_its_headers_and_reads_no_more_than_its_beginning(
    api: ApiHouse,
) -> None:
    for coding in ("identity", "gzip"):
        whole = await api.get("/v1/orders:export?format=csv", **{"accept-encoding": coding})
        head = await api.client.head("/v1/orders:export?format=csv", headers={"accept-encoding": coding})
        assert (head.status_code, head.content) == (200, b"")
        changing = ("x-request-id", "x-as-of")
        assert [item for item in head.headers.items() if item[0] not in changing] == [
            item for item in whole.headers.items() if item[0] not in changing
        ]


@pytest.mark.parametrize("name", ["page_size", "page_token", "count", "explain"])
async def test_what_is_of_pages_is_refused(api: ApiHouse, name: str) -> None:
    assert await api.error_codes(f"/v1/orders:export?{name}=1") == ["UNKNOWN_PARAMETER"]


async def test_an_array_a_column_is_refused_because_it_cannot_be_streamed(api: ApiHouse) -> None:
    problem = await api.refused("/v1/orders:export?shape=columns")
    assert problem["errors"][0]["allowed"] == ["objects", "arrays"]


async def test_everything_wrong_with_an_export_is_told_together(api: ApiHouse) -> None:
    codes = await api.error_codes("/v1/orders:export?format=json&shape=x&order=nosuch&total.gt=x&y=1")
    assert sorted(codes) == ["UNKNOWN_COLUMN", "UNKNOWN_PARAMETER", "WRONG_VALUE", "WRONG_VALUE"]


async def test_an_unknown_contract_has_no_export(api: ApiHouse) -> None:
    assert (await api.refused("/v1/order:export", 404))["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (WarehouseUnavailable("x"), 503, "UPSTREAM_UNAVAILABLE"),
        (WarehouseMisconfigured("x"), 502, "UPSTREAM_MISCONFIGURED"),
        (QueryTooExpensive("x"), 422, "QUERY_TOO_EXPENSIVE"),
    ],
)
async def test_a_failure_before_the_first_row_is_a_problem_like_any_other(
    api: ApiHouse, failure: Exception, status: int, code: str
) -> None:
    api.reader.failure = failure
    answer = await api.get("/v1/orders:export")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_parts_begin_small_and_grow_to_their_size_however_long_rows_are() -> None:
    class Endless:
        as_of, bytes_billed = orders.CONTRACT, 0

        def __init__(self, length: int) -> None:
            self.length = length
            self.asked: list[int] = []

        async def next_rows(self, most: int) -> list[tuple[str]]:
            self.asked.append(most)
            return [("x" * self.length,)] * most

    for length, last in ((1, 4096), (1024, 256), (1_000_000, 1)):
        stream: Any = Endless(length)
        query = ask(orders.CONTRACT, select="order_id")
        parts = _Parts(stream, choose_format("", [("format", "csv")]), Meant(query, None))
        await parts.first()
        for _ in range(6):
            await parts.more()
        assert stream.asked[0] == 8
        assert all(
            later <= earlier * 8 for earlier, later in zip(stream.asked, stream.asked[1:], strict=False)
        )
        assert last * 0.9 < stream.asked[-1] <= last
