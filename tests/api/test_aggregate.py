"""Groups, facets, totals and explanations as the API answers them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from exposure.api.aggregate_openapi import aggregate_examples
from exposure.contracts.catalog import CATALOG
from exposure.query.aggregate import Aggregation
from exposure.warehouse.port import AnswerOutOfRange, WarehouseUnavailable
from fakes.api_house import ORDERS, ApiHouse, api_house, filled_warehouse
from fakes.rows import order_row

AGGREGATE, FACETS = "/v1/orders:aggregate", "/v1/orders:facets"
DAYS = "placed_at.gte=2026-11-25T00:00:00Z&placed_at.lt=2026-11-28T00:00:00Z"


@pytest.fixture
async def three() -> AsyncIterator[ApiHouse]:
    """Return an API over three orders around the end of summer time in Madrid."""
    times = ("2026-10-24T22:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")
    rows = [
        order_row(order_id=f"o{index}", placed_at=datetime.fromisoformat(time), total=Decimal(index) / 4)
        for index, time in enumerate(times)
    ]
    connection = await filled_warehouse(rows)
    async with api_house(connection) as house:
        yield house
    connection.close()


async def data(api: ApiHouse, url: str) -> Any:
    answer = await api.get(url)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_groups_are_objects_by_the_names_that_were_asked_for(api: ApiHouse) -> None:
    answer = await api.get(
        f"{AGGREGATE}?group=currency&measures=count,sum:total,p95:weight_kg&order=-count,currency&top=2"
    )
    body = answer.json()
    assert set(body) == {"data", "complete", "timezone", "approximate", "as_of", "stats", "window"}
    assert [list(one) for one in body["data"]] == [["currency", "count", "sum:total", "p95:weight_kg"]] * 2
    assert (body["complete"], answer.headers["x-complete"]) == (False, "false")
    assert body["approximate"] == ["p95:weight_kg"]
    assert body["stats"]["tier"] == "warehouse"
    assert body["as_of"] == answer.headers["x-as-of"]
    assert answer.headers["cache-control"] == "no-store"


async def test_measures_are_those_of_the_rows(api: ApiHouse) -> None:
    body = await data(api, f"{AGGREGATE}?group=currency&measures=count,sum:total,max:customer_id")
    found = {
        one["currency"]: (one["count"], one["sum:total"], one["max:customer_id"]) for one in body["data"]
    }
    for currency in {row[4] for row in ORDERS}:
        rows = [row for row in ORDERS if row[4] == currency]
        total = sum((Decimal(str(row[3])) for row in rows), Decimal(0))
        assert found[str(currency)][0] == len(rows)
        assert Decimal(found[str(currency)][1]) == total
        assert found[str(currency)][2] == max(int(str(row[2])) for row in rows)
    assert body["complete"] is True


async def test_values_are_written_as_in_rows(api: ApiHouse) -> None:
    measures = "sum:total,max:customer_id,min:placed_at,max:deliver_on,avg:weight_kg,min:currency"
    [one] = (await data(api, f"{AGGREGATE}?measures={measures}"))["data"]
    kinds = {name: type(value) for name, value in one.items()}
    assert kinds == dict(zip(measures.split(","), (str, int, str, str, float, str), strict=True))
    assert one["max:customer_id"] == 2**63 - 1
    assert one["min:placed_at"] == "2026-11-25T12:00:00Z"
    assert one["max:deliver_on"] == "2026-11-06"


async def test_without_words_the_rows_are_counted(api: ApiHouse) -> None:
    assert (await data(api, AGGREGATE))["data"] == [{"count": len(ORDERS)}]


async def test_a_bucket_is_the_instant_it_begins_with_the_offset_of_its_zone(three: ApiHouse) -> None:
    url = f"{AGGREGATE}?group=placed_at:hour&timezone=Europe/Madrid"
    body = await data(three, url)
    assert body["timezone"] == "Europe/Madrid"
    assert [one["placed_at:hour"] for one in body["data"]] == [
        "2026-10-25T00:00:00+02:00", "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00",
    ]  # fmt: skip
    utc = await data(three, f"{AGGREGATE}?group=placed_at:day")
    assert [one["placed_at:day"] for one in utc["data"]] == ["2026-10-24T00:00:00Z", "2026-10-25T00:00:00Z"]


async def test_filled_days_are_contiguous_across_the_change_of_clocks_and_each_counts_its_rows(
    three: ApiHouse,
) -> None:
    span = "placed_at.gte=2026-10-20T22:00:00Z&placed_at.lt=2026-11-01T23:00:00Z"
    url = f"{AGGREGATE}?group=placed_at:day&measures=count,sum:total&timezone=Europe/Madrid&fill=zero&{span}"
    days = (await data(three, url))["data"]
    starts = [datetime.fromisoformat(one["placed_at:day"]) for one in days]
    gaps = [after.astimezone(UTC) - before.astimezone(UTC) for before, after in pairwise(starts)]
    assert Counter(gaps) == {timedelta(hours=24): 10, timedelta(hours=25): 1}
    assert [one["count"] for one in days] == [0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]
    assert {one["sum:total"] for one in days} == {"0", "0.75"}
    # A bucket's beginning is a filter's value as it stands.
    bounds = f"placed_at.gte={quoted(days[4])}&placed_at.lt={quoted(days[5])}"
    assert (await data(three, f"{AGGREGATE}?{bounds}"))["data"] == [{"count": 3}]


def quoted(day: dict[str, str]) -> str:
    return day["placed_at:day"].replace("+", "%2B")


@pytest.mark.parametrize("path", [AGGREGATE, FACETS])
async def test_what_is_unknown_is_refused_before_the_warehouse_is_asked(api: ApiHouse, path: str) -> None:
    for question in ("nosuch=1", "group=nosuch&columns=nosuch", "total.gt=a", "top=0", "columns=weight_kg"):
        problem = await api.refused(f"{path}?{question}")
        assert problem["code"] == "INVALID_PARAMETER"


async def test_more_groups_than_the_maximum_are_refused_with_the_maximum(api: ApiHouse) -> None:
    [error] = (await api.refused(f"{AGGREGATE}?group=currency&top=1001"))["errors"]
    assert (error["parameter"], error["suggestion"]) == ("top", "1000")


async def test_only_json_is_served(api: ApiHouse) -> None:
    for path in (AGGREGATE, f"{FACETS}?columns=paid"):
        answer = await api.get(path, accept="text/csv")
        assert (answer.status_code, answer.json()["code"]) == (406, "NOT_ACCEPTABLE")


async def test_a_sum_beyond_its_type_is_a_problem_of_the_question(api: ApiHouse) -> None:
    answer = await api.get(f"{AGGREGATE}?measures=sum:customer_id&customer_id.gt=4711")
    assert (answer.status_code, answer.json()["code"]) == (422, "ANSWER_OUT_OF_RANGE")
    api.reader.failure = AnswerOutOfRange("secret-project")
    answer = await api.get(AGGREGATE)
    assert answer.status_code == 422
    assert "secret" not in answer.text


async def test_a_warehouse_that_is_down_makes_no_groups(api: ApiHouse) -> None:
    api.reader.failure = WarehouseUnavailable("down")
    for url in (
        AGGREGATE,
        f"{FACETS}?columns=paid,currency",
        "/v1/orders?count=exact",
        f"{AGGREGATE}?explain=1",
    ):
        assert (await api.get(url)).status_code == 503


async def test_facets_are_the_most_frequent_values(api: ApiHouse) -> None:
    api.reader.questions.clear()
    body = await data(api, f"{FACETS}?columns=currency,paid,deliver_on&top=3&total.gt=-2")
    assert len(api.reader.questions) == 1
    rows = [row for row in ORDERS if Decimal(str(row[3])) > -2]
    counts = Counter(row[4] for row in rows)
    found = body["facets"]["currency"]["values"]
    assert [one["count"] for one in found] == [number for _, number in counts.most_common(3)]
    assert all(counts[one["value"]] == one["count"] for one in found)
    assert (body["facets"]["currency"]["complete"], body["facets"]["paid"]["complete"]) == (False, True)
    assert body["complete"] is False
    nothing = [one for one in body["facets"]["deliver_on"]["values"] if one["value"] is None]
    assert [one["count"] for one in nothing] == [sum(row[7] is None for row in rows)]


@pytest.mark.parametrize("path", ["/v1/orders", AGGREGATE])
async def test_an_explanation_says_what_would_be_run_and_runs_nothing(api: ApiHouse, path: str) -> None:
    body = await data(
        api, f"{path}?explain=1&currency.eq=EUR&total.gt=1.50&placed_at.gte=2026-01-01T00:00:00Z"
    )
    explained = body["explain"]
    assert (explained["tier"], explained["engine"], explained["bytes_estimated"]) == (
        "warehouse",
        "duckdb",
        None,
    )
    assert "EUR" not in explained["sql"]
    assert "SELECT" in explained["sql"]
    assert {"EUR", "1.500000000", "2026-01-01T00:00:00Z"} <= set(explained["parameters"].values())
    assert explained["steps"]
    assert "data" not in body


async def test_an_explanation_is_asked_for_by_1_alone(api: ApiHouse) -> None:
    for path in ("/v1/orders", AGGREGATE):
        [error] = (await api.refused(f"{path}?explain=yes"))["errors"]
        assert error["suggestion"] == "1"


async def test_a_row_and_an_export_have_neither_total_nor_explanation(api: ApiHouse) -> None:
    for path in ("/v1/orders/ord-000001", "/v1/orders:export"):
        for word in ("count=exact", "explain=1"):
            assert await api.error_codes(f"{path}?{word}") == ["UNKNOWN_PARAMETER"]


async def test_counts_of_groups_add_up_to_the_exact_total(api: ApiHouse) -> None:
    for filters in ("", "total.gt=0", "currency.in=Madrid&paid.eq=true", "weight_kg.lt=1"):
        total = (await data(api, f"/v1/orders?count=exact&page_size=1&{filters}"))["total"]["rows"]
        for group in ("currency", "paid,customer_id", "deliver_on:week", "placed_at:hour"):
            groups = (await data(api, f"{AGGREGATE}?group={group}&top=1000&{filters}"))["data"]
            assert sum(one["count"] for one in groups) == total
        values = (await data(api, f"{FACETS}?columns=currency&top=100&{filters}"))["facets"]["currency"]
        assert sum(one["count"] for one in values["values"]) == total


async def test_where_restricts_groups_and_totals_as_it_does_rows(api: ApiHouse) -> None:
    where = "where=currency eq Madrid or paid eq true"
    expected = sum(1 for row in ORDERS if row[4] == "Madrid" or row[6])
    assert (await data(api, f"{AGGREGATE}?{where}"))["data"] == [{"count": expected}]
    assert (await data(api, f"/v1/orders?{where}&count=exact"))["total"]["rows"] == expected
    facet = (await data(api, f"{FACETS}?columns=paid&{where}"))["facets"]["paid"]["values"]
    assert sum(one["count"] for one in facet) == expected


async def test_answers_have_the_shape_that_is_described(api: ApiHouse) -> None:
    document = (await api.get("/openapi.json")).json()
    for path, question in [
        (AGGREGATE, "group=currency,deliver_on:month&measures=count,sum:total,p50:weight_kg,min:placed_at"),
        (AGGREGATE, f"group=placed_at:day&fill=zero&{DAYS}&timezone=Asia/Kolkata"),
        (AGGREGATE, "explain=1"),
        (FACETS, "columns=currency,deliver_on,customer_id,total,paid"),
        ("/v1/orders", "count=exact"),
        ("/v1/orders", "explain=1"),
    ]:
        answer = await api.get(f"{path}?{question}")
        described = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"][
            "schema"
        ]
        validator = Draft202012Validator(described | {"components": document["components"]})
        validator.validate(answer.json())
        assert not validator.is_valid({"data": 1})


async def test_every_question_of_the_documentation_is_answered(api: ApiHouse) -> None:
    for contract in CATALOG:
        for url in aggregate_examples(contract):
            assert (await api.get(url)).status_code == 200, url
    document = (await api.get("/openapi.json")).json()
    examples = [item["get"].get("x-examples", []) for item in document["paths"].values()]
    for url in [one for several in examples for one in several]:
        assert (await api.get(url)).status_code == 200, url


QUESTION = st.lists(
    st.sampled_from(
        ["group=currency", "group=placed_at:day", "group=placed_at:week:sunday,paid", "group=weight_kg",
         "measures=count,sum:total", "measures=p95:weight_kg,avg:total", "measures=sum:paid", "order=-count",
         "order=currency", "top=3", "top=0", "timezone=Asia/Kolkata", "fill=zero", "having.count.gt=2",
         "having.sum:total.lt=5", "paid.eq=true", "explain=1", *DAYS.split("&")]
    ),
    unique_by=lambda one: one.partition("=")[0],
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=QUESTION)
async def test_any_question_about_groups_is_answered_or_refused_with_reasons(
    api: ApiHouse, question: list[str]
) -> None:
    api.reader.questions.clear()
    answer = await api.get(f"{AGGREGATE}?{'&'.join(question)}")
    assert answer.status_code in (200, 400)
    if answer.status_code == 400:
        assert answer.json()["errors"]
        assert not api.reader.questions
    elif "explain=1" not in question:
        [asked] = api.reader.questions
        assert isinstance(asked, Aggregation)
        assert len(answer.json()["data"]) <= asked.top
        names = [one.name for one in asked.groups] + [one.name for one in asked.measures]
        assert all(list(one) == names for one in answer.json()["data"])
