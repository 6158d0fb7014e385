"""What the READMEs tell a newcomer to type works as written, and what needs a cloud names things that exist.

Whatever stands before the section on deploying runs here, block by block in the paper's order; from there on
an account of Google's is needed, so commands are only looked at.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from fakes.local_platform import LocalPlatform
from fakes.newcomer import Newcomer
from fakes.paper import Block, blocks

ROOT = Path(__file__).parent.parent
ENGLISH, SPANISH = ROOT / "README.md", ROOT / "README.es.md"
# The heading from which on an account is needed.
CLOUD = {ENGLISH: "Deploy", SPANISH: "Desplegar"}
# They show a form; other tests declare what they show.
SHAPES = ("CONTRACT = Contract(", "access = ")
# Commands with commands of their own.
GROUPS = {"contract", "keys", "quarantine"}
WAIT_SECONDS = 30


def parts(paper: Path) -> tuple[list[Block], list[Block]]:
    """Return what is typed on a laptop, and what is typed with an account."""
    typed = [block for block in blocks(paper) if block.language in {"sh", "python"}]
    first = next(place for place, block in enumerate(typed) if block.section == CLOUD[paper])
    return typed[:first], typed[first:]


def laptop(paper: Path) -> list[Block]:
    """Return the blocks that run on a laptop, without those that only show a form."""
    return [block for block in parts(paper)[0] if not any(shape in block.text for shape in SHAPES)]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[LocalPlatform]:
    with LocalPlatform(tmp_path / ".exposure") as running:
        yield running


def wait_for(url: str) -> None:
    """Wait until a row that was published is served."""
    end = time.monotonic() + WAIT_SECONDS
    while httpx2.get(url).status_code != 200:
        assert time.monotonic() < end, f"{url} is not served"
        time.sleep(0.1)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("paper", [ENGLISH, SPANISH], ids=lambda paper: paper.name)
def test_a_newcomer_can_type_it_all_in_order(paper: Path, tmp_path: Path, platform: LocalPlatform) -> None:
    newcomer = Newcomer(tmp_path, platform)
    typed = laptop(paper)
    assert {block.language for block in typed} == {"sh", "python"}
    for block in typed:
        newcomer.types(block)
        if "mine-2" in block.text and "publish" in block.text:
            wait_for(f"{platform.api}/v1/analytics_table/mine-2")
    assert (tmp_path / "once" / "warehouse.duckdb").exists()


def test_a_command_that_fails_would_be_seen(tmp_path: Path, platform: LocalPlatform) -> None:
    newcomer = Newcomer(tmp_path, platform)
    for wrong in (
        "curl http://127.0.0.1:8080/v1/nothing\ntrue\n",
        "exposure publish nothing < /dev/null\ntrue\n",
    ):
        with pytest.raises(AssertionError):
            newcomer.types(Block("", "sh", wrong))


def test_the_form_of_access_shown_is_one_the_model_takes() -> None:
    (shown,) = (block.text for block in parts(ENGLISH)[0] if block.text.startswith("access = "))
    program = "from exposure.contracts.access import PUBLIC, Access, Bound, Grant\n" + shown
    names: dict[str, object] = {}
    exec(compile(program, "README.md", "exec"), names)  # noqa: S102 - our own text
    assert type(names["access"]).__name__ == "Access"


each_paper = pytest.mark.parametrize("paper", [ENGLISH, SPANISH], ids=lambda paper: paper.name)


@each_paper
def test_every_block_of_commands_is_a_program_of_the_shell(paper: Path) -> None:
    for block in blocks(paper):
        if block.language == "sh":
            finished = subprocess.run(
                ["bash", "-n", "-c", block.text], capture_output=True, text=True, check=False
            )
            assert finished.returncode == 0, finished.stderr


@each_paper
def test_every_target_named_is_in_the_makefile(paper: Path) -> None:
    named = set(re.findall(r"(?:^|[`( ])make ([a-z][a-z-]*)", "\n".join(code(paper)), re.MULTILINE))
    assert named
    makefile = (ROOT / "Makefile").read_text()
    assert [target for target in named if f"\n{target}:" not in makefile] == []


@each_paper
def test_every_path_of_the_repository_named_exists(paper: Path) -> None:
    named = set(re.findall(r"(?<![\w/.-])((?:stacks|src|tests|\.github)/[\w./-]*\w)", "\n".join(code(paper))))
    named |= set(re.findall(r"\]\((?!http|#)([^)#]+)", paper.read_text()))
    named |= set(re.findall(r"Pulumi\.\w+\.yaml", paper.read_text()))
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


@each_paper
def test_every_option_of_exposure_named_is_one_it_has(paper: Path) -> None:
    named = set(re.findall(r"exposure ([a-z]+(?: [a-z]+)?)([^|`\n]*)", "\n".join(code(paper))))
    helps: dict[tuple[str, ...], str] = {}
    for words, rest in named:
        command = tuple(words.split())
        command = command if command[0] in GROUPS else command[:1]
        options = re.findall(r"(--[a-z-]+)", rest)
        if options:
            text = helps.setdefault(command, help_of(command))
            assert [one for one in options if one not in text] == [], command


def help_of(command: tuple[str, ...]) -> str:
    """Return what a command says of its options."""
    program = "from exposure.__main__ import app; app()"
    return subprocess.run(
        [sys.executable, "-c", program, *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200", "PYTHONPATH": str(ROOT / "src")},
    ).stdout


def code(paper: Path) -> list[str]:
    """Return what the paper sets as code, in lines and in blocks."""
    text = paper.read_text()
    return [block.text for block in blocks(paper) if block.language == "sh"] + re.findall(
        r"`([^`\n]+)`", text
    )
