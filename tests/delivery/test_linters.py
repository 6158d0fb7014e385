"""The auditors of the workflows and of the image find nothing, and would find what they are there for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
# The console scripts of the environment that runs the tests, not what PATH may hold.
SCRIPTS = Path(sys.executable).parent
UNPINNED = ("@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7")
INJECTED = ('up.sh "$STACK" "$STAGE"', 'up.sh "${{ github.head_ref }}" "$STAGE"')
UNKNOWN = ("github.ref_name == 'master'", "github.branch == 'master'")
CYCLE = ("needs: [check, target]", "needs: [check, target, deploy]")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPTS / command[0], *command[1:]],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
    )


def audit(folder: Path) -> subprocess.CompletedProcess[str]:
    return run("zizmor", "--offline", "--no-progress", "--no-config", "--persona", "auditor", folder)


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    # What it calls where it is installed would make the outcome differ between machines.
    return run("actionlint", "-shellcheck=", "-pyflakes=", *sorted((folder / "workflows").glob("*.yml")))


def planted(folder: Path, fault: tuple[str, str]) -> Path:
    """Return a copy of `.github` with one fault in its deploy workflow."""
    copy = shutil.copytree(ROOT / ".github", folder / ".github")
    workflow = copy / "workflows" / "deploy.yml"
    right, wrong = fault
    text = workflow.read_text()
    assert right in text
    workflow.write_text(text.replace(right, wrong))
    return copy


def test_zizmor_finds_nothing_with_its_strictest_eyes() -> None:
    found = audit(ROOT / ".github")
    assert found.returncode == 0, found.stdout
    assert "No findings" in found.stdout


def test_actionlint_finds_nothing() -> None:
    found = lint(ROOT / ".github")
    assert found.returncode == 0, found.stdout + found.stderr


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    found = run("hadolint", ROOT / "stacks" / "Dockerfile")
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    "fault", [UNPINNED, INJECTED], ids=["a tag for a commit", "an expression in a shell"]
)
def test_zizmor_would_find(tmp_path: Path, fault: tuple[str, str]) -> None:
    assert audit(planted(tmp_path, fault)).returncode not in (0, 1)


@pytest.mark.parametrize(
    "fault", [UNKNOWN, CYCLE], ids=["a name GitHub does not know", "a job awaiting itself"]
)
def test_actionlint_would_find(tmp_path: Path, fault: tuple[str, str]) -> None:
    assert lint(planted(tmp_path, fault)).returncode == 1


def test_hadolint_would_find_an_image_without_a_tag(tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    text = (ROOT / "stacks" / "Dockerfile").read_text()
    dockerfile.write_text(text.replace("FROM python:3.12-slim\n", "FROM python\n"))
    assert "DL3006" in run("hadolint", dockerfile).stdout
