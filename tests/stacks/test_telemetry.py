"""Traces and metrics go to Google where the stack says how many and how often; services may only send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from exposure.settings import ApiSettings, IngestSettings, PullSettings
from fakes.operations_plan import changed
from fakes.plan_environments import ENVIRONMENTS, WORKER, plan_of, settings_for
from stacks.config import Settings
from stacks.delivery import GRANTED_ROLES
from stacks.plan import Recorded, record
from stacks.platform import declare
from stacks.policy.roles import API, HELD, INGEST, ON_PROJECT
from stacks.telemetry import METRICS_ROLE, TRACES_ROLE, told_of_telemetry

TRACES = {"EXPOSURE_TRACES": "google", "EXPOSURE_TRACE_RATIO": "0.01"}
METRICS = {
    "EXPOSURE_METRICS_COLLECTOR": "google",
    "EXPOSURE_METRICS_INTERVAL": "PT60S",
    "EXPOSURE_REGION": "europe-west1",
}
STAYS = {"EXPOSURE_METRICS_FLUSH": "PT0S"}


def environment_of(one: Recorded) -> dict[str, str]:
    container = one.inputs["template"]["containers"][0]
    return {told["name"]: told.get("value", "") for told in container["envs"]}


def running(plan: list[Recorded]) -> dict[str, Recorded]:
    """Return the two services, or the pool that stands for one of them."""
    kinds = {"gcp:cloudrunv2/service:Service", "gcp:cloudrunv2/workerPool:WorkerPool"}
    return {one.name: one for one in plan if one.type in kinds and one.name in {"api", "ingest"}}


def told(one: Recorded, *prefixes: str) -> dict[str, str]:
    return {name: text for name, text in environment_of(one).items() if name.startswith(prefixes)}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_both_services_are_told_where_their_traces_go_and_how_many(environment: str) -> None:
    ratio = settings_for(environment).trace_ratio
    services = running(plan_of(environment))
    assert services.keys() == {"api", "ingest"}
    for one in services.values():
        assert told(one, "EXPOSURE_TRACE") == {**TRACES, "EXPOSURE_TRACE_RATIO": f"{ratio:g}"}


def metrics_told(**values: Any) -> Mapping[str, dict[str, str]]:
    """Return what each service is told of metrics in an environment with these values."""
    settings = changed("dev", **values)
    services = running(record("dev", lambda: declare(settings)))
    return {name: told(one, "EXPOSURE_METRICS", "EXPOSURE_REGION") for name, one in services.items()}


def test_where_cpu_goes_with_the_answer_one_of_them_waits_for_the_metrics() -> None:
    assert metrics_told(metrics_interval_seconds=60) == {"api": METRICS, "ingest": METRICS}


def test_where_cpu_stays_none_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stacks.api.replica_bytes", lambda *_: 2**28)
    services = metrics_told(metrics_interval_seconds=60, worker=WORKER)
    assert services == {"api": METRICS | STAYS, "ingest": METRICS | STAYS}


def test_services_are_told_nothing_of_what_is_off() -> None:
    settings = changed("prod", trace_ratio=None, metrics_interval_seconds=None)
    assert told_of_telemetry(settings, works_between_requests=True) == {}


def grants(settings: Settings) -> set[tuple[str, str]]:
    plan = record("dev", lambda: declare(settings))
    return {
        (one.name, one.inputs["role"]) for one in plan if one.type == ON_PROJECT and "-sends-" in one.name
    }


def test_who_sends_what_may_send_that_and_nothing_else() -> None:
    traces = {(f"{name}-sends-traces", TRACES_ROLE) for name in ("api", "ingest")}
    metrics = {(f"{name}-sends-metrics", METRICS_ROLE) for name in ("api", "ingest")}
    assert grants(changed("dev", trace_ratio=0.1, metrics_interval_seconds=None)) == traces
    assert grants(changed("dev", trace_ratio=None, metrics_interval_seconds=60)) == metrics
    assert grants(changed("dev", trace_ratio=0.1, metrics_interval_seconds=60)) == traces | metrics


@pytest.mark.parametrize("ratio", [0, -0.1, 1.5])
def test_a_ratio_that_is_none_is_refused(ratio: float) -> None:
    with pytest.raises(ValidationError, match="trace_ratio"):
        changed("prod", trace_ratio=ratio)


@pytest.mark.parametrize("seconds", [0, 9, 3601, 10.5])
def test_an_interval_that_google_or_the_service_refuses_is_refused(seconds: float) -> None:
    with pytest.raises(ValidationError, match="metrics_interval_seconds"):
        changed("prod", metrics_interval_seconds=seconds)


@pytest.mark.parametrize("service", [ApiSettings, IngestSettings, PullSettings])
def test_what_they_are_told_is_a_setting_of_theirs(service: type[ApiSettings]) -> None:
    fields = {name.removeprefix("EXPOSURE_").lower() for name in {**TRACES, **METRICS, **STAYS}}
    assert fields <= service.model_fields.keys()


@pytest.mark.parametrize("role", [TRACES_ROLE, METRICS_ROLE])
def test_the_policy_knows_the_grant_and_delivery_may_make_it(role: str) -> None:
    assert all((ON_PROJECT, role) in HELD[holder] for holder in (API, INGEST))
    assert role in GRANTED_ROLES
