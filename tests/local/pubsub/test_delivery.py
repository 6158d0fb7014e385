"""The queue of one subscription, driven by a clock of numbers."""

from __future__ import annotations

from typing import Any

import pytest

from exposure.local.pubsub.delivery import DeliveryQueue
from exposure.local.pubsub.lease import Delivery, Demand, Lease, Stored
from exposure.local.pubsub.limits import check_subscription
from exposure.local.pubsub.refusal import Refusal
from exposure.local.pubsub.wire import PubsubMessage, Subscription

EVERYTHING = Demand(most=1000, most_bytes=float("inf"), deadline_seconds=10, per_key=1000)
ONE = Demand(most=1, most_bytes=float("inf"), deadline_seconds=10, per_key=1)


def queue_of(*, topic_exists: bool = True, **config: Any) -> DeliveryQueue:
    subscription = Subscription(name="projects/p/subscriptions/sub", topic="projects/p/topics/top", **config)
    check_subscription(subscription)
    return DeliveryQueue(subscription, lambda _: topic_exists)


def add(queue: DeliveryQueue, *texts: str, key: str = "", now: float = 0.0) -> None:
    for text in texts:
        message = PubsubMessage(data=text.encode(), ordering_key=key)
        message.publish_time.FromSeconds(int(now))
        sequence = len(queue) + 1
        queue.add(Delivery(Stored(sequence, message, message.ByteSize(), holders=1)), now)


def texts(leases: list[Lease]) -> list[str]:
    return [lease.delivery.message.data.decode() for lease in leases]


def test_a_leased_message_is_not_handed_out_again_before_its_deadline() -> None:
    queue = queue_of()
    add(queue, "a")
    assert texts(queue.take(EVERYTHING, 0.0)) == ["a"]
    queue.wake(9.9)
    assert queue.take(EVERYTHING, 9.9) == []


def test_a_message_whose_deadline_passed_is_handed_out_again_under_a_new_ack_id() -> None:
    queue = queue_of()
    add(queue, "a")
    first = queue.take(EVERYTHING, 0.0)[0]
    assert len(queue.wake(10.0)) == 1
    second = queue.take(EVERYTHING, 10.0)[0]
    assert second.delivery is first.delivery
    assert second.ack_id != first.ack_id


def test_acknowledging_an_ended_lease_does_nothing() -> None:
    queue = queue_of()
    add(queue, "a")
    first = queue.take(EVERYTHING, 0.0)[0]
    queue.wake(10.0)
    assert queue.acknowledge(first.ack_id, 10.0) == []
    assert len(queue) == 1


def test_an_ack_id_of_an_earlier_life_fits_no_later_lease() -> None:
    earlier, later = queue_of(), queue_of()
    add(earlier, "a")
    add(later, "b")
    old = earlier.take(EVERYTHING, 0.0)[0]
    later.take(EVERYTHING, 0.0)
    assert later.acknowledge(old.ack_id, 0.0) == []


def test_an_extended_deadline_counts_from_then_on() -> None:
    queue = queue_of()
    add(queue, "a")
    lease = queue.take(EVERYTHING, 0.0)[0]
    assert queue.extend(lease.ack_id, 30.0)
    assert queue.wake(29.0) == []
    assert len(queue.wake(30.0)) == 1
    assert not queue.extend(lease.ack_id, 60.0)


def test_a_deadline_can_be_moved_to_an_earlier_time() -> None:
    queue = queue_of()
    add(queue, "a")
    lease = queue.take(EVERYTHING, 0.0)[0]
    queue.extend(lease.ack_id, 60.0)
    queue.extend(lease.ack_id, 2.0)
    assert len(queue.wake(2.0)) == 1


def test_ten_thousand_extensions_of_one_lease_are_forgotten_again() -> None:
    queue = queue_of()
    add(queue, "a")
    lease = queue.take(EVERYTHING, 0.0)[0]
    for number in range(10_000):
        queue.extend(lease.ack_id, 600.0 - number / 100)
    assert len(queue._leases._heap) < 2_000
    assert len(queue.wake(600.0)) == 1


def test_a_failed_message_waits_at_first_for_the_minimum_backoff_and_then_twice_as_long_each_time() -> None:
    queue = queue_of()
    policy = queue.config.retry_policy
    policy.minimum_backoff.seconds, policy.maximum_backoff.seconds = 4, 10
    add(queue, "a")
    now, gaps = 0.0, []
    for _ in range(4):
        queue.fail(queue.take(EVERYTHING, now)[0].ack_id, now)
        failed = now
        while not queue.available:
            now += 1.0
            queue.wake(now)
        gaps.append(now - failed)
    assert gaps == [4.0, 8.0, 10.0, 10.0]


