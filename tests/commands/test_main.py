from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from exposure.__main__ import app

COMMANDS = [
    ["contract", "list"],
    ["contract", "show"],
    ["contract", "export"],
    ["sample"],
    ["publish"],
    ["query"],
    ["local"],
]
HEAVY = ("google", "grpc", "duckdb", "pyarrow", "fastapi", "httpx2")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_has_an_example(cli: CliRunner, command: list[str]) -> None:
    shown = cli.invoke(app, [*command, "--help"])
    assert shown.exit_code == 0
    example = next(
        line for line in shown.stdout.splitlines() if line.strip().startswith("Example: exposure ")
    )
    assert f"exposure {' '.join(command)}" in example


def test_help_lists_every_command(cli: CliRunner) -> None:
    shown = cli.invoke(app, ["--help"]).stdout
    assert all(command[0] in shown for command in COMMANDS)


def test_starting_the_command_line_imports_no_heavy_library() -> None:
    program = "import sys, exposure.__main__; print(*(name.split('.')[0] for name in sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert not {*HEAVY, "rich"} & set(loaded.split())


def test_no_colour_is_written_under_no_color(cli: CliRunner) -> None:
    for command in (["--help"], ["contract", "list"], ["contract", "show", "orders"]):
        assert "\x1b" not in cli.invoke(app, command).output
