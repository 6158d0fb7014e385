"""JSON that is kept as it was published."""

from __future__ import annotations

import json

import pytest

from exposure.contracts.model import Column
from exposure.contracts.orders import CONTRACT as ORDERS
from exposure.contracts.types import Scalar
from exposure.ingest.rejection import Reason, Rejection
from fakes.declarations import with_column
from fakes.messages import order
from fakes.validated import rejection_of, row_of, short


def with_context(text: str) -> bytes:
    return f'{json.dumps(order())[:-1]}, "context" :  {text}  }}'.encode()


@pytest.mark.parametrize(
    "text",
    [
        '{"n": 12345678901234567890123.5, "x": 1.00000000000000000001}',
        '[1e999, {"a" : -0.0}]',
        "9" * 6000,
        f'{{"n":{"9" * 6000}}}',
        '" a\\tb \\u00f1 "',
        '{"a": "say \\"hi\\" \\\\", "b": ["\\\\\\"", ":"]}',
        "true",
        "[]",
    ],
    ids=short,
)
def test_json_is_kept_as_it_was_published(text: str) -> None:
    row = row_of(with_context(text), ORDERS)
    assert (row["context"], row["_extra"]) == (text, None)


def test_a_required_json_column_takes_null_as_a_value() -> None:
    contract = with_column(Column("any", Scalar.JSON))
    data = b'{"id": "1", "at": "2026-11-25T12:00:00Z", "any": null }'
    assert row_of(data, contract)["any"] == "null"


def test_json_may_be_nested_500_deep_and_no_deeper() -> None:
    def nested(depth: int) -> str:
        return '{"a":' * depth + "1" + "}" * depth

    assert row_of(with_context(nested(500)), ORDERS)["context"] == nested(500)
    assert rejection_of(with_context(nested(501)), ORDERS) == Rejection(
        Reason.TOO_DEEP, "`$.context` is nested deeper than 500 levels"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": {"b": 1, "b": 2}}', Reason.DUPLICATE_FIELD),
        ('{"a": "\\u0000"}', Reason.INVALID_TEXT),
        ('{"a\\u0000": 1}', Reason.INVALID_TEXT),
        ('"\\u0000"', Reason.INVALID_TEXT),
        ('["\\ud800"]', Reason.INVALID_TEXT),
        ('"\\ud800 and more text"', Reason.INVALID_TEXT),
        ('{"a": 01}', Reason.NOT_JSON),
        ('{"a": NaN}', Reason.NOT_JSON),
    ],
)
def test_json_that_no_warehouse_could_hold_is_rejected(text: str, reason: Reason) -> None:
    assert rejection_of(with_context(text), ORDERS).reason is reason


def test_json_that_is_not_utf8_is_rejected_by_the_name_of_its_column() -> None:
    data = with_context('["?"]').replace(b"?", b"\xff")
    assert rejection_of(data, ORDERS) == Rejection(
        Reason.INVALID_TEXT, "`$.context` is not UTF-8: invalid start byte"
    )
