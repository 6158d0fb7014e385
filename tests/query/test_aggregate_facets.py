"""Facets as a URL asks for them."""

from __future__ import annotations

import pytest

from exposure.contracts import orders
from exposure.query.aggregate import Function, Group, GroupOrder, Measure
from fakes.asking import ask_facets, errors_of

COUNT = Measure(Function.COUNT)


def group(column: str) -> Group:
    return Group(orders.CONTRACT.column(column))


def test_facets_are_one_question_for_all_columns_the_most_frequent_value_first() -> None:
    asked = ask_facets("columns=currency,paid&top=3&total.gt=1")
    currency, paid = group("currency"), group("paid")
    assert (asked.groups, asked.measures, asked.apart) == ((currency, paid), (COUNT,), True)
    assert asked.order == (GroupOrder(COUNT, descending=True), GroupOrder(currency), GroupOrder(paid))
    assert (asked.top, len(asked.filters)) == (3, 1)


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("", "MISSING_PARAMETER"),
        ("columns=", "UNKNOWN_COLUMN"),
        ("columns=nosuch", "UNKNOWN_COLUMN"),
        ("columns=weight_kg", "NOT_GROUPABLE"),
        ("columns=placed_at:day", "UNKNOWN_COLUMN"),
        ("columns=currency,currency", "REPEATED"),
        ("columns=currency&top=101", "WRONG_VALUE"),
        ("columns=order_id,currency,paid,total,deliver_on,placed_at", "TOO_MANY"),
        ("columns=currency&measures=count", "UNKNOWN_PARAMETER"),
        ("fields=currency&columns=paid", "UNKNOWN_PARAMETER"),
    ],
)
def test_what_is_no_question_for_facets_is_refused(question: str, code: str) -> None:
    assert [one.code for one in errors_of(question, ask_facets)] == [code]
