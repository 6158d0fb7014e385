from __future__ import annotations

import asyncio
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from exposure.__main__ import app
from exposure.api.access.key_file import KeyFile
from exposure.api.access.keys import StoredKeys, read_keys, write_keys
from fakes.running_platform import running_platform


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "keys.json"


def run(cli: CliRunner, file: Path, *words: str) -> Any:
    return cli.invoke(app, ["keys", *words, "--file", str(file)])


def created(cli: CliRunner, file: Path, *words: str) -> str:
    """Return the text of a new key."""
    done = run(cli, file, "create", *words)
    assert done.exit_code == 0, done.stderr
    text: str = done.stdout.strip()
    return text


def flat(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def test_a_created_key_is_one_the_api_knows(cli: CliRunner, file: Path) -> None:
    options = ["--scope", "sales", "--scope", "stock", "--claim", "customer=4711", "--claim", "customer=a=b"]
    text = created(cli, file, "shop", *options)
    caller = asyncio.run(KeyFile(file).known(text)).caller
    assert caller.subject == "key:shop"
    assert caller.scopes == {"sales", "stock"}
    assert caller.claim("customer") == ("4711", "a=b")


def test_a_key_is_shown_once_on_standard_output_and_is_in_no_file(cli: CliRunner, file: Path) -> None:
    done = run(cli, file, "create", "shop")
    [text] = done.stdout.splitlines()
    assert text.startswith("dxp_")
    assert text not in done.stderr
    assert "not shown again" in done.stderr
    # A secret may hold underscores of its own.
    _, _, secret = text.split("_", 2)
    assert secret not in file.read_text()
    assert text not in run(cli, file, "list").output


def test_the_file_is_its_owners_alone_and_nothing_lies_beside_it(cli: CliRunner, file: Path) -> None:
    for name in ("one", "two"):
        created(cli, file, name)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_a_key_is_valid_for_as_many_days_as_it_is_told(cli: CliRunner, file: Path) -> None:
    created(cli, file, "shop", "--days", "30")
    [key] = read_keys(file.read_bytes()).keys
    assert key.expires - key.created == timedelta(days=30)
    assert abs(datetime.now(UTC) - key.created) < timedelta(minutes=1)


def test_two_keys_of_a_name_are_valid_at_a_time_and_a_third_names_what_to_do(
    cli: CliRunner, file: Path
) -> None:
    created(cli, file, "shop")
    created(cli, file, "shop")
    refused = run(cli, file, "create", "shop")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "exposure keys revoke" in refused.stderr
    [first, _] = read_keys(file.read_bytes()).keys
    assert run(cli, file, "revoke", first.id).exit_code == 0
    created(cli, file, "shop")


def test_the_list_shows_every_key_and_its_state(cli: CliRunner, file: Path) -> None:
    created(cli, file, "shop", "--scope", "sales", "--claim", "customer=4711")
    created(cli, file, "old")
    document = json.loads(file.read_bytes())
    document["keys"][1]["expires"] = "2020-01-01T00:00:00Z"
    file.write_text(json.dumps(document))
    created(cli, file, "bad")
    run(cli, file, "revoke", read_keys(file.read_bytes()).keys[2].id)
    lines = run(cli, file, "list").stdout.splitlines()
    [shop] = [line for line in lines if "shop" in line]
    assert all(word in shop for word in ("valid", "sales", "customer=4711"))
    assert any("old" in line and "expired" in line for line in lines)
    assert any("bad" in line and "revoked" in line for line in lines)


def test_revoking_a_key_that_is_not_there_ends_with_2(cli: CliRunner, file: Path) -> None:
    created(cli, file, "shop")
    refused = run(cli, file, "revoke", "nosuch")
    assert refused.exit_code == 2
    assert "has no key 'nosuch'" in refused.stderr


@pytest.mark.parametrize("command", [["list"], ["revoke", "x"]])
def test_without_a_file_there_is_nothing_to_list_or_revoke(
    cli: CliRunner, file: Path, command: list[str]
) -> None:
    refused = run(cli, file, *command)
    assert refused.exit_code == 1
    assert "exposure keys create" in refused.stderr
    assert not file.exists()


@pytest.mark.parametrize("command", [["create", "shop"], ["list"], ["revoke", "x"]])
def test_a_file_that_is_no_keys_file_is_left_as_it_is(cli: CliRunner, file: Path, command: list[str]) -> None:
    file.parent.mkdir()
    file.write_text("precious")
    refused = run(cli, file, *command)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "no keys file" in refused.stderr
    assert file.read_text() == "precious"


@pytest.mark.parametrize(
    "words",
    [
        ["shop", "--scope", "a b"],
        ["shop", "--scope", ""],
        ["shop", "--claim", "customer"],
        ["shop", "--claim", "=4711"],
        ["shop", "--days", "0"],
        ["shop", "--days", "99999"],
        ["a name"],
        [""],
    ],
    ids=str,
)
def test_what_no_key_can_have_ends_with_2_and_writes_nothing(
    cli: CliRunner, file: Path, words: list[str]
) -> None:
    refused = run(cli, file, "create", *words)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert not file.exists()


def test_a_scope_that_no_contract_grants_anything_to_is_told(cli: CliRunner, file: Path) -> None:
    done = run(cli, file, "create", "shop", "--scope", "nosuch")
    assert "grants anything to 'nosuch'" in flat(done.stderr)
    assert done.exit_code == 0


def test_a_change_by_somebody_else_is_not_written_over(
    cli: CliRunner, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    created(cli, file, "shop")

    def changing(content: bytes) -> StoredKeys:
        kept = read_keys(content)
        file.write_bytes(content + b" ")
        return kept

    monkeypatch.setattr("exposure.commands.keys.read_keys", changing)
    refused = run(cli, file, "create", "other")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "try again" in refused.stderr
    assert len(read_keys(file.read_bytes()).keys) == 1


def test_the_local_platform_knows_the_keys_of_its_data_folder(cli: CliRunner, tmp_path: Path) -> None:
    key = created(cli, tmp_path / "keys.json", "me")
    with running_platform(tmp_path) as addresses:
        for text, status in ((key, 200), (key[:-1], 401)):
            answer = httpx2.get(f"{addresses.api}/v1/orders", headers={"X-API-Key": text})
            assert answer.status_code == status


def test_an_empty_keys_file_is_one_without_keys(cli: CliRunner, file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(write_keys(StoredKeys()))
    assert run(cli, file, "list").exit_code == 0
    created(cli, file, "shop")
