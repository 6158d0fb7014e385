"""Which event times a question is about, to the microsecond."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exposure.contracts import orders
from exposure.query.model import And, Condition, Not, Operator, Or
from exposure.warehouse.replica.asked import FIRST, LAST, Span, asked_of, is_by_time, microseconds
from fakes.questions import ask, compared
from fakes.rows import NOON

AT = microseconds(NOON)
LATER = NOON + timedelta(hours=1)


def placed(operator: str, value: object) -> Condition:
    return compared(orders.CONTRACT, "placed_at", operator, value)


@pytest.mark.parametrize(
    ("operator", "span"),
    [
        ("gte", Span(AT, LAST)),
        ("gt", Span(AT + 1, LAST)),
        ("lte", Span(FIRST, AT)),
        ("lt", Span(FIRST, AT - 1)),
        ("eq", Span(AT, AT)),
    ],
)
def test_a_bound_takes_its_instant_in_or_leaves_it_out(operator: str, span: Span) -> None:
    asked = asked_of(ask(orders.CONTRACT, placed(operator, NOON)))
    assert (asked.span, asked.rest) == (span, ())


def test_bounds_that_all_hold_narrow_one_another() -> None:
    both = And((placed("gt", NOON), placed("lte", LATER)))
    asked = asked_of(ask(orders.CONTRACT, both, placed("gte", NOON - timedelta(days=1))))
    assert asked.span == Span(AT + 1, microseconds(LATER))
    assert asked.rest == ()


@pytest.mark.parametrize(
    "condition",
    [
        Or((placed("gte", NOON), placed("eq", LATER))),
        Not(placed("lt", NOON)),
        placed("ne", NOON),
        placed("distinct", NOON),
    ],
)
def test_what_need_not_hold_bounds_nothing_and_may_leave_times_out(condition: Condition) -> None:
    asked = asked_of(ask(orders.CONTRACT, condition))
    assert asked.span == Span(is_exact=False)
    assert asked.rest == (condition,)


def test_a_list_of_instants_bounds_but_leaves_out_what_lies_between() -> None:
    listed = placed("in", (LATER, NOON))
    asked = asked_of(ask(orders.CONTRACT, listed))
    assert asked.span == Span(AT, microseconds(LATER), is_exact=False)
    assert asked.rest == (listed,)


def test_a_span_parts_another_when_it_takes_in_some_of_it_and_not_all() -> None:
    other = Span(10, 20)
    assert not Span(10, 20).splits(other)
    assert not Span(21, 30).splits(other)
    assert not Span(0, 9).splits(other)
    assert Span(11, 30).splits(other)
    assert Span(0, 19).splits(other)
    assert Span(12, 13).splits(other)
    assert Span(0, 30, is_exact=False).splits(other)


def test_a_key_is_asked_for_where_nothing_else_can_be_meant() -> None:
    by_key = compared(orders.CONTRACT, "order_id", "eq", "a")
    paid = compared(orders.CONTRACT, "paid", "eq", True)
    assert asked_of(ask(orders.CONTRACT, by_key)).key == "a"
    assert asked_of(ask(orders.CONTRACT, And((paid, by_key)))).key == "a"
    assert asked_of(ask(orders.CONTRACT, Or((paid, by_key)))).key is None
    assert asked_of(ask(orders.CONTRACT, ("order_id", Operator.GTE, "a"))).key is None


@pytest.mark.parametrize(
    ("order", "is_so"),
    [
        ("placed_at,order_id", True),
        ("-placed_at,-order_id", True),
        ("-placed_at,order_id", False),
        ("order_id", False),
        ("placed_at,paid,order_id", False),
    ],
)
def test_rows_are_asked_for_by_time_when_time_and_key_go_one_way(order: str, is_so: bool) -> None:
    assert is_by_time(ask(orders.CONTRACT, order=order)) is is_so
