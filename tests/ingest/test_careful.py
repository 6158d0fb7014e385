"""Fields nobody declared, and fields given twice."""

from __future__ import annotations

import json

from exposure.contracts.orders import CONTRACT as ORDERS
from exposure.ingest.rejection import Reason, Rejection
from fakes.messages import event, order
from fakes.validated import rejection_of, row_of


def test_undeclared_fields_are_kept_as_published_under_their_path() -> None:
    shipping = '{"street": "a", "floor" : 3, "city": "b"}'
    items = (
        '[{"sku":"a","quantity":1,"unit_price":1}, {"sku":"b","quantity":1,"unit_price":1,"colour":"red"}]'
    )
    more = f'"shipping": {shipping}, "items": {items}, "big": 12345678901234567890.10, "none": null'
    data = f"{json.dumps(order())[:-1]}, {more}}}"
    assert row_of(data.encode(), ORDERS)["_extra"] == (
        '{"shipping":{"floor":3},"items":{"1":{"colour":"red"}},"big":12345678901234567890.10,"none":null}'
    )


def test_a_system_column_in_a_message_is_an_undeclared_field_like_any_other() -> None:
    row = row_of(event(_message_id="forged"), message_id="77")
    assert (row["_message_id"], row["_extra"]) == ("77", '{"_message_id":"forged"}')


def test_a_field_named_like_a_column_but_for_case_is_undeclared() -> None:
    assert row_of(event(ID="other"))["_extra"] == '{"ID":"other"}'


def test_the_column_of_undeclared_fields_is_nested_500_deep_at_most() -> None:
    def data(depth: int) -> bytes:
        return f'{json.dumps(event())[:-1]}, "x": {"[" * depth}{"]" * depth}}}'.encode()

    assert row_of(data(499))["_extra"] == f'{{"x":{"[" * 499}{"]" * 499}}}'
    assert rejection_of(data(500)) == Rejection(Reason.TOO_DEEP, "`$.x` is nested deeper than 500 levels")


def test_levels_above_an_undeclared_field_count_for_its_depth() -> None:
    def data(depth: int) -> bytes:
        item = f'{{"sku":"a","quantity":1,"unit_price":1,"x":{"[" * depth}{"]" * depth}}}'
        return f'{json.dumps(order())[:-1]}, "items": [{item}]}}'.encode()

    assert row_of(data(497), ORDERS)["_extra"].count("[") == 497
    assert rejection_of(data(498), ORDERS).reason is Reason.TOO_DEEP


def test_a_hundred_thousand_fields_with_a_twin_at_the_end_are_judged_in_linear_time() -> None:
    fields = ",".join(f'"f{number}":0' for number in range(100_000))
    data = f'{json.dumps(event())[:-1]}, {fields}, "f99999": 1}}'
    assert rejection_of(data.encode()) == Rejection(
        Reason.DUPLICATE_FIELD, 'the field "f99999" is given twice in one object'
    )
