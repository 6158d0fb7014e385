"""What becomes of undeclared fields under each of a contract's three policies."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from exposure.contracts import analytics_table, orders
from exposure.contracts.model import Contract
from exposure.contracts.unknown_fields import UnknownFields
from exposure.ingest.rejection import Reason
from fakes.messages import event, order
from fakes.validated import rejection_of, row_of

SHIPPING = {"street": "Calle Mayor 1", "city": "Madrid", "floor": 3}
ITEM = {"sku": "SKU-1", "quantity": 1, "unit_price": "1.00"}


def under(policy: UnknownFields, contract: Contract = analytics_table.CONTRACT) -> Contract:
    return dataclasses.replace(contract, unknown_fields=policy)


@pytest.mark.parametrize("policy", UnknownFields)
def test_a_message_without_undeclared_fields_is_a_row_under_every_policy(policy: UnknownFields) -> None:
    row = row_of(event(data='a "quoted" \\ text'), under(policy))
    assert (row["id"], row["_extra"]) == ("evt-1", None)


def test_undeclared_fields_are_kept_unless_the_contract_says_otherwise() -> None:
    assert analytics_table.CONTRACT.unknown_fields is UnknownFields.KEEP
    assert json.loads(row_of(event(more=[1]))["_extra"]) == {"more": [1]}


@pytest.mark.parametrize(("contract", "data"), [
    (analytics_table.CONTRACT, event(more=1)),
    (orders.CONTRACT, order(shipping=SHIPPING)),
    (orders.CONTRACT, order(items=[ITEM, ITEM | {"colour": "red"}])),
])  # fmt: skip
def test_dropped_fields_leave_the_row_as_it_would_be_without_them(
    contract: Contract, data: dict[str, Any]
) -> None:
    assert row_of(data, under(UnknownFields.DROP, contract))["_extra"] is None
    assert row_of(data, contract)["_extra"] is not None


@pytest.mark.parametrize(("contract", "data", "path"), [
    (analytics_table.CONTRACT, event(more=1, still_more=2), "$.more"),
    (orders.CONTRACT, order(shipping=SHIPPING), "$.shipping.floor"),
    (orders.CONTRACT, order(items=[ITEM, ITEM | {"colour": "red"}]), "$.items[1].colour"),
])  # fmt: skip
def test_a_rejected_message_says_which_field_is_undeclared_and_never_its_value(
    contract: Contract, data: dict[str, Any], path: str
) -> None:
    rejection = rejection_of(data, under(UnknownFields.REJECT, contract))
    assert rejection.reason is Reason.UNKNOWN_FIELD
    assert rejection.detail == f"`{path}` is not declared by the contract"


@pytest.mark.parametrize("policy", UnknownFields)
def test_a_field_given_twice_is_rejected_under_every_policy(policy: UnknownFields) -> None:
    data = b'{"id": "a", "id": "b", "timestamp": "2026-11-25T12:00:00Z"}'
    assert rejection_of(data, under(policy)).reason is Reason.DUPLICATE_FIELD


@pytest.mark.parametrize("policy", UnknownFields)
def test_text_no_column_can_hold_is_rejected_under_every_policy(policy: UnknownFields) -> None:
    assert rejection_of(event(more="\0"), under(policy)).reason is Reason.INVALID_TEXT


def test_a_declared_field_of_a_wrong_type_is_said_before_an_undeclared_one() -> None:
    assert rejection_of(event(id=1, more=1), under(UnknownFields.REJECT)).reason is Reason.WRONG_TYPE
