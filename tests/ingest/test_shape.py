"""Values of every type on their way from JSON into a row."""

from __future__ import annotations

import json
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from exposure.contracts.orders import CONTRACT as ORDERS
from exposure.ingest.rejection import Reason
from fakes.messages import NOON, event, order
from fakes.validated import rejection_of, row_of, short

ITEM = {"sku": "a", "quantity": 1, "unit_price": 1}


def test_every_logical_type_becomes_the_python_value_of_its_column() -> None:
    data = order(
        weight_kg=3,
        deliver_on="2026-11-27",
        shipping={"street": "Calle Mayor 1", "city": "Madrid"},
        items=[{"sku": "a", "quantity": 2, "unit_price": 19.9}],
        tags=["gift", ""],
        context={"channel": "web"},
    )
    row = row_of(data, ORDERS)
    assert row["placed_at"] == NOON
    assert row["total"] == Decimal("39.80")
    assert (row["weight_kg"], type(row["weight_kg"])) == (3.0, float)
    assert row["paid"] is True
    assert row["deliver_on"] == date(2026, 11, 27)
    assert row["shipping"] == {
        "street": "Calle Mayor 1", "city": "Madrid", "postcode": None, "latitude": None,
    }  # fmt: skip
    assert row["items"] == [{"sku": "a", "quantity": 2, "unit_price": Decimal("19.9")}]
    assert row["tags"] == ["gift", ""]
    assert row["context"] == '{"channel": "web"}'
    assert row["_extra"] is None


@pytest.mark.parametrize("absent", [{}, {"items": None, "tags": None, "shipping": None, "context": None}])
def test_null_and_absence_mean_the_same_where_both_are_allowed(absent: dict[str, None]) -> None:
    row = row_of(order() | absent, ORDERS)
    assert row["items"] == row["tags"] == []
    assert row["shipping"] is row["context"] is row["weight_kg"] is row["deliver_on"] is None


def test_a_timestamp_of_any_zone_is_stored_in_utc() -> None:
    row = row_of(event(timestamp="2026-11-25T17:30:00.000001+05:30"))
    assert row["timestamp"] == NOON + timedelta(microseconds=1)
    assert row["timestamp"].tzinfo is UTC


def test_integers_reach_to_the_ends_of_64_bits() -> None:
    for value in (2**63 - 1, -(2**63)):
        assert row_of(order(customer_id=value), ORDERS)["customer_id"] == value


@pytest.mark.parametrize(
    "digits", ["12345678901234567890123456789.123456789", "-0.000000001", "0", "1e5", "12.50e-2"]
)
def test_a_decimal_number_is_taken_exactly(digits: str) -> None:
    data = json.dumps(order()).replace('"39.80"', digits).encode()
    assert row_of(data, ORDERS)["total"] == Decimal(digits)


@pytest.mark.parametrize(
    ("total", "reason"),
    [
        ('"NaN"', Reason.WRONG_TYPE),
        ('"sNaN"', Reason.WRONG_TYPE),
        ('"-Infinity"', Reason.WRONG_TYPE),
        ('"1_000"', Reason.WRONG_TYPE),
        ('" 1 "', Reason.WRONG_TYPE),
        ('"１２"', Reason.WRONG_TYPE),
        ('"1e5"', Reason.WRONG_TYPE),
        ('""', Reason.WRONG_TYPE),
        ("null", Reason.WRONG_TYPE),
        ("true", Reason.WRONG_TYPE),
        ("[1]", Reason.WRONG_TYPE),
        ("1e400", Reason.OUT_OF_RANGE),
        ("1e999999999999999999999", Reason.OUT_OF_RANGE),
        ("1e-400", Reason.OUT_OF_RANGE),
        ("0.0000000001", Reason.OUT_OF_RANGE),
        ('"123456789012345678901234567890"', Reason.OUT_OF_RANGE),
        ("9" * 100_000, Reason.OUT_OF_RANGE),
    ],
    ids=short,
)
def test_a_decimal_that_cannot_be_held_exactly_is_refused(total: str, reason: Reason) -> None:
    data = json.dumps(order()).replace('"39.80"', total).encode()
    rejection = rejection_of(data, ORDERS)
    assert rejection.reason is reason
    assert rejection.detail.startswith("`$.total` ")


@pytest.mark.parametrize(
    ("changes", "reason", "place"),
    [
        ({"customer_id": 2**63}, Reason.OUT_OF_RANGE, "$.customer_id"),
        ({"customer_id": -(2**63) - 1}, Reason.OUT_OF_RANGE, "$.customer_id"),
        ({"customer_id": 1.0}, Reason.WRONG_TYPE, "$.customer_id"),
        ({"customer_id": "1"}, Reason.WRONG_TYPE, "$.customer_id"),
        ({"customer_id": True}, Reason.WRONG_TYPE, "$.customer_id"),
        ({"weight_kg": 10**400}, Reason.OUT_OF_RANGE, "$.weight_kg"),
        ({"weight_kg": "1"}, Reason.WRONG_TYPE, "$.weight_kg"),
        ({"paid": 1}, Reason.WRONG_TYPE, "$.paid"),
        ({"deliver_on": "27/11/2026"}, Reason.WRONG_TYPE, "$.deliver_on"),
        ({"deliver_on": "2026-02-30"}, Reason.WRONG_TYPE, "$.deliver_on"),
        ({"shipping": []}, Reason.WRONG_TYPE, "$.shipping"),
        ({"shipping": {"street": "a"}}, Reason.MISSING_FIELD, "`$.shipping.city` is required"),
        ({"items": {}}, Reason.WRONG_TYPE, "$.items"),
        ({"items": [None]}, Reason.WRONG_TYPE, "$.items"),
        ({"tags": ["a", None]}, Reason.WRONG_TYPE, "$.tags"),
        ({"items": [ITEM | {"unit_price": "x"}]}, Reason.WRONG_TYPE, "`$.items[0].unit_price`"),
        ({"items": [ITEM, {"sku": "a", "quantity": 1}]}, Reason.MISSING_FIELD, "`$.items[1].unit_price`"),
    ],
    ids=short,
)  # fmt: skip
def test_a_wrong_value_is_rejected_with_its_reason_and_place(
    changes: dict[str, Any], reason: Reason, place: str
) -> None:
    rejection = rejection_of(order(**changes), ORDERS)
    assert (rejection.reason, place in rejection.detail) == (reason, True), rejection
