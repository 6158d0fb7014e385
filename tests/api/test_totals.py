"""Totals: which of the reader's questions each kind asks, and what a page with one costs."""

from __future__ import annotations

from typing import Any, cast

import pytest

from exposure.api.totals import Total, count_all
from exposure.contracts import orders
from exposure.query.aggregate import Aggregation
from exposure.query.aggregate_parse import count_rows
from exposure.query.asides import Count
from exposure.warehouse.port import Groups, Reader
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


async def test_without_a_total_nothing_is_asked() -> None:
    reader = Counting()
    assert await count_all(cast("Reader", cast("Any", reader)), QUERY, Count.NONE) is None
    assert reader.asked == []
