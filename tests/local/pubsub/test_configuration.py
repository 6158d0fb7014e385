"""Topics and subscriptions: made, read, listed, changed, deleted."""

from __future__ import annotations

import pytest
from google.api_core import exceptions

from fakes.pubsub_server import Clients, data_of, subscription_path, topic_path

PROJECT = "projects/local"
ONE_TOPIC, ONE = topic_path("one"), subscription_path("one")


def test_a_subscription_tells_the_defaults_it_was_given(clients: Clients) -> None:
    clients.declare("dead")
    clients.declare("one", dead_letter_policy={"dead_letter_topic": topic_path("dead")}, retry_policy={})
    config = clients.subscriber.get_subscription(subscription=ONE)
    assert config.topic == ONE_TOPIC
    assert config.ack_deadline_seconds == 10
    assert config.message_retention_duration.days == 7
    assert config.dead_letter_policy.max_delivery_attempts == 5
    assert config.retry_policy.minimum_backoff.seconds == 10
    assert config.retry_policy.maximum_backoff.seconds == 600
    assert config.state.name == "ACTIVE"


def test_lists_are_of_one_project_in_order_and_come_in_pages(clients: Clients) -> None:
    for name in ("ccc", "aaa", "bbb"):
        clients.declare(name)
    clients.publisher.create_topic(name="projects/other/topics/ddd")
    topics = clients.publisher.list_topics(request={"project": PROJECT, "page_size": 2})
    pages = [[topic.name for topic in page.topics] for page in topics.pages]
    assert pages == [[topic_path("aaa"), topic_path("bbb")], [topic_path("ccc")]]
    subscriptions = clients.subscriber.list_subscriptions(request={"project": PROJECT, "page_size": 1})
    assert [each.name for each in subscriptions] == [
        subscription_path(name) for name in ("aaa", "bbb", "ccc")
    ]


def test_a_negative_page_size_is_refused(clients: Clients) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="page_size"):
        clients.publisher.list_topics(request={"project": PROJECT, "page_size": -1})


def test_a_topic_lists_its_own_subscriptions(clients: Clients) -> None:
    clients.declare("one")
    clients.declare("two")
    clients.subscriber.create_subscription(name=subscription_path("more"), topic=ONE_TOPIC)
    assert list(clients.publisher.list_topic_subscriptions(topic=ONE_TOPIC)) == [
        subscription_path("more"),
        ONE,
    ]


def test_a_topics_labels_and_retention_can_be_changed(clients: Clients) -> None:
    clients.publisher.create_topic(request={"name": ONE_TOPIC, "labels": {"old": "1"}})
    topic = {"name": ONE_TOPIC, "labels": {"new": "2"}, "message_retention_duration": {"seconds": 3600}}
    mask = {"paths": ["labels", "message_retention_duration"]}
    clients.publisher.update_topic(topic=topic, update_mask=mask)
    changed = clients.publisher.get_topic(topic=ONE_TOPIC)
    assert dict(changed.labels) == {"new": "2"}
    assert changed.message_retention_duration.seconds == 3600


def test_a_change_of_a_nested_field_leaves_its_neighbours(clients: Clients) -> None:
    token = {"service_account_email": "a@b.c"}
    clients.declare("one", push_config={"push_endpoint": "http://127.0.0.1:9/a", "oidc_token": token})
    clients.subscriber.update_subscription(
        subscription={"name": ONE, "push_config": {"push_endpoint": "http://127.0.0.1:9/b"}},
        update_mask={"paths": ["push_config.push_endpoint"]},
    )
    config = clients.subscriber.get_subscription(subscription=ONE).push_config
    assert config.push_endpoint == "http://127.0.0.1:9/b"
    assert config.oidc_token.service_account_email == "a@b.c"


def test_a_field_the_mask_names_and_the_request_lacks_is_cleared(clients: Clients) -> None:
    clients.declare("one", retry_policy={"minimum_backoff": {"seconds": 5}}, labels={"a": "b"})
    changed = clients.subscriber.update_subscription(
        subscription={"name": ONE}, update_mask={"paths": ["retry_policy", "labels"]}
    )
    assert "retry_policy" not in changed
    assert not changed.labels


@pytest.mark.parametrize(
    "path", ["filter", "topic", "name", "enable_message_ordering", "push_config.nonsense"]
)
def test_what_cannot_be_changed_is_refused_by_name(clients: Clients, path: str) -> None:
    clients.declare("one")
    with pytest.raises(exceptions.InvalidArgument, match=path.partition(".")[0]):
        clients.subscriber.update_subscription(subscription={"name": ONE}, update_mask={"paths": [path]})


def test_a_change_of_nothing_is_refused(clients: Clients) -> None:
    clients.declare("one")
    with pytest.raises(exceptions.InvalidArgument, match="names no field"):
        clients.subscriber.update_subscription(subscription={"name": ONE}, update_mask={"paths": []})


def test_a_change_beyond_the_limits_changes_nothing(clients: Clients) -> None:
    clients.declare("one")
    with pytest.raises(exceptions.InvalidArgument, match="10 to 600"):
        clients.subscriber.update_subscription(
            subscription={"name": ONE, "ack_deadline_seconds": 5},
            update_mask={"paths": ["ack_deadline_seconds"]},
        )
    assert clients.subscriber.get_subscription(subscription=ONE).ack_deadline_seconds == 10


def test_a_deleted_topic_leaves_its_subscriptions_with_their_backlog(clients: Clients) -> None:
    clients.declare("one")
    clients.publish("one", b"a")
    clients.publisher.delete_topic(topic=ONE_TOPIC)
    assert clients.subscriber.get_subscription(subscription=ONE).topic == "_deleted-topic_"
    assert data_of(clients.pulled("one")) == [b"a"]
    with pytest.raises(exceptions.NotFound):
        clients.publish("one", b"b")


def test_a_deleted_subscription_made_again_starts_empty(clients: Clients) -> None:
    clients.declare("one")
    clients.publish("one", b"a")
    clients.subscriber.delete_subscription(subscription=ONE)
    clients.subscribe("one")
    assert clients.pull("one") == []
