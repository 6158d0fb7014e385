"""The scripts the workflows run, against commands that remember what they were told, and a real platform."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from exposure.contracts.catalog import CATALOG
from fakes.running_platform import running_platform
from fakes.workflow import ROOT

SCRIPTS = ROOT / ".github" / "delivery"
STACK = "organization/data-exposure-platform/dev"
# It says what the test wants said, and remembers its arguments and where the program's modules are.
COMMAND = """#!/bin/sh
printf '%s\\n' "$*" >> "$TOLD"
echo "$PYTHONPATH" > "$TOLD.path"
case "$*" in
  *"stack output image"*) echo registry/exposure@sha256:0 ;;
  *"stack output --json"*) echo "$OUTPUTS" ;;
  *"issue list"*) cat "$SAID" ;;
  *preview*) cat "$SAID"; exit "${FAILS:-0}" ;;
esac
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which `pulumi` and `gh` are such commands."""
    for name in ("pulumi", "gh"):
        command = tmp_path / name
        command.write_text(COMMAND)
        command.chmod(0o755)
    (tmp_path / "said").touch()
    return {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "TOLD": str(tmp_path / "told"),
        "SAID": str(tmp_path / "said"),
        "OUTPUTS": "{}",
        "PULUMI_BACKEND_URL": "gs://some-pulumi-state",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }


def run(script: str, *arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPTS / script, *arguments], capture_output=True, text=True, check=False, timeout=90, env=env
    )


def told(environment: Mapping[str, str]) -> list[str]:
    return Path(environment["TOLD"]).read_text().splitlines()


def report_of(environment: Mapping[str, str]) -> str:
    """Return the output `report` as GitHub reads it: what stands between the mark and its repetition."""
    first, *lines = Path(environment["GITHUB_OUTPUT"]).read_text().splitlines()
    name, _, mark = first.partition("<<")
    assert name == "report"
    assert lines[-1] == mark
    assert lines.count(mark) == 1
    return "\n".join(lines[:-1])


def test_a_preview_keeps_to_the_rules_and_keeps_its_report(environment: dict[str, str]) -> None:
    Path(environment["SAID"]).write_text("+ 1 to create\n")
    finished = run("preview.sh", "dev", "false", env=environment)
    assert finished.returncode == 0, finished.stderr
    login, preview = told(environment)
    assert login == "login gs://some-pulumi-state"
    assert preview.startswith(f"preview --stack {STACK} --policy-pack stacks/policy ")
    assert "--refresh" not in preview
    assert report_of(environment).strip() == "+ 1 to create"
    assert "+ 1 to create" in finished.stdout


def test_the_program_finds_its_modules_from_any_folder(environment: dict[str, str]) -> None:
    run("preview.sh", "dev", "false", env=environment)
    assert Path(f"{environment['TOLD']}.path").read_text().strip() == str(ROOT / "src")


def test_a_preview_that_expects_nothing_looks_at_what_is_really_there(environment: dict[str, str]) -> None:
    run("preview.sh", "dev", "true", env=environment)
    assert {"--refresh", "--expect-no-changes"} <= set(told(environment)[1].split())


def test_a_failed_preview_fails_and_its_report_is_kept(environment: dict[str, str]) -> None:
    Path(environment["SAID"]).write_text("a rule is broken\n")
    assert run("preview.sh", "dev", "false", env={**environment, "FAILS": "255"}).returncode == 255
    assert report_of(environment).strip() == "a rule is broken"


def test_a_report_is_cut_between_characters_and_cannot_end_itself(environment: dict[str, str]) -> None:
    forged = "EOF\nconfigured=true\n"
    Path(environment["SAID"]).write_text(forged + "€" * 30_000)
    assert run("preview.sh", "dev", "false", env=environment).returncode == 0
    report = report_of(environment)
    assert report.startswith(forged)
    assert len(report.encode()) <= 40_000
    assert set(report.removeprefix(forged).strip()) == {"€"}


RELEASE = "--config data-exposure-platform:release="
BEFORE = '{"revisions": {"api": "api-00001-abc"}, "image": "another"}'


def test_an_up_keeps_to_the_rules_and_says_which_image_to_promote(environment: dict[str, str]) -> None:
    finished = run("up.sh", "dev", "whole", env={**environment, "OUTPUTS": BEFORE})
    assert finished.returncode == 0, finished.stderr
    login, _, up, _ = told(environment)
    assert login == "login gs://some-pulumi-state"
    assert up.startswith(f"up --stack {STACK} {RELEASE}null --policy-pack stacks/policy --yes ")
    summary = Path(environment["GITHUB_STEP_SUMMARY"]).read_text()
    assert "dev runs `registry/exposure@sha256:0`" in summary
    assert "Pulumi.prod.yaml" in summary
    outputs = Path(environment["GITHUB_OUTPUT"]).read_text().splitlines()
    assert outputs == ["image=registry/exposure@sha256:0", "tried=false"]


@pytest.mark.parametrize("stage", ["trial", "back"])
def test_a_stage_of_a_release_names_the_revisions_that_answered_before(
    environment: dict[str, str], stage: str
) -> None:
    finished = run("up.sh", "dev", stage, env={**environment, "OUTPUTS": BEFORE})
    assert finished.returncode == 0, finished.stderr
    up = told(environment)[2]
    said = up.partition(RELEASE)[2].partition(" --policy-pack")[0]
    assert json.loads(said) == {"stage": stage, "revisions": {"api": "api-00001-abc"}}
    tried = "tried=true" if stage == "trial" else "tried=false"
    assert tried in Path(environment["GITHUB_OUTPUT"]).read_text().splitlines()


def test_a_first_release_is_not_on_trial(environment: dict[str, str]) -> None:
    assert run("up.sh", "dev", "trial", env=environment).returncode == 0
    assert "tried=false" in Path(environment["GITHUB_OUTPUT"]).read_text()


OPEN, NONE = "7\n", ""


@pytest.mark.parametrize(
    ("result", "listed", "does"),
    [
        ("success", NONE, []),
        ("success", OPEN, ["issue close 7"]),
        ("failure", NONE, ["issue create"]),
        ("failure", OPEN, ["issue comment 7"]),
    ],
)
def test_there_is_one_issue_while_there_is_drift_and_none_otherwise(
    environment: dict[str, str], result: str, listed: str, does: list[str]
) -> None:
    Path(environment["SAID"]).write_text(listed)
    finished = run("drift-issue.sh", result, "https://runs.example/1", env=environment)
    assert finished.returncode == 0, finished.stderr
    commands = [line for line in told(environment) if line.startswith("issue ")]
    assert len(commands) == 1 + len(does)
    for command, start in zip(commands[1:], does, strict=True):
        assert command.startswith(start)
        assert "https://runs.example/1" in "\n".join(told(environment))


@pytest.mark.parametrize(
    "script", ["install.sh", "preview.sh", "up.sh", "smoke.sh", "sbom.sh", "drift-issue.sh"]
)
def test_a_script_without_its_arguments_says_what_it_wants(environment: dict[str, str], script: str) -> None:
    finished = run(script, env=environment)
    assert finished.returncode == 2
    assert "usage:" in finished.stderr
    assert not Path(environment["TOLD"]).exists()


@pytest.fixture
def publisher() -> dict[str, str]:
    """Return an environment that reaches loopback and no proxy."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "PYTHON": sys.executable}


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Return where a platform's API and Pub/Sub are."""
    with running_platform(tmp_path_factory.mktemp("platform")) as running:
        yield running.api, running.pubsub


