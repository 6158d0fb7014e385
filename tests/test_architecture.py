"""The house rules that a machine can check; imports are checked by import-linter in `make check`."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
LONGEST_FILE = 300
LONGEST_FUNCTION = 40
BANNED_NAMES = {
    "utils",
    "util",
    "common",
    "core",
    "lib",
    "helpers",
    "helper",
    "base",
    "manager",
    "handler",
    "misc",
}
# Built so that this file does not name them itself.
REGISTRIES = re.compile(
    "|".join(("py" + "pi\\.org", "python" + "hosted", "npm" + "js\\.", "deb\\." + "debian"))
)
FOREIGN_PATH = re.compile(r"(?<![\w./:-])/(?:ho" + "me|us" + "ers|wo" + r"rk|ro" + r"ot)/\w", re.IGNORECASE)


def committed_files() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_and_stays_small(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "the module does not say what it is in the house"
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, f"{node.name} is too long"


def test_no_room_is_called_by_a_name_that_says_nothing() -> None:
    names = {part.removesuffix(".py") for path in SOURCES for part in path.relative_to(ROOT / "src").parts}
    assert not names & BANNED_NAMES


def test_packages_export_nothing_by_their_init() -> None:
    for path in SOURCES:
        if path.name == "__init__.py":
            tree = ast.parse(path.read_text())
            assert all(isinstance(node, ast.Expr) for node in tree.body), path


def test_no_committed_file_names_a_registry_or_a_path_of_one_machine() -> None:
    for path in committed_files():
        text = path.read_text(errors="replace")
        assert not REGISTRIES.search(text), path
        assert not FOREIGN_PATH.search(text), path


def test_locks_pin_every_package_with_hashes() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        requirements = [line for line in lock.read_text().splitlines() if line and not line.startswith(" ")]
        assert requirements, lock
        assert all("==" in line and line.endswith("\\") for line in requirements), lock
