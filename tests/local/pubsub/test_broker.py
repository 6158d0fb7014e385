"""The broker over a real disk, with a clock that tests turn."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from exposure.local.pubsub.broker import Broker
from exposure.local.pubsub.configuration import DELETED_TOPIC
from exposure.local.pubsub.lease import Demand, Lease
from exposure.local.pubsub.refusal import Refusal
from exposure.local.pubsub.storage import StorageFailed
from exposure.local.pubsub.wire import PubsubMessage, Subscription, Topic
from fakes.full_disk import FullDisk, full_disk
from fakes.turned_clock import START, TurnedClock

TOPIC, DEAD = "projects/p/topics/top", "projects/p/topics/dead"
SUB, DEAD_SUB = "projects/p/subscriptions/sub", "projects/p/subscriptions/dead"
EVERYTHING = Demand(most=1000, most_bytes=float("inf"), deadline_seconds=10, per_key=1000)


@pytest.fixture
async def broker(tmp_path: Path, clock: TurnedClock) -> AsyncIterator[Broker]:
    broker = Broker(FullDisk(tmp_path), clock)
    await broker.create_topic(Topic(name=TOPIC))
    yield broker
    await broker.close()


async def subscribe(broker: Broker, name: str = SUB, topic: str = TOPIC, **fields: Any) -> None:
    await broker.create_subscription(Subscription(name=name, topic=topic, **fields))


async def subscribe_with_dead_letters(broker: Broker) -> None:
    await broker.create_topic(Topic(name=DEAD))
    policy = {"dead_letter_topic": DEAD, "max_delivery_attempts": 5}
    await subscribe(broker, dead_letter_policy=policy)
    await subscribe(broker, DEAD_SUB, DEAD)


async def publish(broker: Broker, *texts: str, **fields: Any) -> list[str]:
    return await broker.publish(TOPIC, [PubsubMessage(data=text.encode(), **fields) for text in texts])


def texts(leases: list[Lease]) -> list[str]:
    return [lease.delivery.message.data.decode() for lease in leases]


def on_disk(data_dir: Path) -> tuple[int, int]:
    """Return how many messages and places in subscriptions are on disk."""
    connection = sqlite3.connect(data_dir / "pubsub.sqlite")
    counts = connection.execute("SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM deliveries)")
    messages, deliveries = counts.fetchone()
    connection.close()
    return messages, deliveries


async def restarted(broker: Broker, data_dir: Path, clock: TurnedClock) -> Broker:
    await broker.close()
    return Broker(FullDisk(data_dir), clock)


async def test_a_published_message_is_on_disk_and_stamped(broker: Broker, tmp_path: Path) -> None:
    await subscribe(broker)
    ids = await publish(broker, "a", "b")
    assert on_disk(tmp_path) == (2, 2)
    leases = broker.take(SUB, EVERYTHING)
    assert [lease.delivery.message.message_id for lease in leases] == ids
    assert leases[0].delivery.message.publish_time.ToNanoseconds() == START * 1e9


async def test_a_message_leaves_the_disk_with_its_last_holder(broker: Broker, tmp_path: Path) -> None:
    await subscribe(broker)
    await subscribe(broker, DEAD_SUB)
    await publish(broker, "a")
    for name, left in ((SUB, (1, 1)), (DEAD_SUB, (0, 0))):
        broker.acknowledge(name, [lease.ack_id for lease in broker.take(name, EVERYTHING)])
        await broker._storage.commit()
        assert on_disk(tmp_path) == left


async def test_a_message_nobody_subscribes_to_is_not_stored(broker: Broker, tmp_path: Path) -> None:
    await publish(broker, "a")
    await subscribe(broker, filter="attributes:wanted")
    await publish(broker, "b")
    assert on_disk(tmp_path) == (0, 0)


async def test_deleting_a_subscription_frees_its_messages_but_not_those_of_others(
    broker: Broker, tmp_path: Path
) -> None:
    await subscribe(broker)
    await subscribe(broker, DEAD_SUB, filter="attributes:x")
    await publish(broker, "a")
    await publish(broker, "b", attributes={"x": ""})
    await broker.delete_subscription(SUB)
    await broker._storage.commit()
    assert on_disk(tmp_path) == (1, 1)
    broker.acknowledge(DEAD_SUB, [lease.ack_id for lease in broker.take(DEAD_SUB, EVERYTHING)])
    await broker._storage.commit()
    assert on_disk(tmp_path) == (0, 0)


async def test_a_subscription_deleted_while_a_message_is_on_its_way_keeps_nothing(
    broker: Broker, tmp_path: Path
) -> None:
    await subscribe(broker)
    await asyncio.gather(publish(broker, "a"), broker.delete_subscription(SUB))
    await broker._storage.commit()
    assert on_disk(tmp_path) == (0, 0)


async def test_a_restart_keeps_topics_subscriptions_backlog_and_attempts(
    broker: Broker, tmp_path: Path, clock: TurnedClock
) -> None:
    await subscribe_with_dead_letters(broker)
    await publish(broker, "a", "b", "c")
    first, second, _ = broker.take(SUB, EVERYTHING)
    broker.acknowledge(SUB, [first.ack_id])
    broker.extend(SUB, [second.ack_id], 0)
    again = await restarted(broker, tmp_path, clock)
    assert set(again.topics) == {TOPIC, DEAD}
    assert again.backlog(SUB) == 2
    leases = again.take(SUB, EVERYTHING)
    assert [(lease.delivery.message.data, lease.delivery.attempts) for lease in leases] == [
        (b"b", 1),
        (b"c", 0),
    ]
    await again.close()


async def test_message_ids_are_not_used_again_after_a_restart(
    broker: Broker, tmp_path: Path, clock: TurnedClock
) -> None:
    await subscribe(broker)
    before = await publish(broker, "a", "b")
    again = await restarted(broker, tmp_path, clock)
    assert not set(before) & set(await again.publish(TOPIC, [PubsubMessage(data=b"c")]))
    await again.close()


async def test_ids_order_messages_as_they_were_published(broker: Broker) -> None:
    await subscribe(broker)
    batches = await asyncio.gather(*(publish(broker, "x", "y") for _ in range(20)))
    ids = [int(one) for batch in batches for one in batch]
    assert ids == sorted(ids)
    assert [lease.delivery.sequence for lease in broker.take(SUB, EVERYTHING)] == ids


async def test_a_message_that_is_not_on_disk_is_neither_answered_nor_delivered(broker: Broker) -> None:
    await subscribe(broker)
    with full_disk(), pytest.raises(StorageFailed, match="disk is full"):
        await publish(broker, "a")
    assert broker.take(SUB, EVERYTHING) == []


async def test_after_its_last_attempt_a_message_moves_to_the_dead_letter_topic(
    broker: Broker, tmp_path: Path
) -> None:
    await subscribe_with_dead_letters(broker)
    await publish(broker, "a", attributes={"own": "1"}, ordering_key="k")
    for _ in range(5):
        broker.extend(SUB, [broker.take(SUB, EVERYTHING)[0].ack_id], 0)
    await asyncio.gather(*broker._under_way)
    assert broker.backlog(SUB) == 0
    copy = broker.take(DEAD_SUB, EVERYTHING)[0].delivery.message
    assert (copy.data, copy.ordering_key) == (b"a", "k")
    assert dict(copy.attributes) == {
        "own": "1",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceSubscription": "sub",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "p",
        "CloudPubSubDeadLetterSourceTopicPublishTime": "2027-01-15T08:00:00Z",
    }
    await broker._storage.commit()
    assert on_disk(tmp_path) == (1, 1)


async def test_expired_deadlines_count_towards_dead_letters(broker: Broker, clock: TurnedClock) -> None:
    await subscribe_with_dead_letters(broker)
    await publish(broker, "a")
    for _ in range(5):
        assert broker.take(SUB, EVERYTHING)
        clock.turn(10)
        broker.wake()
    await asyncio.gather(*broker._under_way)
    assert (broker.backlog(SUB), broker.backlog(DEAD_SUB)) == (0, 1)


async def test_a_dead_letter_the_disk_refuses_is_there_again_after_a_restart(
    broker: Broker, tmp_path: Path, clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    await subscribe_with_dead_letters(broker)
    await publish(broker, "a")
    for _ in range(4):
        broker.extend(SUB, [broker.take(SUB, EVERYTHING)[0].ack_id], 0)
    await broker._storage.commit()
    with full_disk():
        broker.extend(SUB, [broker.take(SUB, EVERYTHING)[0].ack_id], 0)
        await asyncio.gather(*broker._under_way)
    assert "a dead letter of projects/p/subscriptions/sub is kept" in caplog.text
    again = await restarted(broker, tmp_path, clock)
    assert (again.backlog(SUB), again.backlog(DEAD_SUB)) == (1, 0)
    await again.close()


async def test_a_dead_letter_topic_must_exist(broker: Broker) -> None:
    with pytest.raises(Refusal, match=r"Resource not found \(resource=dead\)"):
        await subscribe(broker, dead_letter_policy={"dead_letter_topic": DEAD})


async def test_messages_are_kept_for_seven_days(broker: Broker, tmp_path: Path, clock: TurnedClock) -> None:
    await subscribe(broker)
    await publish(broker, "a")
    clock.turn(7 * 86_400)
    broker.wake()
    assert broker.backlog(SUB) == 1
    clock.turn(1)
    broker.wake()
    await broker._storage.commit()
    assert broker.backlog(SUB) == 0
    assert on_disk(tmp_path) == (0, 0)


async def test_subscriptions_of_a_deleted_topic_deliver_what_they_have(
    broker: Broker, tmp_path: Path, clock: TurnedClock
) -> None:
    await subscribe(broker)
    await publish(broker, "a")
    await broker.delete_topic(TOPIC)
    again = await restarted(broker, tmp_path, clock)
    assert again.subscription(SUB).config.topic == DELETED_TOPIC
    assert texts(again.take(SUB, EVERYTHING)) == ["a"]
    await again.close()


async def test_a_change_of_a_subscription_keeps_its_backlog(broker: Broker) -> None:
    await subscribe(broker)
    await publish(broker, "a")
    await broker.put_subscription(Subscription(name=SUB, topic=TOPIC, ack_deadline_seconds=60))
    assert texts(broker.take(SUB, EVERYTHING)) == ["a"]
