"""Publishing and pulling with the official clients over real sockets."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core import exceptions

from fakes.pubsub_server import Clients, PubSubThread, data_of, subscription_path, topic_path, wait_until
from fakes.turned_clock import TurnedClock

DEAD = topic_path("dead")


def test_a_message_is_pulled_as_it_was_published_and_gone_once_acknowledged(clients: Clients) -> None:
    clients.declare("one")
    future = clients.publisher.publish(topic_path("one"), b"\x00data", colour="red")
    received = clients.pulled("one")[0]
    assert received.message.message_id == future.result()
    assert received.message.data == b"\x00data"
    assert received.message.attributes == {"colour": "red"}
    assert received.message.publish_time.timestamp() == 1_800_000_000
    assert received.delivery_attempt == 0
    clients.acknowledge("one", received)
    assert clients.pull("one") == []


def test_a_pull_waits_for_the_first_message(clients: Clients) -> None:
    clients.declare("one")
    with ThreadPoolExecutor(1) as executor:
        waiting = executor.submit(
            clients.subscriber.pull, subscription=subscription_path("one"), max_messages=10, timeout=10
        )
        time.sleep(0.1)
        assert not waiting.done()
        clients.publish("one", b"a")
        assert data_of(list(waiting.result(10).received_messages)) == [b"a"]


def test_each_subscription_of_a_topic_has_every_message(clients: Clients) -> None:
    clients.declare("one")
    clients.subscriber.create_subscription(name=subscription_path("two"), topic=topic_path("one"))
    clients.publish("one", b"a", b"b")
    clients.acknowledge("one", *clients.pulled("one", 2))
    assert data_of(clients.pulled("two", 2)) == [b"a", b"b"]


def test_a_nacked_message_comes_again_at_once_under_another_ack_id(clients: Clients) -> None:
    clients.declare("one")
    clients.publish("one", b"a")
    first = clients.pulled("one")[0]
    clients.nack("one", first)
    assert clients.pulled("one")[0].ack_id != first.ack_id


def test_a_message_comes_again_when_its_ack_deadline_is_over(clients: Clients, clock: TurnedClock) -> None:
    clients.declare("one")
    clients.publish("one", b"a")
    clients.pulled("one")
    clock.turn(9.9)
    assert clients.pull("one") == []
    clock.turn(0.2)
    assert data_of(clients.pulled("one")) == [b"a"]


def test_an_extended_ack_deadline_holds(clients: Clients, clock: TurnedClock) -> None:
    clients.declare("one", ack_deadline_seconds=20)
    clients.publish("one", b"a")
    message = clients.pulled("one")[0]
    clients.extend("one", 600, message)
    clock.turn(599)
    assert clients.pull("one") == []
    clients.acknowledge("one", message)
    clock.turn(600)
    assert clients.pull("one") == []


def test_with_a_retry_policy_the_gaps_are_the_minimum_and_then_its_doubles(
    clients: Clients, clock: TurnedClock
) -> None:
    clients.declare(
        "one", retry_policy={"minimum_backoff": {"seconds": 4}, "maximum_backoff": {"seconds": 10}}
    )
    clients.publish("one", b"a")
    for gap in (4, 8, 10, 10):
        clients.nack("one", *clients.pulled("one"))
        clock.turn(gap - 0.5)
        assert clients.pull("one") == []
        clock.turn(0.5)
    assert data_of(clients.pulled("one")) == [b"a"]


def test_after_five_attempts_a_message_is_a_dead_letter_that_tells_where_it_comes_from(
    clients: Clients,
) -> None:
    clients.declare("dead")
    clients.declare("one", dead_letter_policy={"dead_letter_topic": DEAD})
    clients.publish("one", b"a", own="attribute")
    attempts = []
    for _ in range(5):
        message = clients.pulled("one")[0]
        attempts.append(message.delivery_attempt)
        clients.nack("one", message)
    dead = clients.pulled("dead")[0].message
    assert attempts == [1, 2, 3, 4, 5]
    assert (dead.data, dead.attributes["own"]) == (b"a", "attribute")
    assert dead.attributes["CloudPubSubDeadLetterSourceSubscription"] == "one"
    assert dead.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
    assert clients.pull("one") == []


def test_ordered_messages_come_in_order_and_a_nack_brings_the_later_ones_again(clients: Clients) -> None:
    clients.declare("one", enable_message_ordering=True)
    clients.publish("one", b"a", b"b", b"c", key="k")
    a, b, c = clients.pulled("one", 3)
    assert data_of([a, b, c]) == [b"a", b"b", b"c"]
    clients.nack("one", a)
    clients.acknowledge("one", b, c)
    again = clients.pulled("one", 3)
    assert data_of(again) == [b"a", b"b", b"c"]
    clients.acknowledge("one", *again)
    assert clients.pull("one") == []


def test_an_expired_ordered_message_brings_the_later_ones_again(clients: Clients, clock: TurnedClock) -> None:
    clients.declare("one", enable_message_ordering=True)
    clients.publish("one", b"a", b"b", key="k")
    clients.acknowledge("one", clients.pulled("one", 2)[1])
    clock.turn(10.1)
    assert data_of(clients.pulled("one", 2)) == [b"a", b"b"]


def test_keys_do_not_wait_for_each_other(clients: Clients) -> None:
    clients.declare("one", enable_message_ordering=True)
    clients.publish("one", b"a1", b"a2", key="a")
    clients.pulled("one", 2)
    clients.publish("one", b"a3", key="a")
    clients.publish("one", b"b1", key="b")
    assert data_of(clients.pull("one")) == [b"b1"]


def test_a_filter_lets_through_what_meets_it_and_acknowledges_the_rest(
    clients: Clients, pubsub: PubSubThread
) -> None:
    clients.declare("one", filter='attributes.kind = "good" AND NOT attributes:skip')
    clients.publish("one", b"bad", kind="bad")
    clients.publish("one", b"good", kind="good")
    clients.publish("one", b"skipped", kind="good", skip="")
    assert pubsub.server.backlog(subscription_path("one")) == 1
    assert data_of(clients.pulled("one")) == [b"good"]


def test_ten_megabytes_are_accepted_and_a_byte_more_is_refused_with_a_sentence(clients: Clients) -> None:
    clients.declare("one")
    assert len(clients.publish("one", b"x" * 9_999_900)) == 1
    with pytest.raises(exceptions.InvalidArgument, match="10000000 bytes at most"):
        clients.publish("one", b"x" * 10_000_001)


def test_a_pull_of_many_large_messages_stays_small_enough_to_receive(clients: Clients) -> None:
    clients.declare("one")
    for _ in range(4):
        clients.publish("one", *[b"x" * 1_000_000] * 5)
    assert 1 <= len(clients.pull("one", 1000)) < 20
    wait_until(lambda: clients.pull("one", 1000) == [])


def test_the_publisher_client_batches_many_messages_and_none_is_lost(
    clients: Clients, pubsub: PubSubThread
) -> None:
    clients.declare("one")
    futures = [clients.publisher.publish(topic_path("one"), b"%d" % number) for number in range(3000)]
    assert len({future.result() for future in futures}) == 3000
    assert pubsub.server.backlog(subscription_path("one")) == 3000


def test_an_ordered_publish_of_the_client_keeps_its_order(clients: Clients) -> None:
    clients.declare("one", enable_message_ordering=True)
    topic, texts = topic_path("one"), [b"%d" % number for number in range(300)]
    for future in [clients.publisher.publish(topic, text, ordering_key="k") for text in texts]:
        future.result()
    assert data_of(clients.pull("one", 1000)) == texts
