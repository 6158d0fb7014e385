"""Whole lives of stacks under Pulumi's real engine, against a stand-in for Google and Docker."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from exposure.contracts.catalog import CATALOG
from fakes.plan_environments import settings_for
from fakes.pulumi_project import PACK, PACK_ENVIRONMENT, PulumiProject, copy_project
from fakes.pulumi_provider import StandIn, id_of, kind_of, served
from stacks.config import Settings
from stacks.plan import Recorded
from stacks.service import service_uri

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

UP = ("up", "--yes", "--skip-preview")
DESTROY = ("destroy", "--yes")
UNTOUCHED = ("--expect-no-changes",)
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
SLO = "gcp:monitoring/slo:Slo"
PLANTED = ("roles/editor", "roles/bigquery.admin")
# To mint the push's tokens, to call the service with them, and to publish what it refuses.
LEAST_GRANTS = 3


@dataclass
class Life:
    """One stack from its preview to its end: how each step ended, what it did, and what was left."""

    stack: str
    settings: Settings
    ended: dict[str, CompletedProcess[str]] = field(default_factory=dict)
    done: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    configured: list[dict[str, Any]] = field(default_factory=list)

    def step(self, name: str, project: PulumiProject, stand_in: StandIn, *command: str) -> None:
        before = len(stand_in.done)
        self.ended[name] = project.run(*command)
        self.done[name] = stand_in.done[before:]
        self.left[name] = len(stand_in.kept)

    def output(self, name: str) -> Any:
        return json.loads(self.ended[name].stdout)

    def succeeded(self, name: str) -> bool:
        ended = self.ended[name]
        assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
        return True


def engine_folder(folder: Path) -> Path:
    """Return the folder with the project in it."""
    if shutil.which("pulumi") is None:
        pytest.skip("the `pulumi` command is not on PATH; without it the plans are only tested under mocks")
    copy_project(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine_folder(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module", params=["dev", "prod", "full"])
def life(request: pytest.FixtureRequest, folder: Path) -> Life:
    stack: str = request.param
    lived, stand_in = Life(stack, settings_for(stack)), StandIn()
    with served(stand_in) as port:
        project = PulumiProject(folder, stack, port)
        _live(lived, project, stand_in)
    lived.configured = stand_in.configured
    return lived


def _live(lived: Life, project: PulumiProject, stand_in: StandIn) -> None:
    def step(name: str, *command: str) -> None:
        lived.step(name, project, stand_in, *command)

    step("init", "stack", "init")
    step("preview", "preview", "--json")
    step("up", *UP)
    step("outputs", "stack", "output", "--json")
    step("repeated", *UP, *UNTOUCHED)
    project.settle({"page_token_keys_version": "2"})
    step("edited", *UP, *UNTOUCHED)
    if lived.settings.protected:
        step("refused", *DESTROY)
        project.settle({"protected": False})
        step("released", *UP)
    step("destroy", *DESTROY)


def ids(done: list[tuple[str, str]]) -> list[str]:
    return [resource_id for _, resource_id in done]


def test_the_engine_previews_exactly_what_the_plan_lists(life: Life, request: pytest.FixtureRequest) -> None:
    plan: list[Recorded] = request.getfixturevalue(f"{life.stack}_plan")
    listed = Counter((one.type, one.name) for one in plan if not one.type.startswith("pulumi:"))
    assert life.succeeded("preview")
    steps = [step for step in life.output("preview")["steps"] if "::pulumi:" not in step["urn"]]
    previewed = Counter((kind_of(step["urn"]), step["urn"].split("::")[-1]) for step in steps)
    assert {step["op"] for step in steps} == {"create"}
    assert previewed == listed
    assert life.done["preview"] == []


def test_up_makes_everything_previewed_and_exports_where_it_answers(life: Life) -> None:
    assert life.succeeded("up")
    made = life.done["up"]
    assert {verb for verb, _ in made} == {"create"}
    assert len(made) == len(set(made)) == life.left["up"]
    outputs = life.output("outputs")
    assert outputs["api_uri"] == service_uri("api", life.settings)
    assert "@sha256:" in outputs["image"]


def test_google_is_asked_as_the_stacks_own_project_and_region(life: Life) -> None:
    asked = [one for one in life.configured if "project" in one]
    assert {(one["project"], one["region"]) for one in asked} == {
        (life.settings.project, life.settings.region)
    }
    assert all(json.loads(one["defaultLabels"]) == life.settings.labels for one in asked)


def test_a_push_begins_after_the_grants_it_needs_and_ends_before_them(
    life: Life, request: pytest.FixtureRequest
) -> None:
    plan: list[Recorded] = request.getfixturevalue(f"{life.stack}_plan")
    named = {one.urn: one for one in plan}
    made, unmade = ids(life.done["up"]), ids(life.done["destroy"])
    for contract in CATALOG:
        push = next(one for one in plan if (one.type, one.name) == (SUBSCRIPTION, contract.subscription))
        first = [named[urn] for urn in push.depends_on]
        needed = [id_of(one.type, one.name) for one in first if one.type.lower().endswith("iammember")]
        assert len(needed) >= LEAST_GRANTS
        pushing = id_of(push.type, push.name)
        for grant in needed:
            assert made.index(grant) < made.index(pushing)
            assert unmade.index(grant) > unmade.index(pushing)


def test_the_same_program_again_changes_nothing(life: Life) -> None:
    assert life.succeeded("repeated")
    assert life.done["repeated"] == []


def test_a_changed_setting_touches_only_what_it_concerns_and_is_noticed(life: Life) -> None:
    assert life.done["edited"] == [("update", "gcp:cloudrunv2/service:Service/api")]
    assert life.ended["edited"].returncode != 0, "the engine was told to expect no change"


@pytest.mark.parametrize("life", ["prod", "full"], indirect=True)
def test_what_is_protected_outlives_a_destroy_until_its_setting_is_changed(life: Life) -> None:
    assert life.ended["refused"].returncode != 0
    assert "cannot be deleted" in life.ended["refused"].stdout + life.ended["refused"].stderr
    assert life.done["refused"] == []
    assert life.succeeded("released")
    assert {verb for verb, _ in life.done["released"]} == {"update"}


def test_destroy_leaves_nothing(life: Life) -> None:
    assert life.succeeded("destroy")
    assert life.left["destroy"] == 0
    assert len(life.done["destroy"]) == life.left["up"]


def test_an_up_that_google_refused_in_part_is_completed_by_the_next(tmp_path: Path) -> None:
    engine_folder(tmp_path)
    objectives = {id_of(SLO, f"{contract.name}-freshness") for contract in CATALOG}
    stand_in = StandIn(refused_once=set(objectives))
    lived = Life("dev", settings_for("dev"))
    with served(stand_in) as port:
        project = PulumiProject(tmp_path, "dev", port)
        for name, command in (("init", ("stack", "init")), ("refused", UP), ("completed", UP)):
            lived.step(name, project, stand_in, *command)
        lived.step("repeated", project, stand_in, *UP, *UNTOUCHED)
    assert lived.ended["refused"].returncode != 0
    assert "is not known yet" in lived.ended["refused"].stdout + lived.ended["refused"].stderr
    assert lived.succeeded("completed")
    assert objectives <= set(ids(lived.done["completed"]))
    assert {verb for verb, _ in lived.done["completed"]} == {"create"}
    assert lived.succeeded("repeated")


@pytest.fixture(params=["dev", "prod", "full"])
def policed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PulumiProject]:
    """A stack to be judged by the real pack, served by its own library."""
    if not PACK_ENVIRONMENT.is_dir():
        pytest.skip(f"{PACK} has no environment to run in: .github/delivery/install.sh makes one of its lock")
    engine_folder(tmp_path)
    settings = settings_for(request.param)
    with served(StandIn(settings.project, settings.project_number)) as port:
        project = PulumiProject(tmp_path, request.param, port)
        assert project.run("stack", "init").returncode == 0
        yield project


def test_the_pack_judges_a_preview_in_full_and_lets_the_stack_be_made(policed: PulumiProject) -> None:
    previewed = policed.run("preview", "--policy-pack", PACK)
    assert previewed.returncode == 0, previewed.stdout
    assert "data-exposure@" in previewed.stdout
    assert "can't run policy" not in previewed.stdout
    made = policed.run(*UP, "--policy-pack", PACK)
    assert made.returncode == 0, made.stdout
    assert "[mandatory]" not in made.stdout


@pytest.mark.parametrize("policed", ["dev"], indirect=True)
def test_the_pack_ends_a_preview_whose_grants_are_broad_though_their_members_are_not_made_yet(
    policed: PulumiProject,
) -> None:
    policed.plant("from pulumi_gcp import Provider, projects, serviceaccount")
    policed.plant("opts = pulumi.ResourceOptions(provider=Provider('other'))")
    policed.plant("account = serviceaccount.Account('other', account_id='exposure-other', opts=opts)")
    for role in PLANTED:
        told = f"'{role}', project='x', role='{role}', member=account.member, opts=opts"
        policed.plant(f"projects.IAMMember({told})")
    previewed = policed.run("preview", "--policy-pack", PACK)
    assert previewed.returncode != 0
    for role in PLANTED:
        assert f"grants {role}" in previewed.stdout
