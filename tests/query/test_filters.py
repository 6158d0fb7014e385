from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.contracts import orders
from exposure.contracts.types import Scalar
from exposure.query.grammar import comparable_columns, operators_of, scalar_of
from exposure.query.model import Filter, Operator, Order
from fakes.parsing import error, errors, parse

ORDERS = orders.CONTRACT


def only_filter(name: str, text: str) -> Filter:
    [found] = parse((name, text)).filters
    return found


VALUES: dict[Scalar, tuple[str, object]] = {
    Scalar.STRING: ("a,b & c", "a,b & c"),
    Scalar.INTEGER: ("-9223372036854775808", -(2**63)),
    Scalar.NUMBER: ("-1.5e3", -1500.0),
    Scalar.DECIMAL: ("-19.90", Decimal("-19.9")),
    Scalar.BOOLEAN: ("false", False),
    Scalar.DATE: ("2026-02-28", date(2026, 2, 28)),
    Scalar.TIMESTAMP: (
        "2026-01-31T12:00:00.123456+02:00",
        datetime(2026, 1, 31, 10, 0, 0, 123456, tzinfo=UTC),
    ),
}
FILTERS = [
    (column, operator)
    for column in comparable_columns(ORDERS)
    for operator in operators_of(column.type)
    if operator is not Operator.IN
]


@pytest.mark.parametrize(("column", "operator"), FILTERS, ids=[f"{c.name}.{o}" for c, o in FILTERS])
def test_a_filter_holds_the_columns_python_value(column: object, operator: Operator) -> None:
    text, value = VALUES[scalar_of(column)]  # type: ignore[arg-type]
    found = only_filter(f"{column.name}.{operator}", text)  # type: ignore[attr-defined]
    assert found == Filter(column, operator, value)  # type: ignore[arg-type]
    assert type(found.value) is type(value)


def test_a_boolean_has_no_order() -> None:
    refused = error(("paid.gt", "true"))
    assert refused.code == "UNKNOWN_OPERATOR"
    assert refused.allowed == ("paid.eq", "paid.ne", "paid.in")


@pytest.mark.parametrize(
    "name", ["context.eq", "items.eq", "tags.in", "shipping.eq", "shipping.city.eq", "_extra.eq", "context"]
)
def test_what_holds_no_single_value_cannot_be_filtered_and_is_told_so(name: str) -> None:
    refused = error((name, "x"))
    assert refused.code == "NOT_COMPARABLE"
    assert refused.allowed


def test_the_same_filter_twice_holds_twice() -> None:
    query = parse(("total.gt", "1"), ("total.gt", "2"), ("total.lt", "9"))
    assert [(one.operator.value, one.value) for one in query.filters] == [("gt", 1), ("gt", 2), ("lt", 9)]


@pytest.mark.parametrize("name", ["_message_id", "_publish_time", "_ingest_time"])
def test_system_columns_can_be_filtered_and_ordered_by(name: str) -> None:
    column = ORDERS.column(name)
    text, _ = VALUES[scalar_of(column)]
    query = parse((f"{name}.eq", text), ("order", f"-{name}"))
    assert query.filters[0].column == column
    assert query.order[0] == Order(column, descending=True)


def test_twenty_filters_are_taken_and_one_more_is_not() -> None:
    assert len(parse(*[("total.gt", "1")] * 20).filters) == 20
    assert error(*[("total.gt", "1")] * 21).code == "TOO_MANY_FILTERS"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("EUR", ("EUR",)),
        ("EUR,USD", ("EUR", "USD")),
        (" EUR , USD ", (" EUR ", " USD ")),
        ('"a,b",c', ("a,b", "c")),
        ('"say ""hi""",x', ('say "hi"', "x")),
        ('"line\nbreak"', ("line\nbreak",)),
        ('""', ("",)),
        ('"",a', ("", "a")),
        ("'a', b", ("'a'", " b")),
    ],
)
def test_a_list_is_a_line_of_csv(text: str, values: tuple[str, ...]) -> None:
    assert only_filter("currency.in", text) == Filter(ORDERS.column("currency"), Operator.IN, values)


@pytest.mark.parametrize(
    "text", ['"DE" garbage', 'a"b', '"open', '"a""', "a\nb", "a\rb", '"a"b,c', '"a" ,b', 'a,"b"c']
)
def test_a_list_that_is_no_csv_is_refused(text: str) -> None:
    assert error(("currency.in", text)).code == "WRONG_VALUE"


@pytest.mark.parametrize("text", ["", ",", "a,", ",a", "a,,b"])
def test_an_empty_value_in_a_list_is_refused_unless_quoted(text: str) -> None:
    assert error(("currency.in", text)).code == "EMPTY_VALUE"


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1))
def test_any_texts_can_be_listed_when_quoted(texts: list[str]) -> None:
    line = ",".join('"' + text.replace('"', '""') + '"' for text in texts)
    assert only_filter("currency.in", line).value == tuple(texts)


def test_a_list_is_typed_value_by_value_and_every_wrong_one_is_named() -> None:
    assert only_filter("customer_id.in", "1,-2").value == (1, -2)
    messages = [one.message for one in errors(("customer_id.in", "1,x,2,y"))]
    assert ["'x'" in messages[0], "'y'" in messages[1], len(messages)] == [True, True, 2]


def test_of_a_list_of_rubbish_only_the_beginning_is_named() -> None:
    assert len(errors(("customer_id.in", ",".join("x" * 400)))) == 10


def test_five_hundred_values_are_taken_and_one_more_is_not() -> None:
    many = ",".join(str(number) for number in range(500))
    assert len(only_filter("customer_id.in", many).value) == 500  # type: ignore[arg-type]
    assert error(("customer_id.in", f"{many},500")).code == "TOO_MANY_VALUES"
