"""The copy of a message that goes to a dead-letter topic, and what it says of its origin.

https://cloud.google.com/pubsub/docs/handling-failures#dead_letter_topic
"""

from __future__ import annotations

from typing import Any

from exposure.local.pubsub.lease import Delivery
from exposure.local.pubsub.wire import PubsubMessage

_PREFIX = "CloudPubSubDeadLetterSource"


def dead_letter(subscription: str, delivery: Delivery) -> Any:
    """Return the message as it is forwarded by `subscription`, a full name."""
    _, project, _, name = subscription.split("/")
    copy = PubsubMessage()
    copy.CopyFrom(delivery.message)
    copy.attributes[f"{_PREFIX}DeliveryCount"] = str(delivery.attempts)
    copy.attributes[f"{_PREFIX}Subscription"] = name
    copy.attributes[f"{_PREFIX}SubscriptionProject"] = project
    copy.attributes[f"{_PREFIX}TopicPublishTime"] = delivery.message.publish_time.ToJsonString()
    return copy