def test_the_smoke_ends_well_when_a_row_of_every_contract_is_served(
    publisher: dict[str, str], addresses: tuple[str, str]
) -> None:
    api, pubsub = addresses
    finished = run("smoke.sh", "local", api, "30", env={**publisher, "PUBSUB_EMULATOR_HOST": pubsub})
    assert finished.returncode == 0, finished.stderr
    served = [line.split(": ")[0] for line in finished.stdout.splitlines() if " visible " in line]
    assert served == [contract.name for contract in CATALOG]


def test_the_smoke_fails_when_its_rows_are_not_served_in_time(
    publisher: dict[str, str], addresses: tuple[str, str]
) -> None:
    _, pubsub = addresses
    env = {**publisher, "PUBSUB_EMULATOR_HOST": pubsub}
    # Nothing listens on a port of that number.
    finished = run("smoke.sh", "local", "http://127.0.0.1:1", "1", env=env)
    assert finished.returncode == 1
    assert finished.stdout.count(" unanswered ") == len(CATALOG.contracts)


def test_the_smoke_fails_when_nothing_takes_its_messages(publisher: dict[str, str]) -> None:
    env = {**publisher, "PUBSUB_EMULATOR_HOST": "127.0.0.1:1"}
    finished = run("smoke.sh", "local", "http://127.0.0.1:1", "30", env=env)
    assert finished.returncode == 1
    assert finished.stdout.count(" unpublished ") == len(CATALOG.contracts)
