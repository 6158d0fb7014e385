"""Both stacks' whole lives under Pulumi's real engine, against a stand-in for Google and Docker."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from exposure.contracts.catalog import CATALOG
from fakes.pulumi_project import PulumiProject, copy_project
from fakes.pulumi_provider import StandIn, id_of, kind_of, served
from stacks.config import Settings
from stacks.plan import Recorded, settings_of
from stacks.service import service_uri

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

UP = ("up", "--yes", "--skip-preview")
DESTROY = ("destroy", "--yes")
UNTOUCHED = ("--expect-no-changes",)
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("pulumi") is None:
        pytest.skip("the `pulumi` command is not on PATH; without it the plans are only tested under mocks")
    made = tmp_path_factory.mktemp("project")
    copy_project(made)
    return made


@pytest.fixture(scope="module", params=["dev", "prod"])
def life(request: pytest.FixtureRequest, folder: Path) -> Life:
    stack: str = request.param
    lived, stand_in = Life(stack, settings_of(stack)), StandIn()
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
    project.edit('page_token_keys_version: "1"', 'page_token_keys_version: "2"')
    step("edited", *UP, *UNTOUCHED)
    if lived.settings.protected:
        step("refused", *DESTROY)
        project.edit("protected: true", "protected: false")
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


@pytest.mark.parametrize("life", ["prod"], indirect=True)
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
