"""The platform's own canaries: in nobody's answer, and served to whoever names one by its key."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator

import pytest

from exposure.contracts import orders
from exposure.contracts.canary import CANARY_PREFIX
from exposure.contracts.catalog import Catalog
from exposure.contracts.unbounded import Unbounded
from fakes.api_house import ORDERS, ApiHouse, api_house, filled_warehouse
from fakes.rows import NOON, order_row

KEY = f"{CANARY_PREFIX}0123456789abcdef"
CURRENCY = "canaries' own"
COUNT = len(ORDERS)


@pytest.fixture
async def inhabited() -> AsyncIterator[ApiHouse]:
    """An API over orders, among which is a canary's."""
    canary = order_row(order_id=KEY, placed_at=NOON, currency=CURRENCY)
    connection = await filled_warehouse([*ORDERS, canary])
    async with api_house(connection) as house:
        yield house
    connection.close()


@pytest.mark.parametrize(
    "question",
    [
        "",
        "&order=-order_id",
        f"&order_id.prefix={CANARY_PREFIX}",
        f"&order_id.in={KEY}",
        f"&currency.eq={CURRENCY}",
        f"&where=order_id eq {KEY} or order_id eq {KEY}",
    ],
)
async def test_no_page_holds_a_canary(inhabited: ApiHouse, question: str) -> None:
    answer = await inhabited.get(f"/v1/orders?page_size=1000{question}")
    assert answer.status_code == 200
    assert KEY not in answer.text
    assert len(answer.json()["data"]) in {0, COUNT}


async def test_no_walk_meets_a_canary(inhabited: ApiHouse) -> None:
    seen, url = [], "/v1/orders?page_size=7&order=-order_id"
    while url:
        page = await inhabited.get(url)
        seen += [row["order_id"] for row in page.json()["data"]]
        url = page.links["next"]["url"] if "next" in page.links else ""
    assert len(seen) == COUNT
    assert KEY not in seen


@pytest.mark.parametrize("kind", ["exact", "estimate"])
async def test_no_total_of_a_question_with_filters_counts_a_canary(inhabited: ApiHouse, kind: str) -> None:
    answer = await inhabited.get(f"/v1/orders?page_size=1&count={kind}&customer_id.gte=-9223372036854775808")
    assert answer.json()["total"]["rows"] == COUNT


async def test_the_exact_total_of_all_rows_counts_no_canary(inhabited: ApiHouse) -> None:
    answer = await inhabited.get("/v1/orders?page_size=1&count=exact")
    assert answer.json()["total"] == {"rows": COUNT, "kind": "exact"}


async def test_the_estimate_of_all_rows_is_of_what_is_stored(inhabited: ApiHouse) -> None:
    answer = await inhabited.get("/v1/orders?page_size=1&count=estimate")
    assert answer.json()["total"] == {"rows": COUNT, "kind": "estimate"}, "bounded by its window"
    unbounded = dataclasses.replace(orders.CONTRACT, unbounded=Unbounded.ALLOW)
    connection = await filled_warehouse([*ORDERS, order_row(order_id=KEY, placed_at=NOON)])
    async with api_house(connection, Catalog((unbounded,))) as house:
        answer = await house.get("/v1/orders?page_size=1&count=estimate")
    connection.close()
    assert answer.json()["total"] == {"rows": COUNT + 1, "kind": "estimate"}


@pytest.mark.parametrize("form", ["json", "ndjson", "csv"])
async def test_no_export_holds_a_canary(inhabited: ApiHouse, form: str) -> None:
    answer = await inhabited.get(f"/v1/orders:export?format={form}")
    assert answer.status_code == 200
    assert "ord-000001" in answer.text
    assert KEY not in answer.text


async def test_no_group_and_no_facet_is_a_canarys(inhabited: ApiHouse) -> None:
    for question in (
        "aggregate?group=currency",
        "aggregate?measures=max:order_id",
        "facets?columns=currency",
    ):
        answer = await inhabited.get(f"/v1/orders:{question}")
        assert answer.status_code == 200
        assert CURRENCY not in answer.text
        assert KEY not in answer.text
    counted = await inhabited.get("/v1/orders:aggregate")
    assert counted.json()["data"] == [{"count": COUNT}]


async def test_what_is_explained_tells_of_the_condition(inhabited: ApiHouse) -> None:
    answer = await inhabited.get("/v1/orders?explain=1")
    assert CANARY_PREFIX in answer.json()["explain"]["parameters"].values()


async def test_whoever_names_a_canary_by_its_key_finds_it(inhabited: ApiHouse) -> None:
    assert (await inhabited.get(f"/v1/orders/{KEY}")).json()["data"]["order_id"] == KEY
    assert await inhabited.ids(f"/v1/orders?order_id.eq={KEY}&placed_at.lte=2026-11-25T13:00:00Z") == [KEY]
    exported = await inhabited.get(f"/v1/orders:export?format=ndjson&order_id.eq={KEY}")
    assert json.loads(exported.text)["order_id"] == KEY
