"""Questions as a caller writes them in a URL: operators, trees, paths, orders, and walks over them."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from exposure.contracts import orders
from exposure.query.grammar import places
from fakes.api_house import ORDERS, ApiHouse
from fakes.oracle import met
from fakes.parsing import parse

CONTRACT = orders.CONTRACT


def meant(where: str) -> set[str]:
    return {str(row[0]) for row in met(CONTRACT, parse(("where", where)).filters, ORDERS)}


@pytest.mark.parametrize(
    "where",
    [
        "currency eq Madrid or (paid eq true and total gt 1.5)",
        "not (deliver_on isnull true or weight_kg lt 0.5)",
        'currency in (東京,"say ""hi"", now") and not customer_id eq 0',
        "currency prefix São or currency like %rid or currency icontains HI",
        "deliver_on distinct 2026-11-02 and weight_kg isnull false",
        "shipping isnull true and context.channel isnull true and not tags has gift",
    ],
)
async def test_a_tree_of_conditions_answers_the_rows_it_means(api: ApiHouse, where: str) -> None:
    found = await api.ids(f"/v1/orders?page_size=1000&where={quote(where)}")
    assert set(found) == meant(where)
    assert len(found) == len(set(found))
    assert found


async def test_a_tree_and_single_filters_hold_together(api: ApiHouse) -> None:
    where = quote("currency eq Madrid or paid eq true")
    found = set(await api.ids(f"/v1/orders?page_size=1000&where={where}&customer_id.eq=0"))
    assert found == meant("(currency eq Madrid or paid eq true) and customer_id eq 0")


async def test_a_mistake_in_a_tree_is_refused_with_its_place_and_nothing_is_asked(api: ApiHouse) -> None:
    problem = await api.refused(f"/v1/orders?where={quote('paid eq true and curency eq DE')}")
    [error] = problem["errors"]
    assert (error["parameter"], error["code"], error["suggestion"]) == ("where", "UNKNOWN_COLUMN", "currency")
    assert "character 18" in error["message"]


@pytest.mark.parametrize("order", ["-weight_kg.nullsfirst", "weight_kg.nullslast,-total", "-deliver_on"])
async def test_a_walk_over_a_tree_in_any_order_sees_each_row_once(api: ApiHouse, order: str) -> None:
    where = "currency ne Madrid or paid eq true"
    url: str | None = f"/v1/orders?page_size=7&order={order}&where={quote(where)}"
    found: list[str] = []
    while url:
        answer = await api.get(url)
        assert answer.status_code == 200, answer.text
        found += [row["order_id"] for row in answer.json()["data"]]
        link = answer.headers.get("link")
        url = None if link is None else link.partition(">")[0].removeprefix("<")
    assert set(found) == meant(where)
    assert len(found) == len(set(found))
    assert found == await api.ids(f"/v1/orders?page_size=1000&order={order}&where={quote(where)}")


@pytest.mark.parametrize(
    "changed",
    [
        "where=paid+eq+true&order=-weight_kg",
        "where=paid+ne+true&order=weight_kg",
        "where=not+paid+eq+false&order=weight_kg",
        "where=paid+eq+true&order=weight_kg.nullslast",
        "where=paid+eq+true+or+paid+eq+true&order=weight_kg",
        "order=weight_kg",
    ],
)
async def test_a_page_token_goes_on_with_its_own_tree_and_order_alone(api: ApiHouse, changed: str) -> None:
    first = await api.get("/v1/orders?page_size=3&where=paid+eq+true&order=weight_kg")
    token = first.json()["next_page_token"]
    again = await api.get(f"/v1/orders?page_size=3&where=paid+eq+true&order=weight_kg&page_token={token}")
    assert again.status_code == 200
    problem = await api.refused(f"/v1/orders?page_size=3&{changed}&page_token={token}")
    assert problem["code"] == "PAGE_TOKEN_MISMATCH"


async def test_a_tree_counts_and_groups_the_rows_it_means(api: ApiHouse) -> None:
    where = "currency eq Madrid or (paid eq true and total gt 1.5)"
    counted = await api.get(f"/v1/orders:aggregate?where={quote(where)}")
    assert [row["count"] for row in counted.json()["data"]] == [len(meant(where))]


async def test_a_contract_says_what_can_be_asked_inside_its_columns(api: ApiHouse) -> None:
    described = (await api.get("/v1/orders:schema")).json()
    fields = {field["name"]: field for column in described["columns"] for field in column.get("fields", [])}
    assert set(fields) == {place.name for place in places(CONTRACT) if place.within}
    assert fields["shipping.city"]["type"] == "string"
    assert fields["items.sku"]["operators"] == ["has", "hasany"]
    assert described["limits"]["max_where_depth"] == 5


async def test_every_example_of_a_description_is_a_request_that_succeeds(api: ApiHouse) -> None:
    for name in ("orders", "analytics_table"):
        for example in (await api.get(f"/v1/{name}:schema")).json()["examples"]:
            assert (await api.get(example)).status_code == 200, example
