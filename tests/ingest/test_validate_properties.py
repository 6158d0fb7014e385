"""What holds of validation whatever is published."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exposure.contracts import analytics_table, orders
from exposure.contracts.model import Contract
from exposure.contracts.types import Array, LogicalType, Scalar
from exposure.ingest import validate
from exposure.ingest.rejection import Rejection
from exposure.ingest.validate import MessageValidator
from exposure.query.model import Row
from fakes.declarations import with_every_type
from fakes.messages import message, order
from fakes.validated import ARRIVED, row_of

CONTRACTS = (analytics_table.CONTRACT, orders.CONTRACT)
VALIDATORS = {contract.name: MessageValidator(contract) for contract in CONTRACTS}
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
TRICKY = st.lists(st.sampled_from([*'"\\:,{}[] u0a\n', "\\u0022", '\\"', "ñ", "€", "😀"])).map("".join)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TRICKY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TRICKY, inner, max_size=3),
    max_leaves=8,
)
OLD, NEW = datetime(2017, 1, 1), datetime(2027, 11, 1)  # noqa: DTZ001 - hypothesis adds the zone itself
ITEMS = st.fixed_dictionaries(
    {
        "sku": TEXT,
        "quantity": st.integers(-(2**63), 2**63 - 1),
        "unit_price": st.decimals(-(10**20), 10**20, places=9).map(lambda price: f"{price:f}"),
    }
)
ORDERS = st.fixed_dictionaries(
    {
        "order_id": TEXT.filter(bool),
        "placed_at": st.datetimes(OLD, NEW, timezones=st.just(UTC)).map(datetime.isoformat),
        "customer_id": st.integers(-(2**63), 2**63 - 1),
        "total": st.decimals(-(10**20), 10**20, places=9).map(lambda total: f"{total:f}"),
        "currency": TRICKY,
        "paid": st.booleans(),
    },
    optional={
        "weight_kg": st.none() | FLOATS,
        "deliver_on": st.none() | st.dates().map(date.isoformat),
        "items": st.none() | st.lists(ITEMS, max_size=3),
        "tags": st.none() | st.lists(TRICKY, max_size=3),
        "context": ANY_JSON,
    },
)
# Pieces that, put into a message at any place, make names, texts, escapes and quotes of it.
PIECES = st.sampled_from(
    [
        '"', "\\", '\\"', '\\\\"', "\\\\", ":", ",", " ", "\n", "{", "}", "[", "]", "null", "0", "\\u0022",
        "\\u0000", '"x":1,', '"id":"b",', ',"data":"', '"tags":[],', '"items":[{}],', '":"', '"data" :null,',
    ]
)  # fmt: skip
INSERTIONS = st.lists(st.tuples(st.floats(0, 1), PIECES), max_size=4)


# Texts as they are written, with every way to write a quote and a backslash.
WRITTEN = st.lists(
    st.sampled_from(
        ["a", ":", ",", " ", '\\"', "\\\\", "\\u0022", "\\u005c", "\\n", "\\/", "ñ", "0000", "\\u0000"]
    ),
    max_size=6,
).map(lambda parts: f'"{"".join(parts)}"')
WRITTEN_VALUES = WRITTEN | st.sampled_from(
    ["1", "null", "[]", '{"a":1}', '{"a":1,"a":2}', '{"a\\"":":"}', '["x"]']
)
MORE_FIELDS = (
    st.tuples(st.sampled_from(['"id"', '"\\u0069d"', '"data"', '"timestamp"']), WRITTEN)
    | st.tuples(WRITTEN, WRITTEN_VALUES)
)  # fmt: skip
SPACE = st.sampled_from(["", " ", "\n\t", "\r "])


@st.composite
def written_events(draw: st.DrawFn) -> bytes:
    """Draw an event as text: its fields in any order, some of them twice, some undeclared."""
    fields = [('"id"', '"a"'), ('"timestamp"', '"2026-11-25T12:00:00Z"'), ('"data"', draw(WRITTEN))]
    fields += draw(st.lists(MORE_FIELDS, max_size=2))
    order_of_fields = draw(st.permutations(fields))
    space = draw(SPACE)
    return f"{{{','.join(f'{name}{space}:{space}{value}' for name, value in order_of_fields)}}}".encode()


def outcome(data: bytes, contract: Contract) -> Row | Rejection:
    return VALIDATORS[contract.name].validate(message(data), ARRIVED)


def with_insertions(text: str, insertions: list[tuple[float, str]]) -> bytes:
    for place, piece in insertions:
        at = int(place * len(text))
        text = text[:at] + piece + text[at:]
    return text.encode()


def assert_both_paths_agree(data: bytes, contract: Contract) -> None:
    fast = outcome(data, contract)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validate, "is_accounted_for", lambda *_: False)
        assert fast == outcome(data, contract)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_become_a_row_or_a_rejection(data: bytes) -> None:
    for contract in CONTRACTS:
        assert isinstance(outcome(data, contract), tuple | Rejection)


@settings(max_examples=300, deadline=None)
@given(published=ANY_JSON | ORDERS, insertions=INSERTIONS)
def test_any_json_and_what_looks_like_it_become_a_row_or_a_rejection(
    published: object, insertions: list[tuple[float, str]]
) -> None:
    data = with_insertions(json.dumps(published), insertions)
    for contract in CONTRACTS:
        assert isinstance(outcome(data, contract), tuple | Rejection)


@settings(max_examples=1000, deadline=None)
@given(data=written_events())
@example(data=b'{"id":"a","timestamp":"2026-11-25T12:00:00Z","data":"\\"","x":"\\\\"}')
@example(data=b'{"id":"a","timestamp":"2026-11-25T12:00:00Z","data":"\\u0022\\u0022","x":1}')
def test_the_fast_path_and_the_careful_path_agree_on_events(data: bytes) -> None:
    assert_both_paths_agree(data, analytics_table.CONTRACT)


@settings(max_examples=500, deadline=None)
@given(published=ORDERS, insertions=INSERTIONS, indent=st.sampled_from([None, 1]))
def test_the_fast_path_and_the_careful_path_agree_on_orders(
    published: dict[str, Any], insertions: list[tuple[float, str]], indent: int | None
) -> None:
    data = with_insertions(json.dumps(published, indent=indent), insertions)
    assert_both_paths_agree(data, orders.CONTRACT)


@settings(max_examples=200, deadline=None)
@given(published=ORDERS)
def test_a_right_order_is_stored_as_it_was_published(published: dict[str, Any]) -> None:
    row = row_of(published, orders.CONTRACT)
    for name in ("order_id", "customer_id", "currency", "paid"):
        assert row[name] == published[name]
    assert row["placed_at"].isoformat() == published["placed_at"]
    assert row["total"] == Decimal(published["total"])
    assert row["tags"] == (published.get("tags") or [])
    items = [item | {"unit_price": Decimal(item["unit_price"])} for item in published.get("items") or []]
    assert row["items"] == items
    context = published.get("context")
    assert row["context"] == (None if context is None else json.dumps(context))
    assert row["_extra"] is None


@settings(max_examples=200, deadline=None)
@given(more=st.dictionaries(TRICKY.map("x{}".format), ANY_JSON, min_size=1, max_size=4))
def test_undeclared_fields_lose_nothing(more: dict[str, Any]) -> None:
    row = row_of(order() | more, orders.CONTRACT)
    assert json.loads(row["_extra"]) == more


@settings(max_examples=200, deadline=None)
@given(published=ORDERS, indent=st.sampled_from([None, 1]))
def test_a_right_order_needs_no_second_look(published: dict[str, Any], indent: int | None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validate, "check_text", _unexpected)
        row_of(json.dumps(published, indent=indent).encode(), orders.CONTRACT)


def _unexpected(_: bytes) -> None:
    raise AssertionError("the careful path was taken")


EXAMPLES: dict[Scalar, object] = {
    Scalar.STRING: 'a "b" \\ c',
    Scalar.INTEGER: 7,
    Scalar.NUMBER: 1.5,
    Scalar.DECIMAL: "19.90",
    Scalar.BOOLEAN: True,
    Scalar.DATE: "2026-11-25",
    Scalar.TIMESTAMP: "2026-11-25T12:00:00Z",
    Scalar.JSON: {"a": ["b", {"c": None}]},
}


def published_value(logical_type: LogicalType) -> object:
    if isinstance(logical_type, Scalar):
        return EXAMPLES[logical_type]
    if isinstance(logical_type, Array):
        return [published_value(logical_type.of)] * 2
    return {field.name: published_value(field.type) for field in logical_type.fields}


@settings(max_examples=100, deadline=None)
@given(insertions=INSERTIONS)
@example(insertions=[])
def test_the_two_paths_agree_whatever_types_are_nested_in_one_another(
    insertions: list[tuple[float, str]],
) -> None:
    contract = with_every_type()
    published = {column.name: published_value(column.type) for column in contract.columns}
    data = with_insertions(json.dumps(published), insertions)
    validator = MessageValidator(contract)
    fast = validator.validate(message(data), ARRIVED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validate, "is_accounted_for", lambda *_: False)
        assert fast == validator.validate(message(data), ARRIVED)
    assert insertions or isinstance(fast, tuple)
