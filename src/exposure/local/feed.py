"""What a contract has in Pub/Sub: its topic, its push subscription and its dead letters, as in the cloud."""

from __future__ import annotations

from exposure.contracts.model import Contract
from exposure.local.pubsub.broker import Broker
from exposure.local.pubsub.wire import Subscription, Topic

PROJECT = "local"
_ACK_DEADLINE_SECONDS = 30
# Outages count as attempts too: with few of them a short one would bury good messages.
_DELIVERY_ATTEMPTS = 100
_FIRST_RETRY_SECONDS = 1
_LAST_RETRY_SECONDS = 60


def topic_path(topic: str) -> str:
    """Return the full name of a topic of the local project."""
    return f"projects/{PROJECT}/topics/{topic}"


async def declare_feed(broker: Broker, contract: Contract, ingest_url: str, account: str) -> None:
    """Make what is missing and point the push at where ingest listens now; a backlog stays."""
    dead_letters = contract.dead_letter_topic
    for topic in (contract.topic, dead_letters):
        if topic_path(topic) not in broker.topics:
            await broker.create_topic(Topic(name=topic_path(topic)))
    await broker.put_subscription(_keeping(dead_letters))
    await broker.put_subscription(_pushing(contract, dead_letters, ingest_url, account))


def _keeping(topic: str) -> Subscription:
    """Return a subscription that only keeps: a dead letter nobody subscribes to would be lost."""
    return Subscription(name=_subscription_path(topic), topic=topic_path(topic))


def _pushing(contract: Contract, dead_letters: str, ingest_url: str, account: str) -> Subscription:
    config = Subscription(
        name=_subscription_path(contract.subscription),
        topic=topic_path(contract.topic),
        ack_deadline_seconds=_ACK_DEADLINE_SECONDS,
    )
    config.push_config.push_endpoint = f"{ingest_url}/push/{contract.name}"
    config.push_config.oidc_token.service_account_email = account
    config.push_config.oidc_token.audience = ingest_url
    config.retry_policy.minimum_backoff.seconds = _FIRST_RETRY_SECONDS
    config.retry_policy.maximum_backoff.seconds = _LAST_RETRY_SECONDS
    config.dead_letter_policy.dead_letter_topic = topic_path(dead_letters)
    config.dead_letter_policy.max_delivery_attempts = _DELIVERY_ATTEMPTS
    return config


def _subscription_path(name: str) -> str:
    return f"projects/{PROJECT}/subscriptions/{name}"
