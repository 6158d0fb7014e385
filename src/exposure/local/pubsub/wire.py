"""The protobuf messages of Pub/Sub's API, as the plain classes; the client's wrappers are slow to touch."""

from __future__ import annotations

from typing import Any

from google.pubsub_v1 import types

Topic: Any = types.Topic.pb()
Subscription: Any = types.Subscription.pb()
PubsubMessage: Any = types.PubsubMessage.pb()
ReceivedMessage: Any = types.ReceivedMessage.pb()
StreamingPullResponse: Any = types.StreamingPullResponse.pb()
PullResponse: Any = types.PullResponse.pb()
PublishResponse: Any = types.PublishResponse.pb()
