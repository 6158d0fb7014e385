"""What a push looks like on the wire."""

from __future__ import annotations

import json
from typing import Any

from exposure.local.pubsub.push_request import push_of
from exposure.local.pubsub.wire import PubsubMessage, Subscription

NAME = "projects/p/subscriptions/sub"


def message_of(**fields: Any) -> Any:
    message = PubsubMessage(message_id="17", **fields)
    message.publish_time.FromJsonString("2026-11-25T12:00:00.123456Z")
    return message


def unwrapped(*, write_metadata: bool) -> Any:
    config = Subscription(name=NAME)
    config.push_config.no_wrapper.write_metadata = write_metadata
    return config


def test_the_envelope_is_the_real_one() -> None:
    push = push_of(Subscription(name=NAME), message_of(data=b"\xff\x00", attributes={"a": "b"}), 0)
    assert push.headers == {"Content-Type": "application/json"}
    assert json.loads(push.body) == {
        "message": {
            "attributes": {"a": "b"},
            "data": "/wA=",
            "messageId": "17",
            "message_id": "17",
            "publishTime": "2026-11-25T12:00:00.123456Z",
            "publish_time": "2026-11-25T12:00:00.123456Z",
        },
        "subscription": NAME,
    }


def test_ordering_key_and_delivery_attempt_are_told_where_there_are_any() -> None:
    envelope = json.loads(push_of(Subscription(name=NAME), message_of(data=b"x", ordering_key="k"), 3).body)
    assert envelope["message"]["orderingKey"] == "k"
    assert envelope["deliveryAttempt"] == 3


def test_an_unwrapped_push_is_the_bare_data() -> None:
    push = push_of(unwrapped(write_metadata=False), message_of(data=b"raw", attributes={"a": "b"}), 0)
    assert push.body == b"raw"
    assert push.headers == {}


def test_an_unwrapped_push_may_carry_its_metadata_in_headers() -> None:
    message = message_of(data=b"raw", attributes={"Content-Type": "text/plain"}, ordering_key="k")
    assert push_of(unwrapped(write_metadata=True), message, 2).headers == {
        "Content-Type": "text/plain",
        "x-goog-pubsub-subscription-name": NAME,
        "x-goog-pubsub-message-id": "17",
        "x-goog-pubsub-publish-time": "2026-11-25T12:00:00.123456Z",
        "x-goog-pubsub-ordering-key": "k",
        "x-goog-pubsub-delivery-attempt": "2",
    }


def test_an_attribute_cannot_pose_as_a_header_of_the_connection_or_as_the_token() -> None:
    attributes = {
        "Content-Length": "0",
        "Host": "evil",
        "Authorization": "Bearer mine",
        "Transfer-Encoding": "x",
    }
    headers = push_of(
        unwrapped(write_metadata=True), message_of(data=b"raw", attributes=attributes), 0
    ).headers
    assert not {name.lower() for name in headers} & {name.lower() for name in attributes}
