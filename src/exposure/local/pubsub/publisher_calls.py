"""The calls on topics, each a few lines over the broker."""

from __future__ import annotations

from typing import Any

from google.protobuf import empty_pb2
from google.pubsub_v1 import types

from exposure.local.pubsub.broker import Broker
from exposure.local.pubsub.calls import Call, changed_by, names_of, page_of
from exposure.local.pubsub.wire import PublishResponse, Topic

# What may be changed later; the rest of a topic is fixed when it is made.
_CHANGEABLE = {"labels", "message_retention_duration"}


class PublisherCalls:
    """The calls on topics."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def create(self, topic: Any) -> Any:
        """CreateTopic."""
        await self._broker.create_topic(topic)
        return topic

    async def update(self, request: Any) -> Any:
        """UpdateTopic."""
        known = self._broker.topic(request.topic.name)
        changed = changed_by(request.update_mask, _CHANGEABLE, request.topic, known)
        await self._broker.put_topic(changed)
        return changed

    async def publish(self, request: Any) -> Any:
        """Publish."""
        return PublishResponse(message_ids=await self._broker.publish(request.topic, request.messages))

    async def get(self, request: Any) -> Any:
        """GetTopic."""
        return self._broker.topic(request.topic)

    async def list(self, request: Any) -> Any:
        """ListTopics."""
        page = page_of(names_of(request.project, self._broker.topics), request)
        topics = [self._broker.topics[name] for name in page.names]
        return types.ListTopicsResponse.pb()(topics=topics, next_page_token=page.next_page_token)

    async def list_subscriptions(self, request: Any) -> Any:
        """ListTopicSubscriptions."""
        self._broker.topic(request.topic)
        queues = self._broker.subscriptions.values()
        page = page_of(
            (queue.config.name for queue in queues if queue.config.topic == request.topic), request
        )
        return types.ListTopicSubscriptionsResponse.pb()(
            subscriptions=page.names, next_page_token=page.next_page_token
        )

    async def delete(self, request: Any) -> Any:
        """DeleteTopic."""
        await self._broker.delete_topic(request.topic)
        return empty_pb2.Empty()


def publisher_calls(broker: Broker) -> dict[str, tuple[Call, Any]]:
    """Return each call by its name, with the class of its request."""
    calls = PublisherCalls(broker)
    return {
        "Publisher/CreateTopic": (calls.create, Topic),
        "Publisher/UpdateTopic": (calls.update, types.UpdateTopicRequest.pb()),
        "Publisher/Publish": (calls.publish, types.PublishRequest.pb()),
        "Publisher/GetTopic": (calls.get, types.GetTopicRequest.pb()),
        "Publisher/ListTopics": (calls.list, types.ListTopicsRequest.pb()),
        "Publisher/ListTopicSubscriptions": (
            calls.list_subscriptions,
            types.ListTopicSubscriptionsRequest.pb(),
        ),
        "Publisher/DeleteTopic": (calls.delete, types.DeleteTopicRequest.pb()),
    }
