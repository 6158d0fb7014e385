"""What a contract has in Pub/Sub on this machine: its topic and its push subscription, as in the cloud.

No dead letters: ingest keeps bad data in quarantine and acknowledges it, so what fails here is good data
in an outage. The most attempts a policy may have are over after an hour and a half of one, and nobody
reads a dead-letter topic on this machine. Without a policy the message waits for the outage to end.
"""

from __future__ import annotations

from exposure.contracts.model import Contract
from exposure.local.pubsub.broker import Broker
from exposure.local.pubsub.wire import Subscription, Topic

PROJECT = "local"
_ACK_DEADLINE_SECONDS = 30
_FIRST_RETRY_SECONDS = 1
_LAST_RETRY_SECONDS = 60
# The longest Pub/Sub has: the time counts on while this machine is switched off.
_RETENTION_SECONDS = 31 * 86_400


def topic_path(topic: str) -> str:
    """Return the full name of a topic of the local project."""
    return f"projects/{PROJECT}/topics/{topic}"


def subscription_path(name: str) -> str:
    """Return the full name of a subscription of the local project."""
    return f"projects/{PROJECT}/subscriptions/{name}"


async def declare_feed(broker: Broker, contract: Contract, ingest_url: str, account: str) -> None:
    """Make what is missing and point the push at where ingest listens now; a backlog stays."""
    if topic_path(contract.topic) not in broker.topics:
        await broker.create_topic(Topic(name=topic_path(contract.topic)))
    await broker.put_subscription(_pushing(contract, ingest_url, account))


def _pushing(contract: Contract, ingest_url: str, account: str) -> Subscription:
    config = Subscription(
        name=subscription_path(contract.subscription),
        topic=topic_path(contract.topic),
        ack_deadline_seconds=_ACK_DEADLINE_SECONDS,
    )
    config.push_config.push_endpoint = f"{ingest_url}/push/{contract.name}"
    config.push_config.oidc_token.service_account_email = account
    config.push_config.oidc_token.audience = ingest_url
    config.retry_policy.minimum_backoff.seconds = _FIRST_RETRY_SECONDS
    config.retry_policy.maximum_backoff.seconds = _LAST_RETRY_SECONDS
    config.message_retention_duration.seconds = _RETENTION_SECONDS
    return config
