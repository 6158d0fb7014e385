"""What a contract has in the local Pub/Sub."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exposure.contracts.catalog import CATALOG
from exposure.local.feed import declare_feed, subscription_path, topic_path
from exposure.local.pubsub.broker import Broker
from exposure.local.pubsub.lease import Demand
from exposure.local.pubsub.storage import Storage
from exposure.local.pubsub.wire import PubsubMessage
from fakes.turned_clock import TurnedClock

CONTRACT = CATALOG.get("analytics_table")
SUBSCRIPTION = subscription_path(CONTRACT.subscription)
ONE = Demand(most=1, most_bytes=float("inf"), deadline_seconds=35, per_key=1)
ACCOUNT = "push@local.iam.gserviceaccount.com"


@pytest.fixture
async def broker(tmp_path: Path, clock: TurnedClock) -> AsyncIterator[Broker]:
    broker = Broker(Storage(tmp_path), clock)
    await declare_feed(broker, CONTRACT, "http://127.0.0.1:1", ACCOUNT)
    yield broker
    await broker.close()


async def test_a_message_outlasts_an_outage_of_days_and_is_still_to_be_delivered(
    broker: Broker, clock: TurnedClock
) -> None:
    await broker.publish(topic_path(CONTRACT.topic), [PubsubMessage(data=b"good")])
    for _ in range(5000):
        (lease,) = broker.take(SUBSCRIPTION, ONE)
        broker.extend(SUBSCRIPTION, [lease.ack_id], 0)
        clock.turn(60)
        broker.wake()
    assert broker.take(SUBSCRIPTION, ONE)[0].delivery.message.data == b"good"


async def test_a_backlog_waits_for_a_machine_that_was_switched_off_for_a_month(
    broker: Broker, clock: TurnedClock
) -> None:
    await broker.publish(topic_path(CONTRACT.topic), [PubsubMessage(data=b"good")])
    clock.turn(30 * 86_400)
    broker.wake()
    assert broker.backlog(SUBSCRIPTION) == 1


async def test_a_failed_push_is_tried_again_after_one_second_and_after_sixty_at_last(
    broker: Broker, clock: TurnedClock
) -> None:
    await broker.publish(topic_path(CONTRACT.topic), [PubsubMessage(data=b"good")])
    waits = []
    for _ in range(8):
        (lease,) = broker.take(SUBSCRIPTION, ONE)
        broker.extend(SUBSCRIPTION, [lease.ack_id], 0)
        waits.append(0)
        while not broker.subscription(SUBSCRIPTION).available:
            clock.turn(1)
            waits[-1] += 1
            broker.wake()
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_declaring_again_keeps_the_backlog_and_points_the_push_at_the_new_address(
    broker: Broker,
) -> None:
    await broker.publish(topic_path(CONTRACT.topic), [PubsubMessage(data=b"good")])
    await declare_feed(broker, CONTRACT, "http://127.0.0.1:2", ACCOUNT)
    assert broker.backlog(SUBSCRIPTION) == 1
    push = broker.subscription(SUBSCRIPTION).config.push_config
    assert push.push_endpoint == "http://127.0.0.1:2/push/analytics_table"
    assert push.oidc_token.audience == "http://127.0.0.1:2"
