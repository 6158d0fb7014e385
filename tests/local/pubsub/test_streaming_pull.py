"""The official client's subscribe(), and the stream beneath it."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1.types import FlowControl
from google.pubsub_v1 import SubscriberClient as GeneratedSubscriber
from google.pubsub_v1.types import StreamingPullRequest

from fakes.pubsub_server import Clients, PubSubThread, running, subscription_path, topic_path, wait_until
from fakes.turned_clock import TurnedClock

ONE = subscription_path("one")


class Subscriber:
    """subscribe() with a callback that keeps messages and, when it is told to, acknowledges them."""

    def __init__(self, clients: Clients, *, acknowledges: bool = True, **flow: int) -> None:
        self.messages: list[Any] = []
        self._acknowledges = acknowledges
        flow_control = FlowControl(**flow) if flow else ()
        self.future = clients.subscriber.subscribe(ONE, self._received, flow_control=flow_control)

    def _received(self, message: Any) -> None:
        self.messages.append(message)
        if self._acknowledges:
            message.ack()

    def __enter__(self) -> Subscriber:
        return self

    def __exit__(self, *_: object) -> None:
        self.future.cancel()
        self.future.result(timeout=10)


class Stream:
    """One StreamingPull call whose requests a test sends one by one."""

    def __init__(self, clients: Clients, **first: Any) -> None:
        self._requests: queue.Queue[StreamingPullRequest | None] = queue.Queue()
        self.send(**{"subscription": ONE, "stream_ack_deadline_seconds": 10, **first})
        self.responses: Any = GeneratedSubscriber.streaming_pull(clients.subscriber, requests=self._sent())

    def send(self, **fields: Any) -> None:
        self._requests.put(StreamingPullRequest(**fields))

    def end(self) -> None:
        self._requests.put(None)

    def _sent(self) -> Iterator[StreamingPullRequest]:
        yield from iter(self._requests.get, None)


@pytest.fixture
def stream_of(clients: Clients) -> Iterator[Any]:
    streams: list[Stream] = []

    def build(**first: Any) -> Stream:
        streams.append(Stream(clients, **first))
        return streams[-1]

    yield build
    for stream in streams:
        stream.end()
        stream.responses.cancel()


def test_five_thousand_messages_arrive_and_every_acknowledgement_counts(
    clients: Clients, pubsub: PubSubThread
) -> None:
    clients.declare("one")
    futures = [clients.publisher.publish(topic_path("one"), b"%d" % number) for number in range(5000)]
    with Subscriber(clients) as subscriber:
        wait_until(lambda: pubsub.server.backlog(ONE) == 0)
    assert {future.result() for future in futures} == {message.message_id for message in subscriber.messages}


def test_a_message_published_while_the_stream_waits_arrives(clients: Clients) -> None:
    clients.declare("one")
    with Subscriber(clients) as subscriber:
        clients.publish("one", b"a")
        wait_until(lambda: [message.data for message in subscriber.messages] == [b"a"])


def test_a_nacked_message_comes_again(clients: Clients, pubsub: PubSubThread) -> None:
    clients.declare("one")
    seen: list[bytes] = []

    def nack_first(message: Any) -> None:
        seen.append(message.data)
        message.nack() if len(seen) == 1 else message.ack()

    future = clients.subscriber.subscribe(ONE, nack_first)
    clients.publish("one", b"a")
    wait_until(lambda: pubsub.server.backlog(ONE) == 0)
    future.cancel()
    future.result(timeout=10)
    assert seen == [b"a", b"a"]


def test_no_more_messages_are_out_than_flow_control_allows(clients: Clients) -> None:
    clients.declare("one")
    clients.publish("one", *[b"x"] * 20)
    with Subscriber(clients, acknowledges=False, max_messages=5) as subscriber:
        wait_until(lambda: len(subscriber.messages) == 5)
        assert clients.pulled("one", 15), "the server handed out more than the client had room for"
        for message in subscriber.messages[:5]:
            message.ack()
        clients.publish("one", *[b"y"] * 5)
        wait_until(lambda: len(subscriber.messages) == 10)
        for message in subscriber.messages[5:]:
            message.ack()


def test_a_byte_limit_bounds_what_is_out(clients: Clients, stream_of: Any) -> None:
    clients.declare("one")
    clients.publish("one", *[b"x" * 1000] * 10)
    stream = stream_of(max_outstanding_bytes=3500)
    response = next(stream.responses)
    assert len(response.received_messages) == 3
    assert len(clients.pull("one")) == 7


def test_the_stream_tells_the_properties_of_its_subscription(clients: Clients, stream_of: Any) -> None:
    clients.declare("one", enable_message_ordering=True)
    clients.publish("one", b"x", key="k")
    properties = next(stream_of().responses).subscription_properties
    assert properties.message_ordering_enabled is True
    assert properties.exactly_once_delivery_enabled is False


def test_the_streams_own_ack_deadline_counts(clients: Clients, stream_of: Any, clock: TurnedClock) -> None:
    clients.declare("one", ack_deadline_seconds=10)
    clients.publish("one", b"x")
    stream = stream_of(stream_ack_deadline_seconds=60)
    next(stream.responses)
    clock.turn(59)
    assert clients.pull("one") == []
    clock.turn(2)
    next(stream.responses)


def test_acks_and_deadlines_may_come_on_the_stream(
    clients: Clients, stream_of: Any, pubsub: PubSubThread
) -> None:
    clients.declare("one")
    clients.publish("one", b"a", b"b")
    stream = stream_of()
    a, b = next(stream.responses).received_messages
    stream.send(ack_ids=[a.ack_id], modify_deadline_ack_ids=[b.ack_id], modify_deadline_seconds=[0])
    again = next(stream.responses).received_messages
    assert [message.message.data for message in again] == [b"b"]
    assert pubsub.server.backlog(ONE) == 1


def test_a_message_of_one_stream_can_be_acknowledged_by_anyone(clients: Clients, stream_of: Any) -> None:
    clients.declare("one")
    clients.publish("one", b"a")
    clients.acknowledge("one", *next(stream_of(max_outstanding_messages=1).responses).received_messages)
    assert clients.pull("one") == []


def test_an_empty_request_is_a_heartbeat(clients: Clients, stream_of: Any) -> None:
    clients.declare("one")
    stream = stream_of()
    stream.send()
    stream.send(stream_ack_deadline_seconds=20)
    clients.publish("one", b"a")
    assert next(stream.responses).received_messages


@pytest.mark.parametrize(
    "later",
    [
        {"subscription": ONE},
        {"max_outstanding_messages": 5},
        {"max_outstanding_bytes": 5},
        {"protocol_version": 1},
        {"stream_ack_deadline_seconds": 9},
        {"modify_deadline_ack_ids": ["a"], "modify_deadline_seconds": []},
    ],
)
def test_what_only_the_first_request_may_say_ends_the_stream(
    clients: Clients, stream_of: Any, later: dict[str, Any]
) -> None:
    clients.declare("one")
    stream = stream_of()
    stream.send(**later)
    with pytest.raises(exceptions.InvalidArgument):
        next(stream.responses)


@pytest.mark.parametrize(
    ("first", "error"),
    [
        ({"subscription": subscription_path("missing")}, exceptions.NotFound),
        ({"stream_ack_deadline_seconds": 0}, exceptions.InvalidArgument),
        ({"stream_ack_deadline_seconds": 601}, exceptions.InvalidArgument),
    ],
)
def test_a_stream_that_cannot_be_is_refused(
    clients: Clients, stream_of: Any, first: dict[str, Any], error: type[Exception]
) -> None:
    clients.declare("one")
    with pytest.raises(error):
        next(stream_of(**first).responses)


def test_a_client_that_ends_its_side_ends_the_stream(clients: Clients, stream_of: Any) -> None:
    clients.declare("one")
    stream = stream_of()
    stream.end()
    assert list(stream.responses) == []


def test_a_stream_ends_when_its_subscription_is_deleted(clients: Clients, stream_of: Any) -> None:
    clients.declare("one")
    clients.publish("one", b"a")
    stream = stream_of()
    next(stream.responses)
    clients.subscriber.delete_subscription(subscription=ONE)
    with pytest.raises(exceptions.NotFound):
        next(stream.responses)


def test_an_ordered_backlog_reaches_the_callback_in_order(clients: Clients) -> None:
    clients.declare("one", enable_message_ordering=True)
    texts = [b"%d" % number for number in range(50)]
    for key in ("a", "b"):
        clients.publish("one", *texts, key=key)
    with Subscriber(clients) as subscriber:
        wait_until(lambda: len(subscriber.messages) == 100)
    for key in ("a", "b"):
        assert [each.data for each in subscriber.messages if each.ordering_key == key] == texts


def test_a_server_that_stops_ends_streams_in_the_way_clients_come_back_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path) as thread:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", thread.server.address)
        clients = Clients()
        clients.declare("one")
        clients.publish("one", b"a")
        stream = Stream(clients)
        next(stream.responses)
    with pytest.raises(exceptions.ServiceUnavailable, match="The server is stopping"):
        next(stream.responses)
    stream.end()
    clients.close()
