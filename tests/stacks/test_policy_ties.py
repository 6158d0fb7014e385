"""Deliveries have the grants they need, and grants are to whom the stack declares."""

from __future__ import annotations

import dataclasses

import pytest

from fakes.plan_environments import settings_for
from fakes.plan_faults import planted, recorded
from fakes.plan_policy import broken, charter
from stacks.plan import Recorded
from stacks.policy.roles import (
    INVOKER,
    ON_ACCOUNT,
    ON_PROJECT,
    ON_REPOSITORY,
    ON_SERVICE,
    ON_SUBSCRIPTION,
    ON_TABLE,
    ON_TOPIC,
)

SERVICE = "gcp:cloudrunv2/service:Service"
API, PUSH = (f"serviceAccount:exposure-{name}@project.iam.gserviceaccount.com" for name in ("api", "push"))
PROD = charter(settings_for("prod"))
FULL = charter(settings_for("full"))


def test_a_second_caller_of_the_subscriber_is_refused_and_so_is_none(prod_plan: list[Recorded]) -> None:
    rule = f"an-internal-service-has-one-caller: {SERVICE} ingest may be called by"
    other = recorded(ON_SERVICE, "x", {"role": INVOKER, "member": PUSH, "name": "ingest"})
    assert broken([*prod_plan, other], PROD) == [f"{rule} 2 members"]
    none = [one for one in prod_plan if one.type != ON_SERVICE]
    assert f"{rule} 0 members" in broken(none, PROD)


@pytest.mark.parametrize(
    "member",
    [
        "user:somebody@example.com",
        "group:all@example.com",
        "domain:example.com",
        "serviceAccount:other@project.iam.gserviceaccount.com",
        "serviceAccount:1-compute@developer.gserviceaccount.com",
        "serviceAccount:service-1@gcp-sa-pubsub.example.com",
    ],
)
def test_a_grant_to_whom_the_stack_does_not_declare_is_refused(
    member: str, prod_plan: list[Recorded]
) -> None:
    name = "api-runs-queries"
    faults = broken(planted(prod_plan, ON_PROJECT, name, "member", member), PROD)
    assert (
        f"grants-are-to-the-stacks-own: {ON_PROJECT} {name} is to {member}, whom the stack does not declare"
        in faults
    )


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (ON_SUBSCRIPTION, "the agent is no subscriber of it"),
        (ON_TOPIC, "the agent may not publish to"),
        (ON_ACCOUNT, "the agent may not make one of"),
        (ON_SERVICE, "may call no service"),
        (
            ON_TABLE,
            "the agent may not write to data-exposure-prod.analytics_dataset.analytics_table_dead_letters",
        ),
    ],
)
@pytest.mark.parametrize("loss", ["gone", "to somebody else"])
def test_a_lost_grant_is_refused(kind: str, said: str, loss: str, prod_plan: list[Recorded]) -> None:
    lost = next(one for one in prod_plan if one.type == kind)
    rest = [one for one in prod_plan if one is not lost]
    if loss != "gone":
        rest = planted(prod_plan, kind, lost.name, "member", API)
    faults = [one for one in broken(rest, PROD) if one.startswith("deliveries-have-their-grants")]
    assert faults
    assert all(said in one for one in faults)


def test_those_who_pull_images_may_do_nothing_else(full_plan: list[Recorded]) -> None:
    (reader, *_) = [one for one in full_plan if one.type == ON_REPOSITORY]
    member = reader.inputs["member"]
    assert broken(full_plan, FULL) == []
    assert broken(full_plan, dataclasses.replace(FULL, image_readers=frozenset()))
    assert broken([recorded(ON_TABLE, "x", {"role": "roles/bigquery.dataViewer", "member": member})], FULL)


def test_an_account_of_another_project_is_not_the_stacks_own(prod_plan: list[Recorded]) -> None:
    other = "serviceAccount:exposure-api@projects.iam.gserviceaccount.com"
    faults = broken(planted(prod_plan, ON_PROJECT, "api-runs-queries", "member", other), PROD)
    assert [fault for fault in faults if fault.startswith("grants-are-to-the-stacks-own")]
