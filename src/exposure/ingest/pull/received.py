"""A message as StreamingPull delivers it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from exposure.ingest.message import Message

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def decode_received(received: Any, subscription: str) -> Message:
    """Return the message of a raw `ReceivedMessage`; of nanoseconds, microseconds are kept."""
    message = received.message
    published = message.publish_time
    return Message(
        id=message.message_id,
        data=message.data,
        # Most messages have none, and making a mapping of none costs as much as all else here.
        attributes=dict(message.attributes) if message.attributes else {},
        publish_time=_EPOCH + timedelta(seconds=published.seconds, microseconds=published.nanos // 1000),
        ordering_key=message.ordering_key,
        delivery_attempt=received.delivery_attempt,
        subscription=subscription,
    )
