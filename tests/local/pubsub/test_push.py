"""Push over real sockets: the envelope, the token, retries and what counts as an acknowledgement."""

from __future__ import annotations

import base64
import itertools
import threading
from collections import Counter
from typing import Any

import httpx2
import jwt
import pytest

from fakes.pubsub_server import Clients, PubSubThread, data_of, subscription_path, topic_path, wait_until
from fakes.push_receiver import PushReceiver, Received
from fakes.turned_clock import TurnedClock

ONE = subscription_path("one")
ACCOUNT = "push@local.iam.gserviceaccount.com"


def push_to(receiver: PushReceiver, **fields: Any) -> dict[str, Any]:
    return {"push_endpoint": receiver.url, **fields}


def data_pushed(receiver: PushReceiver) -> list[bytes]:
    return [base64.b64decode(request.json()["message"]["data"]) for request in receiver.requests]


def test_a_message_is_pushed_in_the_real_envelope_and_acknowledged_by_its_answer(
    clients: Clients, pubsub: PubSubThread, receiver: PushReceiver
) -> None:
    clients.declare("one", push_config=push_to(receiver))
    [message_id] = clients.publish("one", b"data", colour="red")
    wait_until(lambda: receiver.requests and not pubsub.server.backlog(ONE))
    [request] = receiver.requests
    assert request.headers["content-type"] == "application/json"
    assert "authorization" not in request.headers
    assert request.json() == {
        "message": {
            "attributes": {"colour": "red"},
            "data": "ZGF0YQ==",
            "messageId": message_id,
            "message_id": message_id,
            "publishTime": "2027-01-15T08:00:00Z",
            "publish_time": "2027-01-15T08:00:00Z",
        },
        "subscription": ONE,
    }


def test_a_backlog_of_two_thousand_messages_is_pushed_each_once(
    clients: Clients, pubsub: PubSubThread, receiver: PushReceiver
) -> None:
    clients.declare("one")
    texts = [b"%d" % number for number in range(2000)]
    for start in range(0, len(texts), 1000):
        clients.publish("one", *texts[start : start + 1000])
    clients.subscriber.modify_push_config(subscription=ONE, push_config=push_to(receiver))
    wait_until(lambda: not pubsub.server.backlog(ONE))
    assert Counter(data_pushed(receiver)) == Counter(texts)


def test_the_token_is_verified_with_the_certificates_the_server_publishes(
    clients: Clients, pubsub: PubSubThread, receiver: PushReceiver
) -> None:
    token_config = {"service_account_email": ACCOUNT, "audience": "https://ingest"}
    clients.declare("one", push_config=push_to(receiver, oidc_token=token_config))
    clients.publish("one", b"x")
    wait_until(lambda: receiver.requests)
    scheme, token = receiver.requests[0].headers["authorization"].split(" ")
    keys = jwt.PyJWKSet.from_dict(httpx2.get(pubsub.server.certificates_url).json())
    claims = jwt.decode(
        token,
        keys[jwt.get_unverified_header(token)["kid"]],
        algorithms=["RS256"],
        audience="https://ingest",
        issuer="https://accounts.google.com",
        options={"verify_iat": False},
    )
    assert scheme == "Bearer"
    assert (claims["email"], claims["email_verified"]) == (ACCOUNT, True)


def test_without_an_audience_the_token_is_for_the_endpoint(clients: Clients, receiver: PushReceiver) -> None:
    clients.declare("one", push_config=push_to(receiver, oidc_token={"service_account_email": ACCOUNT}))
    clients.publish("one", b"x")
    wait_until(lambda: receiver.requests)
    token = receiver.requests[0].headers["authorization"].removeprefix("Bearer ")
    assert jwt.decode(token, options={"verify_signature": False})["aud"] == receiver.url


def test_an_unwrapped_push_is_the_bare_data_with_its_metadata_in_headers(
    clients: Clients, receiver: PushReceiver
) -> None:
    clients.declare("one", push_config=push_to(receiver, no_wrapper={"write_metadata": True}))
    [message_id] = clients.publish("one", b"\x00raw", colour="red")
    wait_until(lambda: receiver.requests)
    [request] = receiver.requests
    assert request.body == b"\x00raw"
    assert request.headers["colour"] == "red"
    assert request.headers["x-goog-pubsub-message-id"] == message_id
    assert request.headers["x-goog-pubsub-publish-time"] == "2027-01-15T08:00:00Z"
    assert request.headers["x-goog-pubsub-subscription-name"] == ONE


@pytest.mark.parametrize("status", [102, 200, 201, 202, 204])
def test_these_statuses_acknowledge(
    clients: Clients, pubsub: PubSubThread, receiver: PushReceiver, status: int
) -> None:
    receiver.answer = lambda _: status
    clients.declare("one", push_config=push_to(receiver))
    clients.publish("one", b"x")
    wait_until(lambda: receiver.requests and not pubsub.server.backlog(ONE))
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [203, 206, 302, 400, 404, 429, 500, 503])
def test_any_other_status_means_another_push(
    clients: Clients, pubsub: PubSubThread, receiver: PushReceiver, clock: TurnedClock, status: int
) -> None:
    receiver.answer = lambda _: status if len(receiver.requests) == 1 else 204
    clients.declare("one", push_config=push_to(receiver))
    clients.publish("one", b"x")
    wait_until(lambda: pubsub.attempts(ONE) == [1])
    clock.turn(0.1)
    wait_until(lambda: not pubsub.server.backlog(ONE))
    assert [request.path for request in receiver.requests] == ["/push", "/push"]


