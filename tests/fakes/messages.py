"""Messages as producers publish them, and the two forms in which Pub/Sub pushes them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from exposure.ingest.message import Message

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
PUBLISHED = "2026-11-25T12:00:00.123456789Z"


def event(**changes: Any) -> dict[str, Any]:
    """Return the fields of one message for the contract `analytics_table`; None removes a field."""
    fields = {"id": "evt-1", "timestamp": "2026-11-25T12:00:00Z", "data": "hello"} | changes
    return {name: value for name, value in fields.items() if value is not None}


def order(**changes: Any) -> dict[str, Any]:
    """Return the required fields of one message for the contract `orders`, and the changes."""
    fields = {
        "order_id": "ord-1",
        "placed_at": "2026-11-25T12:00:00Z",
        "customer_id": 4711,
        "total": "39.80",
        "currency": "EUR",
        "paid": True,
    }
    return fields | changes


def message(data: bytes | Mapping[str, Any], message_id: str = "1") -> Message:
    """Return a message with this payload, published at noon."""
    payload = data if isinstance(data, bytes) else json.dumps(data).encode()
    return Message(message_id, payload, {}, NOON)


def wrapped(data: bytes, message_id: str = "1", attributes: Mapping[str, str] | None = None) -> bytes:
    """Return the body of a push request around this payload."""
    return json.dumps(envelope(data, message_id, attributes)).encode()


def envelope(
    data: bytes, message_id: str = "1", attributes: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the envelope of a push request, to be changed."""
    return {
        "message": {
            "data": base64.b64encode(data).decode(),
            "attributes": dict(attributes or {}),
            "messageId": message_id,
            "message_id": message_id,
            "publishTime": PUBLISHED,
            "publish_time": PUBLISHED,
        },
        "subscription": "projects/local/subscriptions/events-ingest",
    }
