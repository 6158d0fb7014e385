from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.contracts import analytics_table, orders
from exposure.query.errors import BadQuery
from exposure.query.model import Order
from exposure.query.parse import parse_selection
from fakes.parsing import errors, parse

ORDERS = orders.CONTRACT


def test_a_question_without_parameters_is_the_newest_hundred_in_declared_columns() -> None:
    query = parse()
    assert query.columns == ORDERS.columns
    assert query.filters == ()
    assert query.order == (
        Order(ORDERS.column("placed_at"), descending=True),
        Order(ORDERS.column("order_id"), descending=True),
    )
    assert (query.page_size, query.after) == (100, None)


def test_everything_wrong_is_told_at_once_in_the_order_of_the_request() -> None:
    found = errors(
        ("nosuch", "1"),
        ("total.gt", "x"),
        ("paid.eq", "True"),
        ("select", "order_id,nope,also_not"),
        ("order", "items,placed_at,-placed_at"),
        ("page_size", "0"),
        ("page_size", "1"),
        ("page_token", "zzz"),
    )
    assert [one.code for one in found] == [
        "UNKNOWN_PARAMETER", "WRONG_VALUE", "WRONG_VALUE", "REPEATED", "UNKNOWN_COLUMN", "UNKNOWN_COLUMN",
        "NOT_COMPARABLE", "REPEATED", "WRONG_VALUE", "INVALID_PAGE_TOKEN",
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["select", "order", "page_size", "page_token"])
def test_a_word_of_the_grammar_may_be_given_once(word: str) -> None:
    value = {"select": "total", "order": "total", "page_size": "5", "page_token": ""}[word]
    assert "REPEATED" in [one.code for one in errors((word, value), (word, value))]


def test_the_row_of_a_key_takes_a_selection_only() -> None:
    assert parse_selection(ORDERS, []) == ORDERS.columns
    assert parse_selection(ORDERS, [("select", "_extra")]) == (ORDERS.column("_extra"),)
    with pytest.raises(BadQuery) as refusal:
        parse_selection(ORDERS, [("total.gt", "1"), ("page_size", "1"), ("total", "1")])
    assert [one.code for one in refusal.value.errors] == ["UNKNOWN_PARAMETER"] * 3
    assert {one.allowed for one in refusal.value.errors} == {("select", "format")}


@given(st.lists(st.tuples(st.text(), st.text())))
def test_any_parameters_are_a_query_or_a_bad_query(parameters: list[tuple[str, str]]) -> None:
    with contextlib.suppress(BadQuery):
        query = parse(*parameters, contract=analytics_table.CONTRACT)
        assert query.order[-1].column == analytics_table.CONTRACT.key_column