def test_a_failing_endpoint_is_tried_after_100_ms_and_then_after_twice_as_long_each_time(
    clients: Clients, receiver: PushReceiver, clock: TurnedClock
) -> None:
    times: list[float] = []

    def fail(_: Received) -> int:
        times.append(clock.now)
        return 500

    receiver.answer = fail
    clients.declare("one", push_config=push_to(receiver))
    clients.publish("one", b"x")
    wait_until(lambda: times)
    for attempt in range(2, 5):
        while len(times) < attempt:
            clock.turn(0.05)
            threading.Event().wait(0.06)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps == pytest.approx([0.1, 0.2, 0.4], abs=0.06)


def test_with_a_retry_policy_a_message_waits_for_it_while_others_go_on(
    clients: Clients, pubsub: PubSubThread, receiver: PushReceiver, clock: TurnedClock
) -> None:
    receiver.answer = lambda request: 500 if request.body.count(b"YmFk") else 204
    policy = {"minimum_backoff": {"seconds": 4}, "maximum_backoff": {"seconds": 60}}
    clients.declare("one", push_config=push_to(receiver), retry_policy=policy)
    clients.publish("one", b"bad")
    wait_until(lambda: pubsub.attempts(ONE) == [1])
    clock.turn(3.9)
    clients.publish("one", b"good")
    clock.turn(0.2)
    wait_until(lambda: Counter(data_pushed(receiver)) == Counter([b"bad", b"good", b"bad"]))


def test_an_endpoint_that_cannot_be_reached_costs_no_message(
    clients: Clients, pubsub: PubSubThread, receiver: PushReceiver, clock: TurnedClock
) -> None:
    clients.declare("one", push_config={"push_endpoint": "http://127.0.0.1:9/nobody"})
    clients.publish("one", b"x")
    wait_until(lambda: pubsub.attempts(ONE) == [1])
    clients.subscriber.modify_push_config(subscription=ONE, push_config=push_to(receiver))
    clock.turn(60)
    wait_until(lambda: data_pushed(receiver) == [b"x"])


def test_a_push_ends_with_the_ack_deadline(
    clients: Clients, pubsub: PubSubThread, receiver: PushReceiver
) -> None:
    release = threading.Event()

    def hang_once(_: Received) -> int:
        if len(receiver.requests) == 1:
            release.wait(10)
        return 204

    receiver.answer = hang_once
    clients.declare("one", push_config=push_to(receiver))
    # Ten seconds at least, for everybody but this test.
    pubsub.server.broker.subscription(ONE).config.ack_deadline_seconds = 1
    clients.publish("one", b"x")
    wait_until(lambda: pubsub.attempts(ONE) == [1])
    release.set()


def test_dead_letters_are_pushed_with_their_attempts_counted(
    clients: Clients, pubsub: PubSubThread, receiver: PushReceiver, clock: TurnedClock
) -> None:
    receiver.answer = lambda _: 500
    clients.declare("dead")
    policy = {"dead_letter_topic": topic_path("dead"), "max_delivery_attempts": 5}
    clients.declare("one", push_config=push_to(receiver), dead_letter_policy=policy)
    clients.publish("one", b"x")
    for attempt in range(1, 5):
        wait_until(lambda attempt=attempt: pubsub.attempts(ONE) == [attempt])  # type: ignore[misc]
        clock.turn(60)
    assert data_of(clients.pulled("dead")) == [b"x"]
    assert [request.json()["deliveryAttempt"] for request in receiver.requests] == [1, 2, 3, 4, 5]


def test_ordered_messages_are_pushed_one_at_a_time(
    clients: Clients, pubsub: PubSubThread, receiver: PushReceiver
) -> None:
    out, together = set(), []

    def one_at_a_time(request: Received) -> int:
        key = request.json()["message"]["orderingKey"]
        together.append(key in out)
        out.add(key)
        threading.Event().wait(0.002)
        out.discard(key)
        return 204

    receiver.answer = one_at_a_time
    clients.declare("one", push_config=push_to(receiver), enable_message_ordering=True)
    texts = [b"%d" % number for number in range(20)]
    for key in ("a", "b"):
        clients.publish("one", *texts, key=key)
    wait_until(lambda: not pubsub.server.backlog(ONE))
    assert not any(together)
    of_a = [request for request in receiver.requests if request.json()["message"]["orderingKey"] == "a"]
    assert [base64.b64decode(request.json()["message"]["data"]) for request in of_a] == texts


def test_ten_megabytes_are_pushed_whole(clients: Clients, receiver: PushReceiver) -> None:
    clients.declare("one", push_config=push_to(receiver))
    largest = b"x" * 9_999_900
    clients.publish("one", largest)
    wait_until(lambda: receiver.requests)
    assert data_pushed(receiver) == [largest]


def test_attributes_that_are_no_headers_fail_the_push_and_lose_nothing(
    clients: Clients, pubsub: PubSubThread, receiver: PushReceiver
) -> None:
    clients.declare("one", push_config=push_to(receiver, no_wrapper={"write_metadata": True}))
    clients.publish("one", b"x", line="a\r\nb")
    wait_until(lambda: pubsub.attempts(ONE) == [1])
    assert receiver.requests == []


def test_an_empty_push_config_turns_push_into_pull(
    clients: Clients, pubsub: PubSubThread, receiver: PushReceiver
) -> None:
    clients.declare("one", push_config=push_to(receiver))
    clients.publish("one", b"pushed")
    wait_until(lambda: receiver.requests and not pubsub.server.backlog(ONE))
    clients.subscriber.modify_push_config(subscription=ONE, push_config={})
    clients.publish("one", b"pulled")
    assert data_of(clients.pulled("one")) == [b"pulled"]
    assert data_pushed(receiver) == [b"pushed"]
