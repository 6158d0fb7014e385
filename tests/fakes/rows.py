"""Rows of the contract `orders`, made by naming only what a test is about."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from exposure.contracts import orders
from exposure.query.model import Row

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
_USUAL: dict[str, object] = {
    "order_id": "ord-1",
    "placed_at": NOON,
    "customer_id": 4711,
    "total": Decimal("39.80"),
    "currency": "EUR",
    "weight_kg": 1.25,
    "paid": True,
    "deliver_on": None,
    "shipping": None,
    "items": [],
    "tags": [],
    "context": None,
    "_message_id": "1",
    "_publish_time": NOON,
    "_ingest_time": NOON,
    "_extra": None,
}


def order_row(**values: object) -> Row:
    """Return a row of `orders` with these values, by column name; system columns included."""
    unknown = set(values) - set(_USUAL)
    if unknown:
        raise KeyError(f"orders has no columns {sorted(unknown)}")
    row = _USUAL | values
    return tuple(row[column.name] for column in orders.CONTRACT.stored_columns)
