"""The calls on subscriptions but for StreamingPull, each a few lines over the broker."""

from __future__ import annotations

import asyncio
from typing import Any

from google.protobuf import empty_pb2
from google.pubsub_v1 import types

from exposure.local.pubsub.broker import Broker
from exposure.local.pubsub.calls import Call, changed_by, names_of, page_of
from exposure.local.pubsub.lease import Demand
from exposure.local.pubsub.limits import REQUEST_MESSAGES
from exposure.local.pubsub.refusal import invalid
from exposure.local.pubsub.waiting import wait_for
from exposure.local.pubsub.wire import PullResponse, Subscription

_PULL_WAIT_SECONDS = 5.0
# What a response carries at most, but for a single larger message.
_RESPONSE_BYTES = 4_000_000
# What may be changed later; the rest of a subscription is fixed when it is made.
_CHANGEABLE = {
    "ack_deadline_seconds", "dead_letter_policy", "expiration_policy", "labels", "message_retention_duration",
    "push_config", "retry_policy",
}  # fmt: skip


class SubscriberCalls:
    """The calls on subscriptions, but for StreamingPull."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def create(self, subscription: Any) -> Any:
        """CreateSubscription."""
        await self._broker.create_subscription(subscription)
        return subscription

    async def get(self, request: Any) -> Any:
        """GetSubscription."""
        return self._broker.subscription(request.subscription).config

    async def update(self, request: Any) -> Any:
        """UpdateSubscription."""
        known = self._broker.subscription(request.subscription.name).config
        changed = changed_by(request.update_mask, _CHANGEABLE, request.subscription, known)
        await self._broker.put_subscription(changed)
        return changed

    async def modify_push(self, request: Any) -> Any:
        """ModifyPushConfig."""
        changed = Subscription()
        changed.CopyFrom(self._broker.subscription(request.subscription).config)
        changed.push_config.CopyFrom(request.push_config)
        await self._broker.put_subscription(changed)
        return empty_pb2.Empty()

    async def list(self, request: Any) -> Any:
        """ListSubscriptions."""
        queues = self._broker.subscriptions
        page = page_of(names_of(request.project, queues), request)
        configs = [queues[name].config for name in page.names]
        return types.ListSubscriptionsResponse.pb()(
            subscriptions=configs, next_page_token=page.next_page_token
        )

    async def delete(self, request: Any) -> Any:
        """DeleteSubscription."""
        await self._broker.delete_subscription(request.subscription)
        return empty_pb2.Empty()

    async def pull(self, request: Any) -> Any:
        """Pull; waits up to 5 s for a first message."""
        if request.max_messages < 1:
            raise invalid("max_messages is at least 1.")
        name = request.subscription
        queue = self._broker.subscription(name)
        most = min(request.max_messages, REQUEST_MESSAGES)
        demand = Demand(most, _RESPONSE_BYTES, queue.config.ack_deadline_seconds, per_key=most)
        loop = asyncio.get_running_loop()
        end = loop.time() + (0 if request.return_immediately else _PULL_WAIT_SECONDS)
        while True:
            changed = self._broker.changed(name)
            leases = self._broker.take(name, demand)
            if leases or loop.time() >= end:
                return PullResponse(received_messages=[queue.received(lease) for lease in leases])
            await wait_for(changed, end - loop.time())

    async def acknowledge(self, request: Any) -> Any:
        """Acknowledge."""
        self._broker.acknowledge(request.subscription, request.ack_ids)
        return empty_pb2.Empty()

    async def modify_deadline(self, request: Any) -> Any:
        """ModifyAckDeadline; 0 s gives the messages back."""
        self._broker.extend(request.subscription, request.ack_ids, request.ack_deadline_seconds)
        return empty_pb2.Empty()


def subscriber_calls(broker: Broker) -> dict[str, tuple[Call, Any]]:
    """Return each call by its name, with the class of its request."""
    calls = SubscriberCalls(broker)
    return {
        "Subscriber/CreateSubscription": (calls.create, Subscription),
        "Subscriber/GetSubscription": (calls.get, types.GetSubscriptionRequest.pb()),
        "Subscriber/UpdateSubscription": (calls.update, types.UpdateSubscriptionRequest.pb()),
        "Subscriber/ListSubscriptions": (calls.list, types.ListSubscriptionsRequest.pb()),
        "Subscriber/DeleteSubscription": (calls.delete, types.DeleteSubscriptionRequest.pb()),
        "Subscriber/ModifyPushConfig": (calls.modify_push, types.ModifyPushConfigRequest.pb()),
        "Subscriber/Pull": (calls.pull, types.PullRequest.pb()),
        "Subscriber/Acknowledge": (calls.acknowledge, types.AcknowledgeRequest.pb()),
        "Subscriber/ModifyAckDeadline": (calls.modify_deadline, types.ModifyAckDeadlineRequest.pb()),
    }