def test_an_expired_message_waits_for_its_backoff_too() -> None:
    queue = queue_of()
    queue.config.retry_policy.minimum_backoff.seconds = 5
    queue.config.retry_policy.maximum_backoff.seconds = 60
    add(queue, "a")
    queue.take(EVERYTHING, 0.0)
    queue.wake(10.0)
    queue.wake(14.9)
    assert queue.available == 0
    queue.wake(15.0)
    assert queue.available == 1


def test_the_attempt_is_told_only_where_there_is_a_dead_letter_policy() -> None:
    plain, counted = queue_of(), queue_of()
    counted.config.dead_letter_policy.dead_letter_topic = "projects/p/topics/dead"
    counted.config.dead_letter_policy.max_delivery_attempts = 5
    for queue, expected in ((plain, [0, 0]), (counted, [1, 2])):
        add(queue, "a")
        first = queue.take(EVERYTHING, 0.0)[0]
        attempts = [queue.received(first).delivery_attempt]
        queue.fail(first.ack_id, 0.0)
        attempts.append(queue.received(queue.take(EVERYTHING, 0.0)[0]).delivery_attempt)
        assert attempts == expected


def test_a_message_that_used_up_its_attempts_leaves_the_queue() -> None:
    queue = queue_of()
    queue.config.dead_letter_policy.dead_letter_topic = "projects/p/topics/dead"
    queue.config.dead_letter_policy.max_delivery_attempts = 5
    add(queue, "a")
    for _ in range(5):
        failed = queue.fail(queue.take(EVERYTHING, 0.0)[0].ack_id, 0.0)
    assert failed is not None
    assert queue.is_dead(failed)
    assert len(queue) == queue.available == 0


def test_a_message_stays_while_its_dead_letter_topic_does_not_exist() -> None:
    queue = queue_of(topic_exists=False)
    queue.config.dead_letter_policy.dead_letter_topic = "projects/p/topics/dead"
    queue.config.dead_letter_policy.max_delivery_attempts = 5
    add(queue, "a")
    for _ in range(7):
        queue.fail(queue.take(EVERYTHING, 0.0)[0].ack_id, 0.0)
    assert queue.available == 1


def test_a_demand_bounds_messages_and_bytes_but_never_starves_a_large_message() -> None:
    queue = queue_of()
    add(queue, "x" * 100, "y" * 100, "z" * 100)
    assert len(queue.take(Demand(2, float("inf"), 10, 1), 0.0)) == 2
    assert texts(queue.take(Demand(10, 1, 10, 1), 0.0)) == ["z" * 100]


def test_a_byte_limit_holds_back_what_does_not_fit_beside_the_first() -> None:
    queue = queue_of()
    add(queue, "x" * 100, "y" * 100)
    assert texts(queue.take(Demand(10, 150, 10, 1), 0.0)) == ["x" * 100]


def test_messages_older_than_the_retention_are_forgotten() -> None:
    queue = queue_of()
    add(queue, "old", now=0.0)
    add(queue, "new", now=700_000.0)
    week = 7 * 86_400
    assert [delivery.message.data for delivery in queue.outdated(week + 1.0)] == [b"old"]
    assert len(queue) == 1


def test_ordered_messages_older_than_the_retention_are_forgotten() -> None:
    queue = queue_of(enable_message_ordering=True)
    add(queue, "old", "older", key="k", now=0.0)
    add(queue, "new", key="k", now=700_000.0)
    assert len(list(queue.outdated(7 * 86_400 + 1.0))) == 2
    assert texts(queue.take(EVERYTHING, 700_000.0)) == ["new"]


def test_one_batch_of_an_ordering_key_is_out_at_a_time() -> None:
    queue = queue_of(enable_message_ordering=True)
    add(queue, "a", "b", key="k")
    batch = queue.take(EVERYTHING, 0.0)
    add(queue, "c", key="k")
    assert texts(batch) == ["a", "b"]
    assert queue.take(EVERYTHING, 0.0) == []
    for lease in batch:
        queue.acknowledge(lease.ack_id, 0.0)
    assert texts(queue.take(EVERYTHING, 0.0)) == ["c"]


def test_a_demand_of_one_per_key_hands_out_one_of_each_key() -> None:
    queue = queue_of(enable_message_ordering=True)
    add(queue, "a1", "a2", key="a")
    add(queue, "b1", "b2", key="b")
    assert texts(queue.take(Demand(10, float("inf"), 10, per_key=1), 0.0)) == ["a1", "b1"]


def test_without_ordering_enabled_a_key_orders_nothing() -> None:
    queue = queue_of()
    add(queue, "a", "b", key="k")
    assert texts(queue.take(ONE, 0.0) + queue.take(ONE, 0.0)) == ["a", "b"]


