"""What the validators of the two contracts make of a payload that arrives at a fixed moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from exposure.contracts import analytics_table, orders
from exposure.contracts.model import Contract
from exposure.ingest.rejection import Rejection
from exposure.ingest.validate import MessageValidator
from fakes.messages import NOON, message

ARRIVED = NOON + timedelta(seconds=5)
_VALIDATORS = {
    contract: MessageValidator(contract) for contract in (analytics_table.CONTRACT, orders.CONTRACT)
}


def row_of(
    data: bytes | dict[str, Any], contract: Contract = analytics_table.CONTRACT, message_id: str = "1"
) -> dict[str, Any]:
    """Return the row by column name; fail when there is none."""
    row = _validator(contract).validate(message(data, message_id), ARRIVED)
    assert not isinstance(row, Rejection), row
    return dict(zip((column.name for column in contract.stored_columns), row, strict=True))


def rejection_of(data: bytes | dict[str, Any], contract: Contract = analytics_table.CONTRACT) -> Rejection:
    """Return why there is no row; fail when there is one."""
    rejection = _validator(contract).validate(message(data), ARRIVED)
    assert isinstance(rejection, Rejection), rejection
    return rejection


def short(value: object) -> str:
    """Return a name for a test's parameter that may be thousands of characters long."""
    return repr(value)[:40]


def _validator(contract: Contract) -> MessageValidator:
    return _VALIDATORS.get(contract) or MessageValidator(contract)
