"""Traces go to Google where the stack names a ratio, from both services; they may send and read none."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from exposure.settings import ApiSettings, IngestSettings
from fakes.operations_plan import changed
from fakes.plan_environments import ENVIRONMENTS, plan_of, settings_for
from stacks.delivery import GRANTED_ROLES
from stacks.plan import Recorded
from stacks.policy.roles import API, HELD, INGEST, ON_PROJECT
from stacks.telemetry import ROLE, told_of_traces

TOLD = {"EXPOSURE_TRACES": "google", "EXPOSURE_TRACE_RATIO": "0.01"}


def environment_of(one: Recorded) -> dict[str, str]:
    container = one.inputs["template"]["containers"][0]
    return {told["name"]: told.get("value", "") for told in container["envs"]}


def running(plan: list[Recorded]) -> dict[str, Recorded]:
    """Return the two services, or the pool that stands for one of them."""
    kinds = {"gcp:cloudrunv2/service:Service", "gcp:cloudrunv2/workerPool:WorkerPool"}
    return {one.name: one for one in plan if one.type in kinds and one.name in {"api", "ingest"}}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_both_services_are_told_where_their_traces_go_and_how_many(environment: str) -> None:
    ratio = settings_for(environment).trace_ratio
    services = running(plan_of(environment))
    assert services.keys() == {"api", "ingest"}
    for one in services.values():
        told = {name: text for name, text in environment_of(one).items() if name.startswith("EXPOSURE_TRACE")}
        assert told == {**TOLD, "EXPOSURE_TRACE_RATIO": f"{ratio:g}"}


def test_without_a_ratio_nobody_is_told_of_traces() -> None:
    assert told_of_traces(changed("prod", trace_ratio=None)) == {}


@pytest.mark.parametrize("ratio", [0, -0.1, 1.5])
def test_a_ratio_that_is_none_is_refused(ratio: float) -> None:
    with pytest.raises(ValidationError, match="trace_ratio"):
        changed("prod", trace_ratio=ratio)


def test_what_they_are_told_is_a_setting_of_theirs() -> None:
    fields = {name.removeprefix("EXPOSURE_").lower() for name in TOLD}
    assert fields <= ApiSettings.model_fields.keys() & IngestSettings.model_fields.keys()


def test_the_policy_knows_the_grant_and_delivery_may_make_it() -> None:
    assert all((ON_PROJECT, ROLE) in HELD[holder] for holder in (API, INGEST))
    assert ROLE in GRANTED_ROLES
