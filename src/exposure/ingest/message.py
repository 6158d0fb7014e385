"""One Pub/Sub message, and how a push request carries it.

Both forms of a push are read: the wrapped JSON envelope, and the bare payload with metadata in headers.
What the payload means is not decided here.
Format: https://cloud.google.com/pubsub/docs/push and .../payload-unwrapping.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

_UNWRAPPED = b"x-goog-pubsub-message-id"
_METADATA_PREFIX = b"x-goog-pubsub-"
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z", re.ASCII)


class BadEnvelope(ValueError):
    """The request is no push of Pub/Sub; the sentence names what is wrong with it."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """What was published, and what Pub/Sub says of it. `delivery_attempt` is 0 when it is not counted."""

    id: str
    data: bytes
    attributes: Mapping[str, str]
    publish_time: datetime
    ordering_key: str = ""
    delivery_attempt: int = 0
    subscription: str = ""


class _Wrapped(msgspec.Struct, gc=False):
    # Pub/Sub writes id and time in both spellings; either is enough.
    data: bytes = b""
    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    message_id: str = msgspec.field(default="", name="messageId")
    publish_time: str = msgspec.field(default="", name="publishTime")
    other_message_id: str = msgspec.field(default="", name="message_id")
    other_publish_time: str = msgspec.field(default="", name="publish_time")
    ordering_key: str = msgspec.field(default="", name="orderingKey")


class _Envelope(msgspec.Struct, gc=False):
    message: _Wrapped
    subscription: str = ""
    delivery_attempt: int = msgspec.field(default=0, name="deliveryAttempt")


_ENVELOPES = msgspec.json.Decoder(_Envelope)
_ATTEMPT = re.compile(r"[0-9]{1,10}", re.ASCII)


def decode_push(headers: Mapping[bytes, bytes], body: bytes) -> Message:
    """Return the message of a push request; header names are lower case. Raises BadEnvelope."""
    return _unwrapped(headers, body) if _UNWRAPPED in headers else _wrapped(body)


def _wrapped(body: bytes) -> Message:
    try:
        envelope = _ENVELOPES.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadEnvelope(f"the body is no Pub/Sub push envelope: {error}") from error
    message = envelope.message
    return Message(
        id=_required(message.message_id or message.other_message_id, "message.messageId"),
        data=message.data,
        attributes=message.attributes,
        publish_time=_instant(message.publish_time or message.other_publish_time, "message.publishTime"),
        ordering_key=message.ordering_key,
        delivery_attempt=envelope.delivery_attempt,
        subscription=envelope.subscription,
    )


def _unwrapped(headers: Mapping[bytes, bytes], body: bytes) -> Message:
    metadata = {
        name.removeprefix(_METADATA_PREFIX).decode("latin-1"): value.decode("latin-1")
        for name, value in headers.items()
        if name.startswith(_METADATA_PREFIX)
    }
    attempt = metadata.get("delivery-attempt", "0")
    if not _ATTEMPT.fullmatch(attempt):
        raise BadEnvelope("the header x-goog-pubsub-delivery-attempt is no number")
    return Message(
        id=_required(metadata["message-id"], "x-goog-pubsub-message-id"),
        data=body,
        attributes=_attributes(headers),
        publish_time=_instant(metadata.get("publish-time", ""), "x-goog-pubsub-publish-time"),
        ordering_key=metadata.get("ordering-key", ""),
        delivery_attempt=int(attempt),
        subscription=metadata.get("subscription-name", ""),
    )


# What HTTP itself puts on the request; every other header is an attribute of the message.
_TRANSPORT = frozenset({
    b"accept", b"accept-encoding", b"authorization", b"connection", b"content-length", b"content-type",
    b"forwarded", b"from", b"host", b"traceparent", b"tracestate", b"transfer-encoding", b"user-agent",
    b"via", b"x-cloud-trace-context", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto",
})  # fmt: skip


def _attributes(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    return {
        _text(name): _text(value)
        for name, value in headers.items()
        if name not in _TRANSPORT and not name.startswith(_METADATA_PREFIX)
    }


def _text(header: bytes) -> str:
    """Return the header as it was published; what is no UTF-8, byte by byte."""
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")


def _required(value: str, name: str) -> str:
    if not value:
        raise BadEnvelope(f"{name} is missing or empty")
    return value


def _instant(text: str, name: str) -> datetime:
    """Return the instant; Pub/Sub writes up to nanoseconds, of which microseconds are kept."""
    try:
        if not _TIME.fullmatch(text):
            raise ValueError("not of the form 2026-01-31T12:00:00.123456789Z")
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise BadEnvelope(f"{name} is no RFC 3339 time in UTC: {error}") from error
