"""A release under Pulumi's real engine: on trial, back, whole; the stack remembers what was before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.pulumi_project import PulumiProject, copy_project
from fakes.pulumi_provider import StandIn, served
from stacks.plan import PROJECT

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[PulumiProject]:
    """A stack without resources, in a folder of its own."""
    if shutil.which("pulumi") is None:
        pytest.skip("the `pulumi` command is not on PATH; without it the plans are only tested under mocks")
    copy_project(tmp_path)
    with served(StandIn()) as port:
        one = PulumiProject(tmp_path, "dev", port)
        assert one.run("stack", "init").returncode == 0
        yield one


def up(project: PulumiProject, release: dict[str, Any] | None) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Bring the stack up in a stage; return what it remembers and the API's traffic."""
    said = f"{PROJECT}:release={json.dumps(release)}"
    made = project.run("up", "--yes", "--skip-preview", "--config", said)
    assert made.returncode == 0, made.stdout + made.stderr
    outputs = json.loads(project.run("stack", "output", "--json").stdout)
    state = json.loads(project.run("stack", "export").stdout)
    (api,) = (
        one
        for one in state["deployment"]["resources"]
        if one["type"] == "gcp:cloudrunv2/service:Service" and one["urn"].endswith("::api")
    )
    return outputs["revisions"], api["inputs"]["traffics"]


def test_a_release_goes_on_trial_and_back_and_whole(project: PulumiProject) -> None:
    first, traffic = up(project, None)
    assert [one["percent"] for one in traffic] == [100]
    # A new version of a secret is a new revision.
    project.settle({"page_token_keys_version": "2"})
    remembered, traffic = up(project, {"stage": "trial", "revisions": first})
    assert remembered == first
    assert [(one.get("revision"), one["percent"]) for one in traffic] == [(first["api"], 90), (None, 10)]
    remembered, traffic = up(project, {"stage": "back", "revisions": remembered})
    assert remembered == first
    assert [(one.get("revision"), one["percent"]) for one in traffic] == [(first["api"], 100)]
    second, traffic = up(project, None)
    assert [(one.get("revision"), one["percent"]) for one in traffic] == [(None, 100)]
    assert second["api"] != first["api"]
    assert second["ingest"] == first["ingest"]
