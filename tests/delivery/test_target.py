"""What a job is told of a stack is what the stack declares."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from fakes.script import load_script
from fakes.workflow import ROOT, read_workflows
from stacks.config import DeliverySettings, Settings
from stacks.plan import Recorded, record, settings_of

SCRIPT = ROOT / ".github" / "delivery" / "target.py"
POOL, PROVIDER = "gcp:iam/workloadIdentityPool:WorkloadIdentityPool", "gcp:iam/workloadIdentityPoolProvider:"


@pytest.fixture(scope="module")
def target() -> Any:
    """Return the script as a module."""
    return load_script(SCRIPT)


BRANCHES = {"dev": "develop", "prod": "master"}


def delivered(stack: str, **wrong: str) -> Settings:
    """Return a stack's settings once GitHub is let in."""
    delivery = DeliverySettings(
        repository_id="1",
        owner_id="2",
        environment=wrong.get("environment", stack),
        branch=wrong.get("branch", BRANCHES[stack]),
        state_bucket="some-pulumi-state",
        state_key="projects/p/locations/l/keyRings/pulumi/cryptoKeys/state",
    )
    return settings_of(stack).model_copy(update={"delivery": delivery})


def plan_of(settings: Settings) -> list[Recorded]:
    from stacks.platform import declare  # noqa: PLC0415 - the SDK wants its mocks first

    return record("dev", lambda: declare(settings))


def test_the_accounts_the_pool_and_the_provider_are_those_the_stack_declares(target: Any) -> None:
    settings = delivered("dev")
    plan = plan_of(settings)
    accounts = {one.inputs["accountId"] for one in plan if one.type.endswith(":Account")}
    (pool,) = (one.inputs["workloadIdentityPoolId"] for one in plan if one.type == POOL)
    (provider,) = (
        one.inputs["workloadIdentityPoolProviderId"] for one in plan if one.type.startswith(PROVIDER)
    )
    for role in target.ROLES:
        told = target.target_of("dev", role, settings)
        name, _, domain = told["account"].partition("@")
        assert name in accounts
        assert domain == f"{settings.project}.iam.gserviceaccount.com"
        assert told["provider"].startswith(f"projects/{settings.project_number}/")
        assert told["provider"].endswith(f"/workloadIdentityPools/{pool}/providers/{provider}")
        assert told["state"] == "gs://some-pulumi-state"


@pytest.mark.parametrize("name", ["deploy", "stack-preview"])
def test_a_workflow_passes_on_only_what_the_target_has(target: Any, name: str) -> None:
    told = target.target_of("dev", "deploy", delivered("dev"))
    assert set(read_workflows()[name].jobs["target"]["outputs"]) <= set(told)


def test_a_stack_that_lets_github_in_nowhere_is_left_alone(target: Any) -> None:
    assert target.target_of("dev", "deploy", settings_of("dev")) == {"configured": "false"}


def test_a_stack_builds_its_image_unless_it_names_one(target: Any) -> None:
    built = delivered("prod").model_copy(update={"image": None})
    named = built.model_copy(update={"image": f"registry/exposure@sha256:{'0' * 64}"})
    assert [target.target_of("prod", "deploy", one)["builds"] for one in (built, named)] == ["true", "false"]


@pytest.mark.parametrize("wrong", [{"environment": "prod"}, {"branch": "master"}], ids=str)
def test_a_stack_of_another_environment_or_branch_is_refused(target: Any, wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="the workflows deploy it as dev from develop"):
        target.target_of("dev", "deploy", delivered("dev", **wrong))


def test_prod_is_warned_of_when_it_would_build_an_image_of_its_own(target: Any) -> None:
    built = delivered("prod").model_copy(update={"image": None})
    promoted = built.model_copy(update={"image": f"registry/exposure@sha256:{'0' * 64}"})
    assert [remark.partition("::image")[0] for remark in target.remarks_of("prod", built)] == [
        "::warning file=Pulumi.prod.yaml"
    ]
    assert target.remarks_of("prod", promoted) == []
    assert target.remarks_of("dev", delivered("dev")) == []


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_script_prints_nothing_but_outputs(target: Any, stack: str) -> None:
    finished = subprocess.run(
        [sys.executable, SCRIPT, stack, "deploy"], capture_output=True, text=True, check=True, timeout=60
    )
    told = dict(line.split("=", 1) for line in finished.stdout.splitlines())
    assert told == target.target_of(stack, "deploy", settings_of(stack))
    assert finished.stderr.splitlines() == target.remarks_of(stack, settings_of(stack))


def test_an_unknown_stack_is_a_mistake(target: Any) -> None:
    finished = subprocess.run([sys.executable, SCRIPT, "test", "deploy"], check=False, capture_output=True)
    assert finished.returncode == 1
    assert b"usage:" in finished.stderr
