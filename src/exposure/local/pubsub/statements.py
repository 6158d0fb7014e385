"""The SQL statements that keep the disk in step with what the broker has in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from exposure.local.pubsub.lease import Delivery, Stored
from exposure.local.pubsub.storage import Change

_PUT = {
    "topics": "INSERT OR REPLACE INTO topics VALUES (?, ?)",
    "subscriptions": "INSERT OR REPLACE INTO subscriptions VALUES (?, ?)",
}


def put(table: str, config: Any) -> Change:
    """Keep the configuration of `topics` or `subscriptions`, new or changed."""
    return Change(_PUT[table], (config.name, config.SerializeToString()))


def delete_topic(name: str) -> Change:
    """Forget a topic."""
    return Change("DELETE FROM topics WHERE name = ?", (name,))


def delete_subscription(name: str) -> Iterator[Change]:
    """Forget a subscription and the places of its messages."""
    yield Change("DELETE FROM subscriptions WHERE name = ?", (name,))
    yield empty_subscription(name)


def hold(stored: Stored, subscriptions: Iterable[str]) -> Iterator[Change]:
    """Keep a message and its place in each of the subscriptions."""
    yield Change("INSERT INTO messages VALUES (?, ?)", (stored.sequence, stored.message.SerializeToString()))
    for name in subscriptions:
        yield Change("INSERT INTO deliveries VALUES (?, ?, 0)", (name, stored.sequence))


def empty_subscription(name: str) -> Change:
    """Forget the places of messages in a subscription."""
    return Change("DELETE FROM deliveries WHERE subscription = ?", (name,))


def sweep() -> Iterator[Change]:
    """Forget messages nobody holds and places without a message: what failed commits have left."""
    yield Change("DELETE FROM messages WHERE sequence NOT IN (SELECT sequence FROM deliveries)", ())
    yield Change("DELETE FROM deliveries WHERE sequence NOT IN (SELECT sequence FROM messages)", ())


def leave(name: str, delivery: Delivery) -> Change:
    """Forget a message's place in a subscription that is done with it."""
    row = (name, delivery.sequence)
    return Change("DELETE FROM deliveries WHERE subscription = ? AND sequence = ?", row)


def forget(stored: Stored) -> Change:
    """Forget a message no subscription holds any more."""
    return Change("DELETE FROM messages WHERE sequence = ?", (stored.sequence,))


def count_attempt(name: str, delivery: Delivery) -> Change:
    """Keep how often a message has failed in a subscription."""
    row = (delivery.attempts, name, delivery.sequence)
    return Change("UPDATE deliveries SET attempts = ? WHERE subscription = ? AND sequence = ?", row)
