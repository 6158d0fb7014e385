from __future__ import annotations

import pytest

from exposure.contracts import orders
from fakes.parsing import error, parse

ORDERS = orders.CONTRACT


def test_selected_columns_come_in_the_order_of_the_selection() -> None:
    assert [column.name for column in parse(("select", "total,_extra,order_id")).columns] == [
        "total", "_extra", "order_id",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "total,", "total, paid", "*", "Total", "shipping.city"])
def test_a_selection_of_something_that_is_no_column_is_refused(text: str) -> None:
    refused = error(("select", text))
    assert refused.code == "UNKNOWN_COLUMN"
    assert refused.allowed == tuple(column.name for column in ORDERS.stored_columns)


def test_a_column_selected_twice_is_refused() -> None:
    assert error(("select", "total,paid,total")).code == "REPEATED"


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("total", [("total", False), ("order_id", False)]),
        ("-total", [("total", True), ("order_id", True)]),
        ("-total,paid", [("total", True), ("paid", False), ("order_id", False)]),
        ("order_id", [("order_id", False)]),
        ("total,-order_id", [("total", False), ("order_id", True)]),
        ("-order_id,total", [("order_id", True)]),
    ],
)
def test_an_order_ends_with_the_key_and_needs_nothing_behind_it(
    text: str, order: list[tuple[str, bool]]
) -> None:
    assert [(one.column.name, one.descending) for one in parse(("order", text)).order] == order


@pytest.mark.parametrize(
    ("text", "nulls_first"),
    [
        ("weight_kg", True),
        ("-weight_kg", False),
        ("weight_kg.nullsfirst", True),
        ("weight_kg.nullslast", False),
        ("-weight_kg.nullsfirst", True),
        ("-weight_kg.nullslast", False),
    ],
)
def test_rows_without_a_value_stand_where_the_order_says(text: str, *, nulls_first: bool) -> None:
    [first, key] = parse(("order", text)).order
    assert (first.nulls_first, first.descending) == (nulls_first, text.startswith("-"))
    assert (key.column, key.descending) == (ORDERS.key_column, first.descending)


def test_saying_what_holds_anyway_changes_nothing() -> None:
    assert parse(("order", "weight_kg.nullsfirst")).order == parse(("order", "weight_kg")).order
    assert parse(("order", "-weight_kg.nullslast")).order == parse(("order", "-weight_kg")).order


@pytest.mark.parametrize(
    "text", ["weight_kg.", "weight_kg.nulls", "weight_kg.desc", "weight_kg.NULLSLAST", "weight_kg.nullslast."]
)
def test_nothing_else_stands_behind_a_column_of_an_order(text: str) -> None:
    refused = error(("order", text))
    assert refused.code == "WRONG_VALUE"
    assert refused.allowed == ("weight_kg.nullsfirst", "weight_kg.nullslast")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "UNKNOWN_COLUMN"),
        ("shipping.city", "NOT_COMPARABLE"),
        ("-", "UNKNOWN_COLUMN"),
        ("--total", "UNKNOWN_COLUMN"),
        ("total desc", "UNKNOWN_COLUMN"),
        (" total", "UNKNOWN_COLUMN"),
        ("items", "NOT_COMPARABLE"),
        ("-_extra", "NOT_COMPARABLE"),
        ("total,-total", "REPEATED"),
        ("total,paid,currency,placed_at,customer_id,weight_kg", "TOO_MANY_COLUMNS"),
    ],
)
def test_an_order_that_is_none_is_refused(text: str, code: str) -> None:
    assert error(("order", text)).code == code


@pytest.mark.parametrize("text", ["", "0", "-1", "1001", "1e2", "10.0", " 10", "٣", "0x10", "9" * 400, "ten"])
def test_a_page_size_outside_its_range_is_refused_and_the_maximum_named(text: str) -> None:
    refused = error(("page_size", text))
    assert refused.code == "WRONG_VALUE"
    assert "1 to 1000" in refused.message


@pytest.mark.parametrize("size", [1, 100, 1000])
def test_a_page_size_within_its_range_is_taken(size: int) -> None:
    assert parse(("page_size", str(size))).page_size == size
