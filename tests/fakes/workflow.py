"""GitHub's workflows as data, and the little of GitHub's expressions they use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
_CHOICE = re.compile(r"\$\{\{ github\.(\w+) == '(\w+)' && '(\w+)' \|\| '(\w+)' \}\}")


@dataclass(frozen=True)
class Workflow:
    """One file of `.github/workflows`; `on` and `jobs` as GitHub reads them."""

    name: str
    on: Mapping[str, Any]
    jobs: Mapping[str, Mapping[str, Any]]
    document: Mapping[Any, Any]

    def steps(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield each step with the name of its job."""
        for name, job in self.jobs.items():
            for step in job.get("steps", []):
                yield name, step


def read_workflows() -> dict[str, Workflow]:
    """Return every workflow by its name."""
    return {path.stem: _read(path) for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}


def _read(path: Path) -> Workflow:
    document = yaml.safe_load(path.read_text())
    # YAML 1.1 reads the bare word `on` as true.
    return Workflow(path.stem, document[True], document["jobs"], document)


def chosen(expression: str, **github: str) -> str:
    """Return what `${{ github.x == 'a' && 'b' || 'c' }}` is for an event."""
    match = _CHOICE.fullmatch(expression)
    assert match, expression
    name, value, then, otherwise = match.groups()
    return then if github[name] == value else otherwise
