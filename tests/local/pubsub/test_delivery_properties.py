"""Whatever receivers do, no message is lost, none is out twice at once, and keys keep their order."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from exposure.local.pubsub.delivery import DeliveryQueue
from exposure.local.pubsub.lease import Delivery, Demand, Lease, Stored
from exposure.local.pubsub.limits import check_subscription
from exposure.local.pubsub.wire import PubsubMessage, Subscription


class Receivers(RuleBasedStateMachine):
    """Publishes, takes, acknowledges, fails, extends and waits in any order, and keeps account."""

    def __init__(self) -> None:
        super().__init__()
        config = Subscription(name="projects/p/subscriptions/sub", topic="projects/p/topics/top")
        config.enable_message_ordering = True
        check_subscription(config)
        self.queue = DeliveryQueue(config, lambda _: True)
        self.now = 0.0
        self.published: dict[int, str] = {}
        self.done: set[int] = set()
        self.held: list[Lease] = []
        self.last_out: dict[str, int] = {}

    @rule(key=st.sampled_from(["", "a", "b"]), count=st.integers(1, 4))
    def publish(self, key: str, count: int) -> None:
        for _ in range(count):
            sequence = len(self.published) + 1
            message = PubsubMessage(data=b"x" * sequence, ordering_key=key)
            message.publish_time.FromSeconds(int(self.now))
            self.published[sequence] = key
            self.queue.add(Delivery(Stored(sequence, message, message.ByteSize(), holders=1)), self.now)

    @rule(most=st.integers(1, 5), most_bytes=st.integers(1, 60), per_key=st.integers(1, 5))
    def take(self, most: int, most_bytes: int, per_key: int) -> None:
        leases = self.queue.take(Demand(most, most_bytes, 10, per_key), self.now)
        assert len(leases) <= most
        for lease in leases:
            assert lease.delivery not in [other.delivery for other in self.held]
            assert lease.delivery.sequence not in self.done
            self.check_order(lease.delivery)
            lease.ended = self.held.remove
            self.held.append(lease)

    def check_order(self, delivery: Delivery) -> None:
        key = self.published[delivery.sequence]
        if not key:
            return
        of_key = [sequence for sequence, name in self.published.items() if name == key]
        before = {sequence for sequence in of_key if sequence < delivery.sequence} - self.done
        out = {lease.delivery.sequence for lease in self.held}
        acknowledged = {
            lease.delivery.sequence for lease in self.queue._keys[key].out if lease.is_acknowledged
        }
        assert before <= out | acknowledged, "a message left before one that precedes it"

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(self.held))
        done = self.queue.acknowledge(lease.ack_id, self.now)
        self.done.update(delivery.sequence for delivery in done)
        assert self.queue.acknowledge(lease.ack_id, self.now) == []

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(self.held))
        self.queue.fail(lease.ack_id, self.now)
        assert lease not in self.held

    @precondition(lambda self: self.held)
    @rule(data=st.data(), seconds=st.integers(1, 30))
    def extend(self, data: st.DataObject, seconds: int) -> None:
        self.queue.extend(data.draw(st.sampled_from(self.held)).ack_id, self.now + seconds)

    @rule(minimum=st.integers(0, 10))
    def change_the_backoff(self, minimum: int) -> None:
        self.queue.config.retry_policy.minimum_backoff.seconds = minimum
        self.queue.config.retry_policy.maximum_backoff.seconds = 60

    @rule(seconds=st.integers(1, 15))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        self.queue.wake(self.now)
        assert all(lease.deadline > self.now for lease in self.held)

    @invariant()
    def every_message_is_acknowledged_or_still_there(self) -> None:
        there = sorted(delivery.sequence for delivery in self.queue)
        assert there == sorted(set(self.published) - self.done)
        assert len(self.queue) == len(there)

    def teardown(self) -> None:
        for _ in range(200):
            self.now += 100
            self.queue.wake(self.now)
            for lease in self.queue.take(Demand(1000, float("inf"), 10, 1000), self.now):
                self.done.update(d.sequence for d in self.queue.acknowledge(lease.ack_id, self.now))
            if not len(self.queue):
                break
        assert self.done == set(self.published), "a message was never delivered"


Receivers.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestReceivers = Receivers.TestCase
