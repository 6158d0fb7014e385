"""A wrong value in a stack's file ends the preview with a sentence that names it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from stacks.config import Settings
from stacks.plan import settings_of

# A release is in no file.
RIGHT = settings_of("dev").model_dump(mode="json", exclude={"release"})


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the right settings with one value, by its dotted path, set to another."""
    settings = Settings.model_validate(RIGHT).model_dump(mode="json")
    *parents, last = path.split(".")
    part = settings
    for parent in parents:
        part = part[parent]
    part[last] = value
    return settings


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("regoin", "europe-west1", "Extra inputs are not permitted"),
        ("api.concurency", 80, "Extra inputs are not permitted"),
        ("project", "Not A Project", "project"),
        ("api.cpu", "0.5", "cpu"),
        ("api.min_instances", 9, "min_instances is above max_instances"),
        ("feed.ack_deadline_seconds", 15, "must be above ingest.timeout_seconds"),
        ("feed.ack_deadline_seconds", 601, "ack_deadline_seconds"),
        ("feed.max_delivery_attempts", 4, "max_delivery_attempts"),
        ("feed.first_retry_seconds", 601, "first_retry_seconds"),
        ("feed.last_retry_seconds", 5, "first_retry_seconds is above last_retry_seconds"),
        ("ingest.timeout_seconds", 8, "must be above 8"),
        ("api.timeout_seconds", 8, "must be below api.timeout_seconds"),
        ("query.max_bytes_billed", 1, "max_bytes_billed"),
        ("slo_period_days", 31, "slo_period_days"),
        ("slo_period_days", 6, "slo_period_days"),
        ("api.memory", "256Mi", "does not go with cpu 1"),
        ("api.memory", "8Gi", "does not go with cpu 1"),
        ("dataset_location", "US", "far from region europe-west1"),
        ("alerts.emails", [], "emails"),
        ("image", "europe-docker.pkg.dev/x/y:latest", "image"),
        ("page_token_keys_version", "latest", "page_token_keys_version"),
        ("access", "everybody", "access"),
        ("ingest.batch_rows", 251, "batch_rows is above concurrency"),
        ("ingest.appends_in_flight", 5, "appends_in_flight"),
        (
            "worker",
            {
                "instances": 1,
                "cpu": "1",
                "memory": "1Gi",
                "held_messages": 100,
                "batch_rows": 101,
                "appends_in_flight": 1,
            },
            "batch_rows is above held_messages",
        ),
        ("image_readers", ["allUsers"], "image_readers"),
        ("cache", {"node_type": "HUGE", "replicas": 0, "range": "10.0.0.0/24"}, "node_type"),
        ("cache", {"node_type": "STANDARD_SMALL", "replicas": 0, "range": "10.0.0.0/27"}, "/26 or larger"),
        ("cache", {"node_type": "STANDARD_SMALL", "replicas": 0, "range": "8.8.8.0/24"}, "must be private"),
        ("cache", {"node_type": "STANDARD_SMALL", "replicas": 0, "range": "192.168.0.0/16"}, "cannot reach"),
        ("budget", {"billing_account": "mine", "amount_units": 5, "currency": "EUR"}, "billing_account"),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence(path: str, value: Any, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Settings.model_validate(changed(path, value))


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_a_missing_value_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings.model_validate({key: value for key, value in RIGHT.items() if key != name})


def test_both_files_have_the_same_keys() -> None:
    def shape(value: Any) -> Any:
        return {name: shape(inner) for name, inner in value.items()} if isinstance(value, dict) else None

    assert shape(RIGHT) == shape(settings_of("prod").model_dump(mode="json", exclude={"release"}))
