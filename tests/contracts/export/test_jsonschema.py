from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.contracts.catalog import CATALOG
from exposure.contracts.export.jsonschema import message_schema
from exposure.contracts.model import Column, Contract
from exposure.contracts.sample import SampleOptions, sample_messages
from exposure.contracts.types import Scalar
from exposure.ingest.message import Message
from exposure.ingest.rejection import Rejection
from exposure.ingest.validate import MessageValidator
from fakes.declarations import EVENT_TIME, declared, with_every_type

START = datetime(2026, 11, 25, 12, tzinfo=UTC)
ORDERS = CATALOG.get("orders")
EVERY_CONTRACT = pytest.mark.parametrize("contract", [*CATALOG, with_every_type()], ids=lambda one: one.name)
# A sentinel whose text, and so the name of the test, is the same in every process.
MISSING = ...


def validator(contract: Contract) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        message_schema(contract), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


def order(**changes: Any) -> dict[str, Any]:
    message: dict[str, Any] = {
        "order_id": "ord-1",
        "placed_at": "2026-11-25T12:00:00Z",
        "customer_id": 1,
        "total": "1.00",
        "currency": "EUR",
        "paid": True,
    } | changes
    return {name: value for name, value in message.items() if value is not MISSING}


def is_stored(contract: Contract, message: object) -> bool:
    data = json.dumps(message).encode()
    row = MessageValidator(contract).validate(Message("1", data, {}, START), START)
    return not isinstance(row, Rejection)


@EVERY_CONTRACT
def test_the_schema_is_a_schema(contract: Contract) -> None:
    jsonschema.Draft202012Validator.check_schema(message_schema(contract))


@EVERY_CONTRACT
def test_every_sample_fits_the_schema(contract: Contract) -> None:
    judge = validator(contract)
    for message in sample_messages(contract, SampleOptions(100, 7, START)):
        assert [error.message for error in judge.iter_errors(message)] == []


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"total": 1},
        {"total": 1.5},
        {"total": "-" + "9" * 29 + "." + "9" * 9},
        {"customer_id": -(2**63)},
        {"customer_id": 2**63 - 1},
        {"weight_kg": None},
        {"weight_kg": 3},
        {"items": None},
        {"tags": []},
        {"shipping": {"street": "s", "city": "c"}},
        {"shipping": {"street": "s", "city": "c", "door": "unknown fields are kept"}},
        {"context": [1, {"any": "JSON"}]},
        {"context": "text"},
        {"placed_at": "2026-11-25T12:00:00.123456+02:00"},
        {"unknown": "kept"},
    ],
    ids=str,
)
def test_a_good_message_fits_and_is_stored(changes: dict[str, Any]) -> None:
    message = order(**changes)
    assert validator(ORDERS).is_valid(message)
    assert is_stored(ORDERS, message)


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": ""},
        {"order_id": 7},
        {"order_id": None},
        {"order_id": MISSING},
        {"placed_at": "yesterday"},
        {"placed_at": "2026-11-25"},
        {"placed_at": "2026-11-25T12:00:00"},
        {"placed_at": 1764072000},
        {"customer_id": 2**63},
        {"customer_id": -(2**63) - 1},
        {"customer_id": 1.5},
        {"customer_id": "1"},
        {"total": "1e400"},
        {"total": "1.0000000001"},
        {"total": "9" * 30},
        {"total": 10**29},
        {"total": "NaN"},
        {"total": ""},
        {"total": True},
        {"paid": "yes"},
        {"paid": None},
        {"deliver_on": "2026-02-30"},
        {"shipping": {"street": "no city"}},
        {"shipping": []},
        {"items": [{"sku": "s", "quantity": 1}]},
        {"items": [None]},
        {"tags": "gift"},
        {"tags": [1]},
        {"weight_kg": "heavy"},
    ],
    ids=str,
)
def test_a_bad_message_does_not_fit_and_is_not_stored(changes: dict[str, Any]) -> None:
    message = order(**changes)
    assert not validator(ORDERS).is_valid(message)
    assert not is_stored(ORDERS, message)


@pytest.mark.parametrize("digits", ["1e5", "1_000", "٣", " 1", "+1", ".5", "1."])
def test_a_decimal_written_in_an_unusual_way_does_not_fit(digits: str) -> None:
    assert not validator(ORDERS).is_valid(order(total=digits))


# Values at and beyond the edges of every type, so that many fit some column and many do not.
edges = st.sampled_from([
    None, True, 0, 1, -1, 2**63 - 1, 2**63, -(2**63), 10**29 - 1, 10**29, 0.5, 1e300,
    "", "text", "é🙂", "1.5", "-0.000000001", "0.0000000001", "9" * 29, "9" * 30, "NaN",
    "2026-11-25", "0001-01-01", "2026-11-25T12:00:00Z", "2026-11-25T24:00:00Z", "2026-11-25T12:00:00+14:00",
])  # fmt: skip
near_json = st.recursive(
    edges,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["street", "city", "latitude", "sku", "quantity", "unit_price"]), inner
        )
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([column.name for column in ORDERS.columns]), near_json, max_size=4))
def test_whatever_fits_the_schema_is_stored(changes: dict[str, Any]) -> None:
    message = order(**changes)
    if validator(ORDERS).is_valid(message):
        assert is_stored(ORDERS, message)


def test_an_integer_key_needs_no_length() -> None:
    contract = declared(columns=(Column("id", Scalar.INTEGER), EVENT_TIME))
    assert "minLength" not in message_schema(contract)["properties"]["id"]


def test_the_schema_names_the_contract_and_its_version() -> None:
    assert message_schema(declared())["$id"] == "urn:exposure:visits:1.0.0"
