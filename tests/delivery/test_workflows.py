"""What every workflow keeps to, and the order of a deploy."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from fakes.workflow import ROOT, Workflow, read_workflows

WORKFLOWS = read_workflows()
JOBS = [(workflow, name, job) for workflow in WORKFLOWS.values() for name, job in workflow.jobs.items()]
STEPS = [(workflow, job, step) for workflow in WORKFLOWS.values() for job, step in workflow.steps()]
FILES = sorted(path for path in (ROOT / ".github").rglob("*") if path.is_file() and path.suffix != ".pyc")
PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")
# Every right to write that any job has, and nothing else.
WRITES = {
    ("deploy", "deploy"): {"id-token"},
    ("stack-preview", "preview"): {"id-token"},
    ("preview", "stack"): {"id-token"},
    ("drift", "stack"): {"id-token"},
    ("preview", "comment"): {"pull-requests"},
    ("drift", "report"): {"issues"},
}


each_workflow = pytest.mark.parametrize("workflow", WORKFLOWS.values(), ids=list(WORKFLOWS))
each_job = pytest.mark.parametrize(
    ("workflow", "name", "job"), JOBS, ids=[f"{workflow.name}-{name}" for workflow, name, _ in JOBS]
)


@each_workflow
def test_a_workflow_starts_with_no_permission(workflow: Workflow) -> None:
    assert workflow.document["permissions"] == {}


@each_job
def test_a_job_may_write_only_what_it_is_known_to(
    workflow: Workflow, name: str, job: Mapping[str, Any]
) -> None:
    writes = {scope for scope, level in job["permissions"].items() if level == "write"}
    assert writes == WRITES.get((workflow.name, name), set())
    assert set(job["permissions"].values()) <= {"read", "write"}


@each_workflow
def test_nothing_runs_with_the_repositorys_rights_on_an_outsiders_word(workflow: Workflow) -> None:
    allowed = {"push", "pull_request", "schedule", "workflow_call", "workflow_dispatch"}
    assert set(workflow.on) <= allowed


@each_job
def test_a_job_names_its_machine_and_its_longest_time(
    workflow: Workflow, name: str, job: Mapping[str, Any]
) -> None:
    assert job["name"]
    if "uses" not in job:
        assert job["runs-on"] == "ubuntu-24.04", (workflow.name, name)
        assert 0 < job["timeout-minutes"] <= 60


def test_every_action_is_pinned_by_a_commit_and_each_by_one_only() -> None:
    used = {step["uses"] for _, _, step in STEPS if "uses" in step}
    assert used
    assert all(PINNED.fullmatch(one) for one in used)
    assert len(used) == len({one.partition("@")[0] for one in used})


def test_every_reusable_workflow_is_the_repositorys_own_at_the_same_commit() -> None:
    called = [job["uses"] for _, _, job in JOBS if "uses" in job]
    assert called
    for one in called:
        assert one.startswith("$/.github/workflows/")
        assert (ROOT / one.removeprefix("$/")).is_file()


def test_a_checkout_leaves_no_token_behind() -> None:
    checkouts = [step for _, _, step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_values_reach_a_shell_through_its_environment_only() -> None:
    assert not [step["run"] for _, _, step in STEPS if "${{" in step.get("run", "")]


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_no_file_refers_to_a_secret_a_key_or_a_registry_of_packages(path: Path) -> None:
    text = path.read_text().lower()
    for word in ("secrets.", "secrets:", "credentials_json", "pulumi_access_token", "passphrase"):
        assert word not in text
    for word in ("pypi", "index-url", "extra-index", "npmjs", "registries:"):
        assert word not in text


def test_a_job_that_may_comment_runs_nothing_of_the_pull_request() -> None:
    steps = WORKFLOWS["preview"].jobs["comment"]["steps"]
    assert [set(step) for step in steps] == [{"name", "env", "run"}]
    assert ".github/" not in steps[0]["run"]


@pytest.mark.parametrize("name", ["deploy", "drift"])
def test_what_has_begun_to_act_is_never_cancelled_for_what_comes_next(name: str) -> None:
    assert WORKFLOWS[name].document["concurrency"]["cancel-in-progress"] is False


def test_deploys_of_different_stacks_do_not_wait_for_one_another() -> None:
    assert WORKFLOWS["deploy"].document["concurrency"]["group"] == "deploy-${{ github.ref_name }}"


def test_a_deploy_waits_for_every_check() -> None:
    jobs = WORKFLOWS["deploy"].jobs
    assert jobs["check"]["uses"] == "$/.github/workflows/check.yml"
    assert "check" in jobs["deploy"]["needs"]
    assert "always()" not in jobs["deploy"]["if"]


def test_a_deploy_installs_before_it_has_an_identity_and_ends_with_the_smoke() -> None:
    marks = (
        "install.sh", "google-github-actions/auth", "docker login",
        "sbom.sh", "up.sh", "attest.py", "smoke.sh",
    )  # fmt: skip
    steps = [
        str(step.get("uses", "")) + str(step.get("run", ""))
        for step in WORKFLOWS["deploy"].jobs["deploy"]["steps"]
    ]
    places = [next(place for place, step in enumerate(steps) if mark in step) for mark in marks]
    assert places == sorted(places)
    smoke, *after = steps[places[-1] :]
    assert smoke.endswith('smoke.sh "$PROJECT" "$API" 60')
    assert [step.rpartition("/")[2] for step in after] == ['up.sh "$STACK" whole', 'up.sh "$STACK" back']


def test_a_release_on_trial_is_tried_at_its_own_address_then_gets_everything_or_goes_back() -> None:
    steps = WORKFLOWS["deploy"].jobs["deploy"]["steps"]
    up = next(step for step in steps if step.get("id") == "up")
    assert up["env"]["STAGE"] == "${{ needs.target.outputs.tries == 'true' && 'trial' || 'whole' }}"
    smoke, whole, back = steps[-3:]
    addresses = "needs.target.outputs.candidate || needs.target.outputs.api"
    assert smoke["env"]["API"] == f"${{{{ steps.up.outputs.tried == 'true' && {addresses} }}}}"
    # Without a status function a step runs only where all before it went well.
    assert whole["if"] == "steps.up.outputs.tried == 'true'"
    assert back["if"] == (
        "failure() && needs.target.outputs.tries == 'true' && steps.up.conclusion != 'skipped'"
    )


def test_only_an_image_built_here_is_attested_here() -> None:
    steps = WORKFLOWS["deploy"].jobs["deploy"]["steps"]
    attesting = [one for one in steps if re.search(r"(sbom\.sh|attest\.py)", one.get("run", ""))]
    assert [one["if"] for one in attesting] == ["needs.target.outputs.builds == 'true'"] * 2
    assert attesting[-1]["env"]["IMAGE"] == "${{ steps.up.outputs.image }}"


def test_every_change_is_checked_and_its_image_built_but_pushed_nowhere() -> None:
    check = WORKFLOWS["check"]
    assert set(check.on) == {"push", "pull_request", "workflow_call"}
    # Those two are checked by the deploy that their push starts.
    assert check.on["push"] == {"branches-ignore": WORKFLOWS["deploy"].on["push"]["branches"]}
    commands = "\n".join(step.get("run", "") for _, step in check.steps())
    assert "make check" in commands
    assert "docker build --file stacks/Dockerfile " in commands
    assert "push" not in commands
    assert "login" not in commands


def test_a_check_has_what_the_tests_of_engine_and_rules_need() -> None:
    steps = WORKFLOWS["check"].jobs["code"]["steps"]
    told = [str(step.get("uses", "")) + str(step.get("run", "")) for step in steps]
    marks = ("pulumi/actions@", "install.sh stacks/policy/.venv stacks/policy/requirements.txt", "make check")
    places = [next(place for place, one in enumerate(told) if mark in one) for mark in marks]
    assert places == sorted(places)


def test_the_checked_image_must_load_as_cloud_run_runs_it() -> None:
    commands = "\n".join(step.get("run", "") for _, step in WORKFLOWS["check"].steps())
    for option in ("--read-only", "--network none", "--cap-drop ALL", "no-new-privileges"):
        assert option in commands
    assert "import exposure.${service%:*}.app" in commands


def test_every_script_a_step_runs_is_there_and_may_be_run() -> None:
    named = {
        name
        for _, _, step in STEPS
        for name in re.findall(r"\.github/[\w/-]+\.(?:sh|py)", step.get("run", ""))
    }
    scripts = [path for path in FILES if path.parent.name == "delivery" and path.suffix in {".sh", ".py"}]
    # Read by its neighbour, and run by nobody.
    library = {".github/delivery/registry.py"}
    assert named | library == {f".github/delivery/{path.name}" for path in scripts}
    assert all(os.access(ROOT / name, os.X_OK) for name in named if name.endswith(".sh"))


def test_the_engine_is_the_version_of_the_sdk() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (pin,) = (one for one in project["optional-dependencies"]["stacks"] if one.startswith("pulumi=="))
    installed = (ROOT / ".github" / "delivery" / "pulumi-version").read_text().strip()
    assert pin == f"pulumi=={installed}"
    engines = [step for _, _, step in STEPS if step.get("uses", "").startswith("pulumi/actions@")]
    assert all(step["with"] == {"pulumi-version-file": ".github/delivery/pulumi-version"} for step in engines)


def test_a_new_version_of_anything_is_offered_after_a_week() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    assert {one["package-ecosystem"] for one in updates} == {"pip", "github-actions", "docker"}
    assert all(one["cooldown"]["default-days"] >= 7 for one in updates)
    folders = [folder for one in updates for folder in one.get("directories", [one.get("directory")])]
    assert all((ROOT / folder.strip("/")).is_dir() for folder in folders)
