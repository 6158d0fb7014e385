"""What Pub/Sub accepts: names, message sizes, deadlines. https://cloud.google.com/pubsub/quotas#resource_limits."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from exposure.local.pubsub.refusal import invalid, not_built

_ID = r"(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}"
_NAMES = {kind: re.compile(rf"projects/[a-z0-9:.-]+/{kind}/{_ID}") for kind in ("topics", "subscriptions")}
REQUEST_BYTES = 10_000_000
REQUEST_MESSAGES = 1000
_ATTRIBUTES = 100
_ATTRIBUTE_KEY_BYTES = 256
_ATTRIBUTE_VALUE_BYTES = 1024
_ORDERING_KEY_BYTES = 1024
ACK_DEADLINE_SECONDS = 10
ACK_DEADLINES = range(10, 601)
RETENTION_SECONDS = 7 * 86_400
_RETENTION = range(600, 31 * 86_400 + 1)
_DEAD_LETTER_ATTEMPTS = range(5, 101)
_BACKOFF_SECONDS = 600
_UNBUILT_OF_TOPICS = {
    "schema_settings": "schemas",
    "ingestion_data_source_settings": "ingestion sources",
    "kms_key_name": "customer-managed keys",
    "message_storage_policy": "regions",
    "message_transforms": "message transforms",
}
_UNBUILT_OF_SUBSCRIPTIONS = {
    "bigquery_config": "BigQuery subscriptions",
    "cloud_storage_config": "Cloud Storage subscriptions",
    "bigtable_config": "Bigtable subscriptions",
    "enable_exactly_once_delivery": "exactly-once delivery",
    "retain_acked_messages": "retention of acknowledged messages",
    "message_transforms": "message transforms",
}


def check_name(kind: str, name: str) -> None:
    """Raise the refusal of a name that is no `topics` or `subscriptions` name."""
    if not _NAMES[kind].fullmatch(name):
        raise invalid(f"Invalid [{kind}] name: (name={name[:300]})")


def check_publish(messages: Any) -> None:
    """Raise the refusal of a publish request that is too large or holds a message that cannot be."""
    if not 1 <= len(messages) <= REQUEST_MESSAGES:
        raise invalid(f"A publish request has 1 to {REQUEST_MESSAGES} messages, this one {len(messages)}.")
    if sum(message.ByteSize() for message in messages) > REQUEST_BYTES:
        raise invalid(f"A publish request has {REQUEST_BYTES} bytes at most.")
    if len({message.ordering_key for message in messages}) > 1:
        raise invalid("All messages of a publish request have the same ordering key.")
    for message in messages:
        _check_message(message)


def _check_message(message: Any) -> None:
    if not message.data and not message.attributes:
        raise invalid("A message needs data or at least one attribute.")
    if len(message.attributes) > _ATTRIBUTES:
        raise invalid(f"A message has {_ATTRIBUTES} attributes at most.")
    if len(message.ordering_key.encode()) > _ORDERING_KEY_BYTES:
        raise invalid(f"An ordering key has {_ORDERING_KEY_BYTES} bytes at most.")
    for key, value in message.attributes.items():
        if not 1 <= len(key.encode()) <= _ATTRIBUTE_KEY_BYTES:
            raise invalid(f"An attribute's key has 1 to {_ATTRIBUTE_KEY_BYTES} bytes.")
        if key.startswith("goog") and not key.startswith("googclient_"):
            raise invalid(f"The attribute '{key}' begins with goog, which is reserved.")
        if len(value.encode()) > _ATTRIBUTE_VALUE_BYTES:
            raise invalid(f"The attribute '{key}' has more than {_ATTRIBUTE_VALUE_BYTES} bytes.")


def check_topic(topic: Any) -> None:
    """Fill in the defaults; raise the refusal of a topic that asks for what is not built."""
    check_name("topics", topic.name)
    for field, what in _UNBUILT_OF_TOPICS.items():
        if _is_set(topic, field):
            raise not_built(what)
    if topic.HasField("message_retention_duration"):
        _check_retention(topic)
    topic.state = type(topic).ACTIVE


def check_subscription(subscription: Any) -> None:
    """Fill in the defaults; raise the refusal of what is out of bounds or not built."""
    check_name("subscriptions", subscription.name)
    _refuse_unbuilt(subscription)
    subscription.ack_deadline_seconds = subscription.ack_deadline_seconds or ACK_DEADLINE_SECONDS
    check_ack_deadline(subscription.ack_deadline_seconds)
    if not subscription.HasField("message_retention_duration"):
        subscription.message_retention_duration.seconds = RETENTION_SECONDS
    _check_retention(subscription)
    if subscription.HasField("dead_letter_policy"):
        _check_dead_letter(subscription.dead_letter_policy)
    if subscription.HasField("retry_policy"):
        _check_retry(subscription.retry_policy)
    if subscription.HasField("push_config"):
        _check_push(subscription.push_config)
    subscription.state = type(subscription).ACTIVE


def check_ack_deadline(seconds: int) -> None:
    """Raise the refusal of an ack deadline outside 10 to 600 seconds."""
    if seconds not in ACK_DEADLINES:
        raise invalid(f"An ack deadline has 10 to 600 seconds, this one {seconds}.")


def _check_retention(config: Any) -> None:
    if config.message_retention_duration.seconds not in _RETENTION:
        raise invalid("Messages are retained for 10 minutes to 31 days.")


def _check_dead_letter(policy: Any) -> None:
    policy.max_delivery_attempts = policy.max_delivery_attempts or _DEAD_LETTER_ATTEMPTS.start
    if policy.max_delivery_attempts not in _DEAD_LETTER_ATTEMPTS:
        raise invalid("A message may have 5 to 100 delivery attempts before it is a dead letter.")


def _check_retry(policy: Any) -> None:
    if not policy.HasField("minimum_backoff"):
        policy.minimum_backoff.seconds = 10
    if not policy.HasField("maximum_backoff"):
        policy.maximum_backoff.seconds = _BACKOFF_SECONDS
    least, most = policy.minimum_backoff.ToTimedelta(), policy.maximum_backoff.ToTimedelta()
    if not 0 <= least.total_seconds() <= most.total_seconds() <= _BACKOFF_SECONDS:
        raise invalid("A retry policy waits 0 to 600 seconds, at first no longer than at last.")


def _check_push(config: Any) -> None:
    endpoint = config.push_endpoint
    if not endpoint:
        return
    if not _is_http(endpoint):
        raise invalid(f"A push endpoint is an http or https URL, not {endpoint[:300]!r}.")
    if any(ord(character) <= ord(" ") for character in endpoint):
        raise invalid("A push endpoint has no spaces or control characters.")
    if config.HasField("oidc_token") and not config.oidc_token.service_account_email:
        raise invalid("An oidc_token names a service_account_email.")


def _is_http(endpoint: str) -> bool:
    try:
        address = urlsplit(endpoint)
        # The port is judged when it is read: it may be no number, or none a socket can have.
        return (
            address.scheme in ("http", "https")
            and bool(address.hostname)
            and address.port != 0
            and endpoint.isascii()
        )
    except ValueError:
        return False


def _refuse_unbuilt(subscription: Any) -> None:
    for field, what in _UNBUILT_OF_SUBSCRIPTIONS.items():
        if _is_set(subscription, field):
            raise not_built(what)


def _is_set(config: Any, field: str) -> bool:
    return any(descriptor.name == field for descriptor, _ in config.ListFields())
