"""A wrong value in a stack's file ends the preview with a sentence that names it."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from exposure.contracts.catalog import Catalog
from exposure.settings import ApiSettings
from fakes.declarations import declared
from stacks.config import Settings
from stacks.kept_answers import KeptAnswersSettings
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
        ("query.per_second", 101, "per_second"),
        ("query.per_second", 81, "above 80"),
        ("query.caller_daily_bytes", 1, "caller_daily_bytes"),
        ("kept_answers.cache_lifetime_seconds", -1, "cache_lifetime_seconds"),
        ("kept_answers.cache_lifetime_seconds", 51, "cache_lifetime of 51 s is too long"),
        ("kept_answers.cache_lifetime_seconds", 31, "cache_stale_while_revalidate of 20 s is too long"),
        ("kept_answers.cache_stale_while_revalidate_seconds", 31, "while_revalidate of 31 s is too long"),
        ("kept_answers.cache_stale_if_error_seconds", 31, "cache_stale_if_error of 31 s is too long"),
        ("kept_answers.cache_bytes", 2**19, "cache_bytes"),
        ("kept_answers.cache_bytes", 300 * 2**20, "556Mi is the least"),
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


def test_what_the_api_keeps_by_default_is_not_said_to_it() -> None:
    settings = Settings.model_validate(RIGHT)
    assert settings.kept_answers.environment == {}
    assert settings.kept_answers.bytes == ApiSettings.model_fields["cache_bytes"].default


def test_what_is_said_of_kept_answers_the_api_takes_under_its_own_names() -> None:
    kept = {
        "cache_lifetime_seconds": 10,
        "cache_stale_while_revalidate_seconds": 0,
        "cache_stale_if_error_seconds": 40,
        "cache_bytes": 2**20,
    }
    told = Settings.model_validate({**RIGHT, "kept_answers": kept}).kept_answers.environment
    assert told == {
        "cache_lifetime": "PT10S",
        "cache_stale_while_revalidate": "PT0S",
        "cache_stale_if_error": "PT40S",
        "cache_bytes": "1048576",
    }
    assert told.keys() <= ApiSettings.model_fields.keys()


@pytest.mark.parametrize(("seconds", "is_refused"), [(None, True), (16, True), (15, False)])
def test_kept_answers_of_a_replica_leave_its_readings_their_time(
    monkeypatch: pytest.MonkeyPatch, seconds: int | None, *, is_refused: bool
) -> None:
    replicated = Catalog((declared(replica=timedelta(days=1)),))
    monkeypatch.setattr("stacks.kept_answers.CATALOG", replicated)
    kept = RIGHT["kept_answers"] | {
        "cache_stale_while_revalidate_seconds": 0,
        "cache_stale_if_error_seconds": seconds,
    }
    complaint = pytest.raises(ValidationError, match="replica_interval of 5 s is too long")
    with complaint if is_refused else nullcontext():
        KeptAnswersSettings.model_validate(kept)


def test_both_files_have_the_same_keys() -> None:
    def shape(value: Any) -> Any:
        return {name: shape(inner) for name, inner in value.items()} if isinstance(value, dict) else None

    assert shape(RIGHT) == shape(settings_of("prod").model_dump(mode="json", exclude={"release"}))
