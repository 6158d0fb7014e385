"""What a push looks like: the JSON envelope, or the bare data with the metadata in headers.

https://cloud.google.com/pubsub/docs/push#receive_push, https://cloud.google.com/pubsub/docs/payload-unwrapping
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PREFIX = "x-goog-pubsub-"
# Attributes become headers of an unwrapped push; these belong to the connection and to the token.
_NEVER_ATTRIBUTES = frozenset(
    {"authorization", "connection", "content-length", "host", "te", "trailer", "transfer-encoding", "upgrade"}
)


@dataclass(frozen=True)
class Push:
    """The headers and the body of one push request."""

    headers: Mapping[str, str]
    body: bytes


def push_of(config: Any, message: Any, attempt: int) -> Push:
    """Return the request for a message of the subscription; `attempt` is 0 without a dead-letter policy."""
    if not config.push_config.HasField("no_wrapper"):
        return Push({"Content-Type": "application/json"}, _envelope(config.name, message, attempt))
    if not config.push_config.no_wrapper.write_metadata:
        return Push({}, message.data)
    return Push(_metadata(config.name, message, attempt), message.data)


def _metadata(subscription: str, message: Any, attempt: int) -> dict[str, str]:
    attributes = message.attributes.items()
    headers = {key: value for key, value in attributes if key.lower() not in _NEVER_ATTRIBUTES}
    headers[f"{_PREFIX}subscription-name"] = subscription
    headers[f"{_PREFIX}message-id"] = message.message_id
    headers[f"{_PREFIX}publish-time"] = message.publish_time.ToJsonString()
    if message.ordering_key:
        headers[f"{_PREFIX}ordering-key"] = message.ordering_key
    if attempt:
        headers[f"{_PREFIX}delivery-attempt"] = str(attempt)
    return headers


def _envelope(subscription: str, message: Any, attempt: int) -> bytes:
    published = message.publish_time.ToJsonString()
    inner: dict[str, object] = {}
    if message.attributes:
        inner["attributes"] = dict(message.attributes)
    if message.data:
        inner["data"] = base64.b64encode(message.data).decode()
    # Both spellings, as in the real service.
    inner |= {"messageId": message.message_id, "message_id": message.message_id}
    inner |= {"publishTime": published, "publish_time": published}
    if message.ordering_key:
        inner["orderingKey"] = message.ordering_key
    envelope: dict[str, object] = {"message": inner, "subscription": subscription}
    if attempt:
        envelope["deliveryAttempt"] = attempt
    return json.dumps(envelope, separators=(",", ":")).encode()
