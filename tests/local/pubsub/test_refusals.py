"""What the real service refuses is refused alike, and what is not built says so."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.pubsub_v1 import SchemaServiceClient

from exposure.local.pubsub.broker import Broker
from fakes.pubsub_server import Clients, PubSubThread, running, subscription_path, topic_path

ONE_TOPIC, ONE = topic_path("one"), subscription_path("one")


@pytest.fixture(scope="module")
def pubsub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PubSubThread]:
    """One server for the whole file: most of its tests change nothing."""
    with running(tmp_path_factory.mktemp("data")) as thread:
        yield thread


@pytest.fixture(scope="module")
def client_pair(pubsub: PubSubThread) -> Iterator[Clients]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PUBSUB_EMULATOR_HOST", pubsub.server.address)
        clients = Clients()
    yield clients
    clients.close()


@pytest.fixture
def clients(pubsub: PubSubThread, client_pair: Clients) -> Iterator[Clients]:
    yield client_pair
    pubsub.call(empty(pubsub.server.broker))


async def empty(broker: Broker) -> None:
    for subscription in list(broker.subscriptions):
        await broker.delete_subscription(subscription)
    for topic in list(broker.topics):
        await broker.delete_topic(topic)


@pytest.mark.parametrize(
    "name",
    ["ab", "1abc", "goog-topic", "with space", "slash/slash", "x" * 256, "ünïcode"],
)
def test_an_id_that_breaks_the_rules_is_refused(clients: Clients, name: str) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=r"Invalid \[topics\] name"):
        clients.publisher.create_topic(name=topic_path(name))


@pytest.mark.parametrize("name", ["abc", "x" * 255, "A-b_c.d~e+f%g"])
def test_an_id_within_the_rules_is_taken(clients: Clients, name: str) -> None:
    clients.declare(name)


def test_a_name_is_given_once(clients: Clients) -> None:
    clients.declare("one")
    with pytest.raises(exceptions.AlreadyExists, match=r"resource=one"):
        clients.publisher.create_topic(name=ONE_TOPIC)
    with pytest.raises(exceptions.AlreadyExists, match=r"resource=one"):
        clients.subscribe("one")


MISSING: dict[str, Callable[[Clients], Any]] = {
    "get topic": lambda c: c.publisher.get_topic(topic=ONE_TOPIC),
    "delete topic": lambda c: c.publisher.delete_topic(topic=ONE_TOPIC),
    "publish": lambda c: c.publish("one", b"x"),
    "list its subscriptions": lambda c: c.publisher.list_topic_subscriptions(topic=ONE_TOPIC),
    "subscribe": lambda c: c.subscribe("one"),
    "get subscription": lambda c: c.subscriber.get_subscription(subscription=ONE),
    "delete subscription": lambda c: c.subscriber.delete_subscription(subscription=ONE),
    "pull": lambda c: c.pull("one"),
    "acknowledge": lambda c: c.subscriber.acknowledge(subscription=ONE, ack_ids=["x"]),
    "modify push": lambda c: c.subscriber.modify_push_config(subscription=ONE, push_config={}),
}


@pytest.mark.parametrize("call", MISSING.values(), ids=MISSING.keys())
def test_what_does_not_exist_is_not_found(clients: Clients, call: Callable[[Clients], Any]) -> None:
    with pytest.raises(exceptions.NotFound, match=r"Resource not found \(resource=one\)"):
        call(clients)


MESSAGES: dict[str, tuple[dict[str, Any], str]] = {
    "empty": ({}, "data or at least one attribute"),
    "only a key": ({"ordering_key": "k"}, "data or at least one attribute"),
    "101 attributes": ({"attributes": {f"k{n}": "" for n in range(101)}}, "100 attributes at most"),
    "attribute key of 257 bytes": ({"attributes": {"k" * 257: ""}}, "1 to 256 bytes"),
    "empty attribute key": ({"attributes": {"": "x"}}, "1 to 256 bytes"),
    "attribute value of 1025 bytes": ({"attributes": {"k": "ü" * 513}}, "more than 1024 bytes"),
    "reserved attribute": ({"attributes": {"googfoo": ""}}, "begins with goog"),
    "ordering key of 1025 bytes": ({"data": b"x", "ordering_key": "k" * 1025}, "1024 bytes at most"),
}


@pytest.mark.parametrize(("message", "sentence"), MESSAGES.values(), ids=MESSAGES.keys())
def test_a_message_beyond_the_limits_is_refused(
    clients: Clients, pubsub: PubSubThread, message: dict[str, Any], sentence: str
) -> None:
    clients.declare("one")
    with pytest.raises(exceptions.InvalidArgument, match=sentence):
        clients.publish_raw("one", message)
    assert pubsub.server.backlog(ONE) == 0


def test_a_message_at_the_limits_is_taken(clients: Clients) -> None:
    clients.declare("one")
    attributes = {f"{number:03}{'k' * 253}": "v" * 1024 for number in range(100)}
    clients.publish_raw("one", {"attributes": attributes, "ordering_key": "k" * 1024})
    assert clients.pulled("one")[0].message.attributes == attributes


@pytest.mark.parametrize("count", [0, 1001])
def test_a_request_has_1_to_1000_messages(clients: Clients, count: int) -> None:
    clients.declare("one")
    with pytest.raises(exceptions.InvalidArgument, match="1 to 1000 messages"):
        clients.publish("one", *[b"x"] * count)


def test_a_request_has_one_ordering_key(clients: Clients) -> None:
    clients.declare("one")
    with pytest.raises(exceptions.InvalidArgument, match="same ordering key"):
        clients.publish_raw("one", {"data": b"a", "ordering_key": "k"}, {"data": b"b"})


SUBSCRIPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "ack deadline of 9 s": ({"ack_deadline_seconds": 9}, "10 to 600 seconds"),
    "ack deadline of 700 s": ({"ack_deadline_seconds": 700}, "10 to 600 seconds"),
    "retention of 9 min": ({"message_retention_duration": {"seconds": 540}}, "10 minutes to 31 days"),
    "broken filter": ({"filter": "attributes.x >"}, "Invalid filter"),
    "four attempts": (
        {"dead_letter_policy": {"dead_letter_topic": ONE_TOPIC, "max_delivery_attempts": 4}},
        "5 to 100 delivery attempts",
    ),
    "backoff of 601 s": ({"retry_policy": {"maximum_backoff": {"seconds": 601}}}, "0 to 600 seconds"),
    "minimum above maximum": (
        {"retry_policy": {"minimum_backoff": {"seconds": 20}, "maximum_backoff": {"seconds": 10}}},
        "0 to 600 seconds",
    ),
    "endpoint without scheme": ({"push_config": {"push_endpoint": "127.0.0.1:80"}}, "http or https URL"),
    "endpoint with a port beyond all": (
        {"push_config": {"push_endpoint": "http://127.0.0.1:99999/x"}},
        "http or https URL",
    ),
    "endpoint with port 0": ({"push_config": {"push_endpoint": "http://127.0.0.1:0/x"}}, "http or https URL"),
    "endpoint with half an address": (
        {"push_config": {"push_endpoint": "http://[::1/x"}},
        "http or https URL",
    ),
    "endpoint with a line break": ({"push_config": {"push_endpoint": "http://x/\r\nA: b"}}, "no spaces"),
    "token without account": (
        {"push_config": {"push_endpoint": "http://x", "oidc_token": {"audience": "a"}}},
        "service_account_email",
    ),
}


@pytest.mark.parametrize(("config", "sentence"), SUBSCRIPTIONS.values(), ids=SUBSCRIPTIONS.keys())
def test_a_subscription_beyond_the_limits_is_refused_and_not_made(
    clients: Clients, config: dict[str, Any], sentence: str
) -> None:
    clients.publisher.create_topic(name=ONE_TOPIC)
    with pytest.raises(exceptions.InvalidArgument, match=sentence):
        clients.subscribe("one", **config)
    assert list(clients.subscriber.list_subscriptions(project="projects/local")) == []


def test_a_dead_letter_topic_that_does_not_exist_is_refused(clients: Clients) -> None:
    clients.publisher.create_topic(name=ONE_TOPIC)
    with pytest.raises(exceptions.NotFound, match="resource=dead"):
        clients.subscribe("one", dead_letter_policy={"dead_letter_topic": topic_path("dead")})


@pytest.mark.parametrize("seconds", [-1, 601])
def test_a_deadline_is_moved_by_0_to_600_seconds(clients: Clients, seconds: int) -> None:
    clients.declare("one")
    clients.publish("one", b"x")
    with pytest.raises(exceptions.InvalidArgument, match="0 to 600 seconds"):
        clients.extend("one", seconds, *clients.pulled("one"))


def test_a_pull_asks_for_at_least_one_message(clients: Clients) -> None:
    clients.declare("one")
    with pytest.raises(exceptions.InvalidArgument, match="at least 1"):
        clients.pull("one", 0)


UNBUILT_SUBSCRIPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "exactly once": ({"enable_exactly_once_delivery": True}, "exactly-once delivery"),
    "bigquery": ({"bigquery_config": {"table": "p.d.t"}}, "BigQuery subscriptions"),
    "storage": ({"cloud_storage_config": {"bucket": "b"}}, "Cloud Storage subscriptions"),
    "transforms": ({"message_transforms": [{"disabled": True}]}, "message transforms"),
    "acked messages": ({"retain_acked_messages": True}, "retention of acknowledged messages"),
}


@pytest.mark.parametrize(("config", "what"), UNBUILT_SUBSCRIPTIONS.values(), ids=UNBUILT_SUBSCRIPTIONS.keys())
def test_a_kind_of_subscription_that_is_not_built_says_so(
    clients: Clients, config: dict[str, Any], what: str
) -> None:
    clients.publisher.create_topic(name=ONE_TOPIC)
    with pytest.raises(exceptions.MethodNotImplemented, match=f"does not build {what}"):
        clients.subscribe("one", **config)


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ({"kms_key_name": "key"}, "customer-managed keys"),
        ({"schema_settings": {"schema": "projects/p/schemas/s"}}, "schemas"),
        ({"message_storage_policy": {"allowed_persistence_regions": ["europe-west1"]}}, "regions"),
    ],
)
def test_a_kind_of_topic_that_is_not_built_says_so(
    clients: Clients, config: dict[str, Any], what: str
) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match=f"does not build {what}"):
        clients.publisher.create_topic(request={"name": ONE_TOPIC, **config})


UNBUILT_CALLS: dict[str, Callable[[Clients], Any]] = {
    "Seek": lambda c: c.subscriber.seek(request={"subscription": ONE, "snapshot": "projects/p/snapshots/s"}),
    "CreateSnapshot": lambda c: c.subscriber.create_snapshot(name="projects/p/snapshots/s", subscription=ONE),
    "ListSnapshots": lambda c: c.subscriber.list_snapshots(project="projects/local"),
    "DetachSubscription": lambda c: c.publisher.detach_subscription(request={"subscription": ONE}),
    "GetIamPolicy": lambda c: c.publisher.get_iam_policy(request={"resource": ONE_TOPIC}),
}


@pytest.mark.parametrize(("name", "call"), UNBUILT_CALLS.items(), ids=UNBUILT_CALLS.keys())
def test_a_call_that_is_not_built_says_so(
    clients: Clients, name: str, call: Callable[[Clients], Any]
) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match=f"does not build the call .*{name}"):
        call(clients)


def test_the_schema_service_is_not_built_and_says_so(
    pubsub: PubSubThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.server.address)
    with (
        SchemaServiceClient() as client,
        pytest.raises(exceptions.MethodNotImplemented, match="CreateSchema"),
    ):
        client.create_schema(request={"parent": "projects/local", "schema_id": "one"})


def test_an_acknowledgement_nobody_waits_for_is_no_error(clients: Clients) -> None:
    clients.declare("one")
    clients.subscriber.acknowledge(subscription=ONE, ack_ids=["never-given"])


def test_a_full_disk_is_unavailable_and_nothing_is_published(
    clients: Clients, pubsub: PubSubThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients.declare("one")
    storage = pubsub.server.broker._storage
    monkeypatch.setattr(storage, "_write", _full)
    request = pubsub_v1.types.PublishRequest(topic=ONE_TOPIC, messages=[{"data": b"x"}])
    with grpc.insecure_channel(pubsub.server.address) as channel:
        publish = channel.unary_unary(
            "/google.pubsub.v1.Publisher/Publish",
            request_serializer=pubsub_v1.types.PublishRequest.serialize,
            response_deserializer=pubsub_v1.types.PublishResponse.deserialize,
        )
        with pytest.raises(grpc.RpcError, match=r"Nothing was stored: .*disk is full") as refused:
            publish(request)
    monkeypatch.undo()
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert pubsub.server.backlog(ONE) == 0


def _full(_: object) -> None:
    raise sqlite3.OperationalError("disk is full")


def test_a_backlog_at_its_bound_refuses_publishing_by_name_and_takes_what_follows_an_acknowledgement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, most_bytes=10_000) as small:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", small.server.address)
        clients = Clients()
        clients.declare("one")
        clients.publish("one", b"x" * 8000)
        with pytest.raises(exceptions.ResourceExhausted, match="of 10000 bytes; publish again"):
            clients.publish_raw("one", {"data": b"x" * 8000}, retry=None)
        clients.acknowledge("one", *clients.pulled("one"))
        assert clients.publish("one", b"x" * 8000)
        clients.close()
