from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.contracts import orders
from exposure.contracts.types import Scalar
from exposure.query.grammar import comparable_columns, operators_of, scalar_of
from exposure.query.model import Filter, Operator, Order, comparisons
from fakes.parsing import error, errors, parse

ORDERS = orders.CONTRACT


def only_filter(name: str, text: str) -> Filter:
    [found] = comparisons(*parse((name, text)).filters)
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
    if operator not in (Operator.IN, Operator.NIN, Operator.ISNULL)
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
    assert refused.allowed == (
        "paid.eq", "paid.ne", "paid.in", "paid.nin", "paid.same", "paid.distinct", "paid.isnull",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["context.eq", "shipping.eq", "tags.in", "_extra.eq", "items.sku.eq"])
def test_what_holds_no_single_value_has_no_comparison_and_its_own_operators_are_named(name: str) -> None:
    refused = error((name, "x"))
    assert refused.code == "UNKNOWN_OPERATOR"
    assert refused.allowed
    for allowed in refused.allowed:
        assert parse((allowed, "true")).filters


def test_an_array_of_objects_is_filtered_by_its_fields_alone() -> None:
    refused = error(("items.has", "x"))
    assert refused.code == "NOT_COMPARABLE"
    assert refused.allowed == ("items.sku", "items.quantity", "items.unit_price")


@pytest.mark.parametrize(
    ("name", "text", "path", "value"),
    [
        ("shipping.city.eq", "Madrid", ("city",), "Madrid"),
        ("shipping.latitude.gt", "40.5", ("latitude",), 40.5),
        ("items.sku.has", "SKU-1", ("sku",), "SKU-1"),
        ("items.quantity.hasany", "1,2", ("quantity",), (1, 2)),
        ("context.channel.prefix", "w", ("channel",), "w"),
        ("tags.has", "a,b", (), "a,b"),
        ("tags.hasany", 'a,"b,c"', (), ("a", "b,c")),
        ("shipping.isnull", "true", (), True),
        ("context.isnull", "false", (), False),
    ],
)
def test_what_is_inside_a_column_is_filtered_by_its_path(
    name: str, text: str, path: tuple[str, ...], value: object
) -> None:
    found = only_filter(name, text)
    assert found.column.name == name.partition(".")[0]
    assert tuple(step.name for step in found.within) == path
    assert found.value == value
    assert f"{found.name}.{found.operator}" == name


@pytest.mark.parametrize("name", ["shipping.town.eq", "context.device.eq", "total.cents.eq", "items.x.y.has"])
def test_a_path_that_is_not_declared_is_no_filter(name: str) -> None:
    assert error((name, "x")).code == "UNKNOWN_COLUMN"


def test_a_slip_in_a_path_is_told_from_nonsense() -> None:
    assert error(("shipping.cty.eq", "x")).suggestion == "shipping.city.eq"
    assert error(("shiping.city.prefix", "x")).suggestion == "shipping.city.prefix"


@pytest.mark.parametrize("text", ["", "1", "True", "yes", "null", "true,false"])
def test_whether_a_value_is_missing_is_true_or_false(text: str) -> None:
    assert error(("weight_kg.isnull", text)).code in {"EMPTY_VALUE", "WRONG_VALUE"}


@pytest.mark.parametrize("operator", ["eq", "prefix", "contains", "icontains", "like", "has", "same"])
def test_text_is_compared_with_something(operator: str) -> None:
    column = "tags" if operator == "has" else "currency"
    assert error((f"{column}.{operator}", "")).code == "EMPTY_VALUE"


@pytest.mark.parametrize("text", ["a\\", "\\a", "%\\", "\\\\\\", "a\\nb", "%" + "a%" * 10])
def test_a_pattern_no_warehouse_could_read_the_same_is_refused(text: str) -> None:
    assert error(("currency.like", text)).code == "WRONG_VALUE"


@pytest.mark.parametrize("text", ["%", "a%b_c", "100\\%", "\\_\\\\", "%%%%" + "a%" * 9, "[a-z]*", "\n"])
def test_a_pattern_has_wildcards_and_escapes(text: str) -> None:
    assert only_filter("currency.like", text).value == text


@pytest.mark.parametrize("operator", ["in", "nin"])
def test_a_list_is_of_the_values_of_the_column(operator: str) -> None:
    assert only_filter(f"customer_id.{operator}", "1,-2").value == (1, -2)
    assert error((f"customer_id.{operator}", "1,a")).code == "WRONG_VALUE"


def test_the_same_filter_twice_holds_twice() -> None:
    query = parse(("total.gt", "1"), ("total.gt", "2"), ("total.lt", "9"))
    assert [(one.operator.value, one.value) for one in comparisons(*query.filters)] == [
        ("gt", 1),
        ("gt", 2),
        ("lt", 9),
    ]


@pytest.mark.parametrize("name", ["_message_id", "_publish_time", "_ingest_time"])
def test_system_columns_can_be_filtered_and_ordered_by(name: str) -> None:
    column = ORDERS.column(name)
    text, _ = VALUES[scalar_of(column)]
    query = parse((f"{name}.eq", text), ("order", f"-{name}"))
    assert [one.column for one in comparisons(*query.filters)] == [column]
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
