"""Branches, stacks and environments belong together as declared: develop and dev, master and prod."""

from __future__ import annotations

import pytest
import yaml

from fakes.workflow import ROOT, Workflow, chosen, read_workflows

BRANCHES = {"develop": "dev", "master": "prod"}


@pytest.fixture
def workflows() -> dict[str, Workflow]:
    return read_workflows()


def command_of(workflow: Workflow, script: str) -> str:
    """Return the one command that runs the script."""
    (command,) = (step["run"] for _, step in workflow.steps() if script in step.get("run", ""))
    assert isinstance(command, str)
    return command


@pytest.mark.parametrize(("branch", "stack"), BRANCHES.items())
def test_a_push_to_a_branch_deploys_its_stack_in_the_environment_of_that_name(
    workflows: dict[str, Workflow], branch: str, stack: str
) -> None:
    deploy = workflows["deploy"]
    job = deploy.jobs["deploy"]
    assert chosen(job["environment"]["name"], ref_name=branch) == stack
    assert chosen(job["env"]["STACK"], ref_name=branch) == stack
    (target,) = (step for _, step in deploy.steps() if step.get("id") == "target")
    assert chosen(target["env"]["STACK"], ref_name=branch) == stack
    settings = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    assert settings["data-exposure-platform:settings"]["labels"]["environment"] == stack


def test_nothing_but_a_push_to_those_two_branches_deploys(workflows: dict[str, Workflow]) -> None:
    assert workflows["deploy"].on == {"push": {"branches": list(BRANCHES)}}
    others = [one for name, one in workflows.items() if name != "deploy"]
    assert not [step for one in others for _, step in one.steps() if "up.sh" in step.get("run", "")]


@pytest.mark.parametrize(("branch", "stack"), BRANCHES.items())
def test_a_pull_request_previews_the_stack_of_the_branch_it_would_change(
    workflows: dict[str, Workflow], branch: str, stack: str
) -> None:
    preview = workflows["preview"]
    assert preview.on == {"pull_request": {"branches": list(BRANCHES)}}
    assert chosen(preview.jobs["stack"]["with"]["stack"], base_ref=branch) == stack


def test_each_night_each_stack_is_compared_with_its_branch(workflows: dict[str, Workflow]) -> None:
    drift = workflows["drift"]
    job = drift.jobs["stack"]
    pairs = [(pair["branch"], pair["stack"]) for pair in job["strategy"]["matrix"]["include"]]
    assert pairs == list(BRANCHES.items())
    assert job["strategy"]["fail-fast"] is False
    expected = {"stack": "${{ matrix.stack }}", "branch": "${{ matrix.branch }}", "expects-no-changes": True}
    assert job["with"] == expected
    (schedule,) = drift.on["schedule"]
    minute, hour, *days = schedule["cron"].split()
    assert minute.isdigit()
    assert hour.isdigit()
    assert days == ["*", "*", "*"]


def test_previews_become_the_account_that_reads_and_deploys_the_one_that_writes(
    workflows: dict[str, Workflow],
) -> None:
    preview, deploy = workflows["stack-preview"], workflows["deploy"]
    assert preview.jobs["preview"]["environment"] == "${{ inputs.stack }}-preview"
    assert '"$STACK" preview ' in command_of(preview, "target.py")
    assert '"$STACK" deploy ' in command_of(deploy, "target.py")


@pytest.mark.parametrize("name", ["preview", "drift"])
def test_both_kinds_of_preview_take_the_same_steps(workflows: dict[str, Workflow], name: str) -> None:
    assert workflows[name].jobs["stack"]["uses"] == "$/.github/workflows/stack-preview.yml"


def test_nobodys_fork_and_no_unread_package_previews_as_an_account_of_google(
    workflows: dict[str, Workflow],
) -> None:
    condition = workflows["preview"].jobs["stack"]["if"]
    assert condition.split(" && ") == [
        "github.event.pull_request.head.repo.full_name == github.repository",
        "github.event.pull_request.user.login != 'dependabot[bot]'",
    ]


@pytest.mark.parametrize(("name", "job"), [("deploy", "deploy"), ("stack-preview", "preview")])
def test_nothing_is_asked_of_google_before_the_stack_lets_github_in(
    workflows: dict[str, Workflow], name: str, job: str
) -> None:
    declared = workflows[name].jobs[job]
    assert "target" in declared["needs"]
    assert declared["if"] == "needs.target.outputs.configured == 'true'"
