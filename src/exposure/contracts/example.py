"""One message of a contract, made of its columns' examples: what documentation shows."""

from __future__ import annotations

from collections.abc import Sequence

from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Array, LogicalType, Object, Scalar

_PLAIN: dict[Scalar, object] = {
    Scalar.STRING: "text",
    Scalar.INTEGER: 1,
    Scalar.NUMBER: 1.5,
    Scalar.DECIMAL: "1.50",
    Scalar.BOOLEAN: True,
    Scalar.DATE: "2026-11-25",
    Scalar.TIMESTAMP: "2026-11-25T12:00:00Z",
    Scalar.JSON: {},
}


def example_message(contract: Contract) -> dict[str, object]:
    """Return a valid message with every column in it, ready for `json.dumps`."""
    return _object(contract.columns)


def _object(columns: Sequence[Column]) -> dict[str, object]:
    return {
        column.name: _plain(column.type) if column.example is None else column.example for column in columns
    }


def _plain(logical_type: LogicalType) -> object:
    if isinstance(logical_type, Object):
        return _object(logical_type.fields)
    if isinstance(logical_type, Array):
        return [_plain(logical_type.of)]
    return _PLAIN[logical_type]
