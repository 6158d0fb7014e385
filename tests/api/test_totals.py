"""Totals: which of the reader's questions each kind asks, and what a page with one costs."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import pytest

from exposure.api.totals import Total, count_all
from exposure.contracts import orders
from exposure.query.aggregate import Aggregation
from exposure.query.aggregate_parse import count_rows
from exposure.query.asides import Count
from exposure.warehouse.port import Groups, Reader
from fakes.api_house import ORDERS, ApiHouse
from fakes.questions import ask
from fakes.rows import NOON

QUERY = ask(orders.CONTRACT, ("currency", "eq", "EUR"), page_size=3, after=("ord-7",))


class Counting:
    """Answers each kind of count with another number, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[Aggregation] = []

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        self.asked.append(aggregation)
        return Groups([(41,)], complete=True, as_of=NOON, bytes_billed=100)

    async def estimate(self, counted: Aggregation) -> Groups:
        self.asked.append(counted)
        return Groups([(50,)], complete=True, as_of=NOON, bytes_billed=3)


@pytest.mark.parametrize(
    ("kind", "total"),
    [(Count.EXACT, Total(41, Count.EXACT, 100)), (Count.ESTIMATE, Total(50, Count.ESTIMATE, 3))],
)
async def test_each_kind_of_total_asks_its_own_question_under_the_filters_alone(
    kind: Count, total: Total
) -> None:
    reader = Counting()
    assert await count_all(cast("Reader", cast("Any", reader)), QUERY, kind) == total
    assert reader.asked == [count_rows(QUERY)]


async def test_a_page_says_no_total_unless_asked(api: ApiHouse) -> None:
    for url in ("/v1/orders?page_size=1", "/v1/orders?page_size=1&count=none"):
        answer = await api.get(url)
        assert "total" not in answer.json()
        assert "x-total" not in answer.headers


@pytest.mark.parametrize("kind", ["exact", "estimate"])
async def test_a_total_is_that_of_all_pages_and_says_what_kind_it_is(api: ApiHouse, kind: str) -> None:
    paid = sum(1 for row in ORDERS if row[6])
    url = f"/v1/orders?paid.eq=true&page_size=4&count={kind}"
    first = await api.get(url)
    assert first.json()["total"] == {"rows": paid, "kind": kind}
    assert first.headers["x-total"] == f"{paid};kind={kind}"
    second = await api.get(f"{url}&page_token={first.json()['next_page_token']}")
    assert second.json()["total"] == {"rows": paid, "kind": kind}
    lines = await api.get(url, accept="application/x-ndjson")
    assert lines.headers["x-total"] == f"{paid};kind={kind}"


@pytest.mark.parametrize("text", ["all", "true", "", "EXACT"])
async def test_an_unknown_kind_of_total_is_refused(api: ApiHouse, text: str) -> None:
    [error] = (await api.refused(f"/v1/orders?count={text}"))["errors"]
    assert (error["code"], error["allowed"]) == ("WRONG_VALUE", ["none", "estimate", "exact"])


async def test_a_page_with_a_total_says_what_both_cost(
    api: ApiHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = api.reader.aggregate

    async def costly(aggregation: Aggregation) -> Groups:
        return dataclasses.replace(await read(aggregation), bytes_billed=7)

    monkeypatch.setattr(api.reader, "aggregate", costly)
    answer = await api.get("/v1/orders?count=exact&page_size=1")
    assert answer.json()["stats"]["bytes_billed"] == int(answer.headers["x-bytes-billed"]) == 7
