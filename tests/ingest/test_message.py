"""What is read of a push request, in both of its forms."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from exposure.ingest.message import BadEnvelope, Message, decode_push
from fakes.messages import envelope, wrapped
from fakes.validated import short

PUBLISH_TIME = datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC)
UNWRAPPED = {
    b"x-goog-pubsub-message-id": b"77",
    b"x-goog-pubsub-publish-time": b"2026-11-25T12:00:00.123456789Z",
    b"x-goog-pubsub-subscription-name": b"projects/p/subscriptions/s",
}


def decode(changed: dict[str, Any]) -> Message:
    return decode_push({}, json.dumps(changed).encode())


def test_a_wrapped_message_is_read_whole() -> None:
    body = envelope(b"\x00\xff payload", "77", {"origin": "web"})
    body["message"]["orderingKey"] = "customer-1"
    body["deliveryAttempt"] = 3
    assert decode(body) == Message(
        id="77",
        data=b"\x00\xff payload",
        attributes={"origin": "web"},
        publish_time=PUBLISH_TIME,
        ordering_key="customer-1",
        delivery_attempt=3,
        subscription="projects/local/subscriptions/events-ingest",
    )


@pytest.mark.parametrize("spelling", [("messageId", "publishTime"), ("message_id", "publish_time")])
def test_either_spelling_of_id_and_time_is_enough(spelling: tuple[str, str]) -> None:
    body = envelope(b"x", "77")
    body["message"] = {"data": "eA==", spelling[0]: "77", spelling[1]: body["message"]["publishTime"]}
    message = decode(body)
    assert (message.id, message.publish_time) == ("77", PUBLISH_TIME)


def test_a_message_of_attributes_only_has_empty_data() -> None:
    body = envelope(b"", attributes={"only": "this"})
    del body["message"]["data"]
    assert decode(body).data == b""


def test_an_unwrapped_message_is_read_whole() -> None:
    headers = UNWRAPPED | {
        b"x-goog-pubsub-ordering-key": b"customer-1",
        b"x-goog-pubsub-delivery-attempt": b"3",
        b"origin": b"caf\xe9",
        b"host": b"example",
        b"authorization": b"Bearer secret",
        b"content-length": b"3",
    }
    assert decode_push(headers, b"\x00\xffx") == Message(
        id="77",
        data=b"\x00\xffx",
        attributes={"origin": "café"},
        publish_time=PUBLISH_TIME,
        ordering_key="customer-1",
        delivery_attempt=3,
        subscription="projects/p/subscriptions/s",
    )


def test_an_unwrapped_payload_that_looks_like_an_envelope_stays_the_payload() -> None:
    body = wrapped(b"inner")
    assert decode_push(UNWRAPPED, body).data == body


@pytest.mark.parametrize(
    ("published", "kept"),
    [
        ("2026-11-25T12:00:00Z", 0),
        ("2026-11-25T12:00:00.1Z", 100_000),
        ("2026-11-25T12:00:00.123Z", 123_000),
        ("2026-11-25T12:00:00.999999999Z", 999_999),
    ],
)
def test_nanoseconds_of_the_publish_time_are_cut_not_rounded(published: str, kept: int) -> None:
    body = envelope(b"x")
    body["message"]["publishTime"] = published
    assert decode(body).publish_time == datetime(2026, 11, 25, 12, 0, 0, kept, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "envelope"),
        (b"not json", "envelope"),
        (b"\xff\xfe", "envelope"),
        (b"[" * 100_000, "envelope"),
        (b'{"message": "text"}', "$.message"),
        (b'{"message": {"attributes": {"a": 1}}}', "$.message.attributes"),
        (b"{}", "message"),
        (b"[]", "envelope"),
    ],
    ids=short,
)
def test_a_body_that_is_no_envelope_is_refused_with_the_place(body: bytes, complaint: str) -> None:
    with pytest.raises(BadEnvelope) as refused:
        decode_push({}, body)
    assert complaint in str(refused.value)


@pytest.mark.parametrize("data", ["*", "eA", "eA==eA==", "e A=", "\ue000"])
def test_data_that_is_no_base64_is_refused(data: str) -> None:
    body = envelope(b"x")
    body["message"]["data"] = data
    with pytest.raises(BadEnvelope, match=r"Invalid base64 .* `\$\.message\.data`"):
        decode(body)


def test_a_message_without_an_id_is_refused_by_name() -> None:
    body = envelope(b"x", message_id="")
    with pytest.raises(BadEnvelope, match=r"message\.messageId is missing"):
        decode(body)


@pytest.mark.parametrize(
    "time", ["", "yesterday", "2026-02-30T00:00:00Z", "2026-11-25T12:00:00", "0000-01-01T00:00:00Z"]
)
def test_a_publish_time_that_is_none_is_refused_by_name(time: str) -> None:
    body = envelope(b"x")
    body["message"] |= {"publishTime": time, "publish_time": time}
    with pytest.raises(BadEnvelope, match="publishTime is no RFC 3339 time"):
        decode(body)


@pytest.mark.parametrize(
    ("header", "value", "complaint"),
    [
        (b"x-goog-pubsub-message-id", b"", "message-id is missing"),
        (b"x-goog-pubsub-publish-time", b"now", "publish-time is no RFC 3339 time"),
        (b"x-goog-pubsub-delivery-attempt", b"two", "delivery-attempt is no number"),
        (b"x-goog-pubsub-delivery-attempt", b"9" * 5000, "delivery-attempt is no number"),
    ],
    ids=short,
)
def test_a_wrong_metadata_header_is_refused_by_name(header: bytes, value: bytes, complaint: str) -> None:
    with pytest.raises(BadEnvelope, match=complaint):
        decode_push(UNWRAPPED | {header: value}, b"x")


def test_ten_megabytes_of_data_come_through() -> None:
    data = bytes(10_000_000)
    body = b'{"message":{"messageId":"1","publishTime":"2026-11-25T12:00:00Z","data":"' + base64.b64encode(
        data
    )
    assert decode_push({}, body + b'"}}').data == data


def test_attributes_of_an_unwrapped_push_keep_their_letters() -> None:
    headers = {
        b"x-goog-pubsub-message-id": b"1",
        b"x-goog-pubsub-publish-time": b"2026-11-25T12:00:00Z",
        b"city": "São Paulo".encode(),
        b"odd": b"\xe3",
    }
    assert decode_push(headers, b"").attributes == {"city": "São Paulo", "odd": "ã"}