def test_a_failed_message_takes_all_later_ones_of_its_key_back_in_order() -> None:
    queue = queue_of(enable_message_ordering=True)
    add(queue, "a", "b", "c", key="k")
    a, b, c = queue.take(EVERYTHING, 0.0)
    assert queue.acknowledge(b.ack_id, 0.0) == []
    queue.fail(a.ack_id, 0.0)
    assert queue.acknowledge(c.ack_id, 0.0) == []
    assert texts(queue.take(EVERYTHING, 0.0)) == ["a", "b", "c"]


def test_what_precedes_a_failed_message_of_its_key_is_not_delivered_again() -> None:
    queue = queue_of(enable_message_ordering=True)
    add(queue, "a", "b", "c", key="k")
    a, b, _ = queue.take(EVERYTHING, 0.0)
    queue.fail(b.ack_id, 0.0)
    assert queue.take(EVERYTHING, 0.0) == []
    assert [delivery.message.data for delivery in queue.acknowledge(a.ack_id, 0.0)] == [b"a"]
    assert texts(queue.take(EVERYTHING, 0.0)) == ["b", "c"]


def test_an_expired_message_of_a_key_is_counted_once_and_its_followers_not_at_all() -> None:
    queue = queue_of(enable_message_ordering=True)
    add(queue, "a", "b", key="k")
    queue.take(EVERYTHING, 0.0)
    assert [delivery.message.data for delivery in queue.wake(10.0)] == [b"a"]
    again = queue.take(EVERYTHING, 10.0)
    assert [lease.delivery.attempts for lease in again] == [1, 0]


def test_a_key_waits_for_the_backoff_of_its_first_message() -> None:
    queue = queue_of(enable_message_ordering=True)
    queue.config.retry_policy.minimum_backoff.seconds = 5
    queue.config.retry_policy.maximum_backoff.seconds = 60
    add(queue, "a", "b", key="k")
    queue.fail(queue.take(EVERYTHING, 0.0)[0].ack_id, 0.0)
    queue.wake(4.9)
    assert queue.take(EVERYTHING, 4.9) == []
    queue.wake(5.0)
    assert texts(queue.take(EVERYTHING, 5.0)) == ["a", "b"]


def test_a_key_that_was_done_with_and_comes_again_is_not_mixed_up_with_its_former_self() -> None:
    queue = queue_of(enable_message_ordering=True)
    queue.config.retry_policy.minimum_backoff.seconds = 5
    queue.config.retry_policy.maximum_backoff.seconds = 60
    add(queue, "a", key="k")
    queue.fail(queue.take(EVERYTHING, 0.0)[0].ack_id, 0.0)
    add(queue, "b", key="k", now=5.0)
    for lease in queue.take(EVERYTHING, 5.0):
        queue.acknowledge(lease.ack_id, 5.0)
    add(queue, "c", key="k", now=5.0)
    last = queue.take(EVERYTHING, 5.0)[0]
    queue.wake(5.0)
    assert [delivery.message.data for delivery in queue.acknowledge(last.ack_id, 5.0)] == [b"c"]


def test_a_dead_letter_of_a_key_lets_the_later_ones_pass() -> None:
    queue = queue_of(enable_message_ordering=True)
    queue.config.dead_letter_policy.dead_letter_topic = "projects/p/topics/dead"
    queue.config.dead_letter_policy.max_delivery_attempts = 5
    add(queue, "a", "b", key="k")
    for _ in range(5):
        queue.fail(queue.take(ONE, 0.0)[0].ack_id, 0.0)
    assert texts(queue.take(EVERYTHING, 0.0)) == ["b"]
    assert len(queue) == 1


def test_every_message_not_acknowledged_can_be_listed_wherever_it_is() -> None:
    queue = queue_of(enable_message_ordering=True)
    queue.config.retry_policy.minimum_backoff.seconds = 5
    queue.config.retry_policy.maximum_backoff.seconds = 60
    add(queue, "leased", "delayed", "waiting")
    leased, delayed = queue.take(Demand(2, float("inf"), 10, 1), 0.0)
    queue.fail(delayed.ack_id, 0.0)
    add(queue, "key out", "key waits", key="k")
    add(queue, "other key", key="other")
    queue.take(Demand(2, float("inf"), 10, per_key=1), 0.0)
    listed = [delivery.message.data.decode() for delivery in queue]
    expected = ["leased", "delayed", "waiting", "key out", "key waits", "other key"]
    assert sorted(listed) == sorted(expected)
    assert leased.delivery in list(queue)


@pytest.mark.parametrize("change", [{"filter": "attributes:x"}, {"enable_message_ordering": True}])
def test_what_is_fixed_at_creation_is_refused_later(change: dict[str, Any]) -> None:
    queue = queue_of()
    with pytest.raises(
        Refusal, match=f"The field '{next(iter(change))}' of a subscription cannot be changed"
    ):
        queue.check_change(queue_of(**change).config)
