from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from exposure.__main__ import app
from exposure.contracts import orders
from exposure.contracts.export.odcs import Deployment, contract_document

DEPLOYMENT = Deployment("prod", "some-project", "https://api.example.com")


@pytest.fixture
def document() -> dict[str, Any]:
    """The orders' contract as it was exported."""
    made: dict[str, Any] = json.loads(json.dumps(contract_document(orders.CONTRACT, DEPLOYMENT)))
    return made


def saved(document: dict[str, Any], folder: Path) -> str:
    file = folder / "orders.json"
    file.write_text(json.dumps(document))
    return str(file)


def without(document: dict[str, Any], column: str) -> dict[str, Any]:
    table = document["schema"][0]
    table["properties"] = [one for one in table["properties"] if one["name"] != column]
    return document


def test_a_contract_that_has_not_changed_may_be_released(
    cli: CliRunner, document: dict[str, Any], tmp_path: Path
) -> None:
    ended = cli.invoke(app, ["contract", "diff", saved(document, tmp_path), "orders"])
    assert (ended.exit_code, ended.stdout) == (0, "no difference\n")


def test_a_compatible_change_without_a_version_is_refused_and_named(
    cli: CliRunner, document: dict[str, Any], tmp_path: Path
) -> None:
    old = saved(without(document, "tags"), tmp_path)
    ended = cli.invoke(app, ["contract", "diff", old, "orders", "--json"])
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["changes"] == [
        {"impact": "compatible", "path": "columns.tags"}
        | {"what": "was added, array of string, and may be absent"}
    ]  # fmt: skip
    assert "a change needs a version later than 2.0.0" in ended.stderr


def test_a_breaking_change_is_refused_until_the_version_says_so(
    cli: CliRunner, document: dict[str, Any], tmp_path: Path
) -> None:
    new = saved(without(document, "weight_kg"), tmp_path)
    ended = cli.invoke(app, ["contract", "diff", "orders", new])
    assert ended.exit_code == 1
    assert "columns.weight_kg" in ended.stdout
    assert "a breaking change needs version 3.0.0" in ended.stderr
    ended = cli.invoke(app, ["contract", "diff", "orders", saved(document | {"version": "3.0.0"}, tmp_path)])
    assert ended.exit_code == 0
    assert "breaking, and version 3.0.0 after 2.0.0 says so" in ended.stderr


def test_the_old_declaration_may_come_from_standard_input(cli: CliRunner, document: dict[str, Any]) -> None:
    ended = cli.invoke(app, ["contract", "diff", "-", "orders"], input=json.dumps(document))
    assert (ended.exit_code, ended.stdout) == (0, "no difference\n")


@pytest.mark.parametrize(("text", "complaint"), [
    ("{", "is no JSON"), ("{}", "no contract as `exposure contract export"), ("[" * 100_000, "is no JSON"),
])  # fmt: skip
def test_what_cannot_be_read_ends_with_misuse(
    cli: CliRunner, tmp_path: Path, text: str, complaint: str
) -> None:
    file = tmp_path / "broken.json"
    file.write_text(text)
    ended = cli.invoke(app, ["contract", "diff", str(file), "orders"])
    assert ended.exit_code == 2
    assert complaint in ended.stderr


def test_a_missing_file_and_an_unknown_name_end_with_misuse(cli: CliRunner) -> None:
    ended = cli.invoke(app, ["contract", "diff", "nowhere.json", "orders"])
    assert (ended.exit_code, "cannot read nowhere.json" in ended.stderr) == (2, True)
    ended = cli.invoke(app, ["contract", "diff", "order", "orders"])
    assert (ended.exit_code, "did you mean 'orders'?" in ended.stderr) == (2, True)
