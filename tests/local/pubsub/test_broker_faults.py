"""The broker when the disk is full, when callers leave in the middle, and when there is no more room."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import grpc
import pytest

from exposure.local.pubsub.broker import Broker
from exposure.local.pubsub.lease import Demand
from exposure.local.pubsub.refusal import Refusal
from exposure.local.pubsub.storage import DataFileBroken, StorageFailed
from exposure.local.pubsub.wire import PubsubMessage, Subscription, Topic
from fakes.full_disk import FullDisk, full_disk
from fakes.turned_clock import TurnedClock

TOP, DEAD, NEW = (f"projects/p/topics/{name}" for name in ("top", "dead", "new"))
ONE, TWO, NEW_SUB = (f"projects/p/subscriptions/{name}" for name in ("one", "two", "new"))
EVERYTHING = Demand(most=1000, most_bytes=float("inf"), deadline_seconds=10, per_key=1000)
MOST_BYTES = 100_000


def open_broker(data_dir: Path, clock: TurnedClock) -> Broker:
    return Broker(FullDisk(data_dir), clock, MOST_BYTES)


async def restarted(broker: Broker, data_dir: Path, clock: TurnedClock) -> Broker:
    await broker.close()
    return open_broker(data_dir, clock)


@pytest.fixture
async def broker(tmp_path: Path, clock: TurnedClock) -> AsyncIterator[Broker]:
    """Two subscriptions of one topic; the first has dead letters."""
    broker = open_broker(tmp_path, clock)
    for topic in (TOP, DEAD):
        await broker.create_topic(Topic(name=topic))
    policy = {"dead_letter_topic": DEAD, "max_delivery_attempts": 5}
    await broker.create_subscription(Subscription(name=ONE, topic=TOP, dead_letter_policy=policy))
    await broker.create_subscription(Subscription(name=TWO, topic=TOP))
    yield broker
    await broker.close()


async def publish(broker: Broker, data: bytes = b"a") -> None:
    await broker.publish(TOP, [PubsubMessage(data=data)])


def acknowledge(broker: Broker, name: str) -> None:
    broker.acknowledge(name, [lease.ack_id for lease in broker.take(name, EVERYTHING)])


def state(broker: Broker) -> dict[str, tuple[bytes, int]]:
    """Return every topic and subscription as it is in memory, with its backlog."""
    topics = {name: (topic.SerializeToString(), 0) for name, topic in broker.topics.items()}
    queues = broker.subscriptions.items()
    return topics | {name: (queue.config.SerializeToString(), len(queue)) for name, queue in queues}


CHANGES: dict[str, Callable[[Broker], Awaitable[None]]] = {
    "create_topic": lambda broker: broker.create_topic(Topic(name=NEW)),
    "put_topic": lambda broker: broker.put_topic(Topic(name=TOP, labels={"a": "b"})),
    "delete_topic": lambda broker: broker.delete_topic(TOP),
    "create_subscription": lambda broker: broker.create_subscription(Subscription(name=NEW_SUB, topic=TOP)),
    "put_subscription": lambda broker: broker.put_subscription(
        Subscription(name=TWO, topic=TOP, ack_deadline_seconds=60)
    ),
    "delete_subscription": lambda broker: broker.delete_subscription(TWO),
}
every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())


@every_change
async def test_a_change_the_disk_does_not_take_is_not_made_and_can_be_made_later(
    broker: Broker, tmp_path: Path, clock: TurnedClock, change: Callable[[Broker], Awaitable[None]]
) -> None:
    await publish(broker)
    before = state(broker)
    with full_disk(), pytest.raises(StorageFailed, match="disk is full"):
        await change(broker)
    assert state(broker) == before
    await change(broker)
    after = state(broker)
    assert after != before
    again = await restarted(broker, tmp_path, clock)
    assert state(again) == after
    await again.close()


@every_change
async def test_a_change_whose_caller_leaves_in_the_middle_is_made_on_disk_and_in_memory(
    broker: Broker, tmp_path: Path, clock: TurnedClock, change: Callable[[Broker], Awaitable[None]]
) -> None:
    before = state(broker)
    leaving = asyncio.ensure_future(change(broker))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(*broker._under_way)
    after = state(broker)
    assert after != before
    again = await restarted(broker, tmp_path, clock)
    assert state(again) == after
    await again.close()


async def test_a_message_whose_publisher_leaves_in_the_middle_is_delivered(broker: Broker) -> None:
    leaving = asyncio.create_task(publish(broker))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(*broker._under_way)
    assert broker.backlog(ONE) == 1


async def test_of_two_who_make_the_same_thing_at_the_same_time_one_is_refused(broker: Broker) -> None:
    for make in (CHANGES["create_topic"], CHANGES["create_subscription"]):
        outcomes = await asyncio.gather(make(broker), make(broker), return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
        assert [refusal.code for refusal in refused] == [grpc.StatusCode.ALREADY_EXISTS]


async def test_a_message_outlives_the_deletion_that_failed(
    broker: Broker, tmp_path: Path, clock: TurnedClock
) -> None:
    await publish(broker)
    with full_disk(), pytest.raises(StorageFailed):
        await broker.delete_subscription(ONE)
    acknowledge(broker, TWO)
    again = await restarted(broker, tmp_path, clock)
    assert (again.backlog(ONE), again.backlog(TWO)) == (1, 0)
    await again.close()


async def test_a_dead_letter_the_disk_refuses_outlives_the_other_subscriptions_acknowledgement(
    broker: Broker, tmp_path: Path, clock: TurnedClock
) -> None:
    await publish(broker)
    for _ in range(4):
        broker.extend(ONE, [broker.take(ONE, EVERYTHING)[0].ack_id], 0)
    with full_disk():
        broker.extend(ONE, [broker.take(ONE, EVERYTHING)[0].ack_id], 0)
        await asyncio.gather(*broker._under_way)
    acknowledge(broker, TWO)
    again = await restarted(broker, tmp_path, clock)
    assert again.backlog(ONE) == 1
    await again.close()


def change_file(data_dir: Path, sql: str, *values: object) -> None:
    connection = sqlite3.connect(data_dir / "pubsub.sqlite")
    connection.execute(sql, values)
    connection.commit()
    connection.close()


def rows(data_dir: Path, table: str) -> int:
    connection = sqlite3.connect(data_dir / "pubsub.sqlite")
    count = int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608
    connection.close()
    return count


async def test_what_is_stored_for_a_subscription_that_does_not_exist_is_dropped_and_told(
    broker: Broker, tmp_path: Path, clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    await publish(broker)
    await publish(broker)
    acknowledge(broker, TWO)
    await broker.close()
    change_file(tmp_path, "DELETE FROM subscriptions WHERE name = ?", ONE)
    again = open_broker(tmp_path, clock)
    assert caplog.messages[-1] == f"2 messages are dropped: their subscription {ONE} does not exist"
    await again.close()
    assert (rows(tmp_path, "deliveries"), rows(tmp_path, "messages")) == (0, 0)


async def test_what_failed_commits_have_left_is_swept_at_the_next_start(
    broker: Broker, tmp_path: Path, clock: TurnedClock
) -> None:
    await publish(broker)
    await broker.close()
    change_file(tmp_path, "INSERT INTO messages VALUES (1, x'')")
    change_file(tmp_path, "INSERT INTO deliveries VALUES (?, 2, 0)", ONE)
    again = open_broker(tmp_path, clock)
    await again.close()
    assert (rows(tmp_path, "deliveries"), rows(tmp_path, "messages")) == (2, 1)


async def test_a_stored_configuration_that_cannot_be_read_is_told_in_one_sentence(
    broker: Broker, tmp_path: Path, clock: TurnedClock
) -> None:
    await broker.close()
    change_file(tmp_path, "UPDATE topics SET config = x'ff'")
    storage = FullDisk(tmp_path)
    with pytest.raises(DataFileBroken, match=r"pubsub\.sqlite is not the message store"):
        Broker(storage, clock)
    await storage.close()


async def fill(broker: Broker) -> int:
    """Publish until it is refused; return how many messages were taken."""
    for count in range(1000):
        try:
            await publish(broker, b"x" * 1000)
        except Refusal:
            return count
    raise AssertionError("nothing was refused")


async def test_publishing_beyond_the_bound_is_refused_by_name_until_something_is_acknowledged(
    broker: Broker,
) -> None:
    accepted = await fill(broker)
    assert MOST_BYTES // 3000 < accepted < MOST_BYTES // 1000
    with pytest.raises(Refusal, match=f"of {MOST_BYTES} bytes; publish again") as refused:
        await publish(broker, b"x" * 1000)
    assert refused.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    for name in (ONE, TWO):
        assert broker.backlog(name) == accepted
        acknowledge(broker, name)
    assert await fill(broker) == accepted


async def test_a_message_takes_its_room_until_its_last_subscription_is_done_with_it(broker: Broker) -> None:
    await fill(broker)
    acknowledge(broker, ONE)
    with pytest.raises(Refusal):
        await publish(broker, b"x" * 1000)
    await broker.delete_subscription(TWO)
    await publish(broker, b"x" * 1000)


async def test_a_message_that_was_not_stored_takes_no_room(broker: Broker) -> None:
    with full_disk():
        for _ in range(2 * MOST_BYTES // 1000):
            with pytest.raises(StorageFailed):
                await publish(broker, b"x" * 1000)
    await publish(broker, b"x" * 1000)


async def test_a_backlog_takes_its_room_after_a_restart_too(
    broker: Broker, tmp_path: Path, clock: TurnedClock
) -> None:
    await fill(broker)
    again = await restarted(broker, tmp_path, clock)
    with pytest.raises(Refusal):
        await publish(again, b"x" * 1000)
    await again.close()


async def test_a_dead_letter_is_moved_also_when_there_is_no_room(broker: Broker) -> None:
    await broker.create_subscription(Subscription(name=NEW_SUB, topic=DEAD))
    await publish(broker, b"first")
    await fill(broker)
    first = Demand(most=1, most_bytes=float("inf"), deadline_seconds=10, per_key=1)
    for _ in range(5):
        broker.extend(ONE, [broker.take(ONE, first)[0].ack_id], 0)
    await asyncio.gather(*broker._under_way)
    assert broker.backlog(NEW_SUB) == 1


async def test_a_message_nobody_subscribes_to_needs_no_room(broker: Broker) -> None:
    await fill(broker)
    assert await broker.publish(DEAD, [PubsubMessage(data=b"x" * 1000)])
