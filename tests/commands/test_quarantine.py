"""`exposure quarantine` and `exposure replay` on the running platform, and on its files."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import httpx2
import pytest
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.types import PubsubMessage
from typer.testing import CliRunner

from exposure.__main__ import app
from exposure.contracts.analytics_table import CONTRACT
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.schema import quarantine_table, rows_table
from fakes.local_platform import LocalPlatform
from fakes.messages import event

PATIENCE_SECONDS = 20
GOOD = json.dumps(event(id="evt-good")).encode()
BAD = b"not \xff json"
ARRIVED = datetime(2026, 11, 25, 12, tzinfo=UTC)


def aside(message_id: str, data: bytes, reason: str = "NOT_JSON", **attributes: str) -> tuple[object, ...]:
    """Return a quarantine row; the later the id, the later it was set aside."""
    at = ARRIVED.replace(minute=int(message_id))
    return (reason, "because", data, json.dumps(attributes), "1.0.0", message_id, ARRIVED, at)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A platform's folder whose quarantine holds messages, some of which are good by today's contract."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    rows = [
        aside("1", BAD, origin="shop"),
        aside("2", GOOD, "WRONG_TYPE", origin="shop"),
        aside("3", json.dumps(event(id="evt-other")).encode(), "MISSING_FIELD"),
        aside("4", GOOD, "WRONG_TYPE", **{"exposure-replay-of": "2"}),
    ]

    async def store() -> None:
        connection = open_duckdb(
            data_dir / "warehouse.duckdb", [rows_table(CONTRACT), quarantine_table(CONTRACT)]
        )
        writer = DuckDBWriter(connection)
        assert await writer.append(quarantine_table(CONTRACT), rows) == {}
        await writer.close()
        connection.close()

    asyncio.run(store())
    return data_dir


@pytest.fixture
def running(folder: Path) -> Iterator[LocalPlatform]:
    """The platform as a process of its own, which has the folder's files to itself."""
    with LocalPlatform(folder) as platform:
        yield platform


class Ended:
    """How a command ended."""

    def __init__(self, result: Any) -> None:
        self.code, self.out, self.talk = result.exit_code, result.stdout, result.stderr

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Ended]


@pytest.fixture
def exposure(cli: CliRunner, folder: Path) -> Command:
    def run(*arguments: str) -> Ended:
        command, *rest = arguments
        where = ["--data-dir", str(folder)]
        return Ended(cli.invoke(app, [command, *rest, *where], catch_exceptions=False))

    return run


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def served(addresses: LocalPlatform, key: str) -> bool:
    return httpx2.get(f"{addresses.api}/v1/analytics_table/{key}").status_code == 200


def test_messages_are_listed_with_their_reasons_the_earliest_first(exposure: Command) -> None:
    ended = exposure("quarantine", "list", "analytics_table")
    assert ended.code == 0
    assert [line.split()[0] for line in ended.out.splitlines() if "2026-11-25T" in line] == list("1234")
    assert "WRONG_TYPE" in ended.out
    assert ended.talk == "4 messages\n"


def test_the_list_is_narrowed_by_reason_time_version_and_number(exposure: Command) -> None:
    def ids(*options: str) -> list[str]:
        ended = exposure("quarantine", "list", "analytics_table", "--json", *options)
        return [json.loads(line)["message_id"] for line in ended.out.splitlines()]

    assert ids("--reason", "WRONG_TYPE") == ["2", "4"]
    assert ids("--reason", "WRONG_TYPE", "--reason", "NOT_JSON") == ["1", "2", "4"]
    assert ids("--since", "2026-11-25T12:02:00Z", "--until", "2026-11-25T12:04:00Z") == ["2", "3"]
    assert ids("--contract-version", "2.0.0") == []
    assert ids("--limit", "1") == ["1"]


def test_one_message_is_shown_whole_with_bytes_that_are_no_text_in_base64(exposure: Command) -> None:
    shown = exposure("quarantine", "show", "analytics_table", "1", "--json").json
    assert (shown["reason"], shown["attributes"], shown["data_base64"]) == (
        "NOT_JSON", {"origin": "shop"}, "bm90IP8ganNvbg==",
    )  # fmt: skip
    text = exposure("quarantine", "show", "analytics_table", "2").out
    assert GOOD.decode() in text


def test_a_message_that_is_not_there_ends_with_a_failure(exposure: Command) -> None:
    ended = exposure("quarantine", "show", "analytics_table", "99")
    assert (ended.code, ended.out) == (1, "")
    assert "there is no message '99' in the quarantine of analytics_table" in ended.talk


def test_counts_are_by_reason_and_version_the_largest_first(exposure: Command) -> None:
    counts = exposure("quarantine", "stats", "analytics_table", "--json").json
    assert [(one["reason"], one["contract_version"], one["messages"]) for one in counts] == [
        ("WRONG_TYPE", "1.0.0", 2), ("MISSING_FIELD", "1.0.0", 1), ("NOT_JSON", "1.0.0", 1),
    ]  # fmt: skip
    assert counts[0]["first"] == "2026-11-25T12:02:00+00:00"
    assert exposure("quarantine", "stats", "analytics_table").talk == "4 messages\n"


@pytest.mark.parametrize("command", [("quarantine", "list"), ("quarantine", "stats"), ("replay",)])
def test_a_folder_without_a_platform_is_said_to_be_one(
    cli: CliRunner, tmp_path: Path, command: tuple[str, ...]
) -> None:
    options = ["--emulator", "127.0.0.1:9"] if command == ("replay",) else []
    empty = tmp_path / "empty"
    ended = cli.invoke(app, [*command, "analytics_table", "--data-dir", str(empty), *options])
    assert ended.exit_code == 1
    assert "has the platform ever run there?" in ended.stderr


@pytest.mark.parametrize(("options", "complaint"), [
    (["--since", "yesterday"], "'yesterday' is no instant; write it like"),
    (["--project", "some-project"], "--project needs --location"),
    (["--reason", "BAD_LUCK"], "BAD_LUCK"),
])  # fmt: skip
def test_options_that_mean_nothing_end_with_misuse(
    cli: CliRunner, options: list[str], complaint: str
) -> None:
    ended = cli.invoke(app, ["quarantine", "list", "analytics_table", *options])
    assert ended.exit_code == 2
    assert complaint in ended.stderr


def test_a_dry_run_counts_and_needs_no_topic(exposure: Command, closed_port: int) -> None:
    where = ("--emulator", f"127.0.0.1:{closed_port}")
    ended = exposure("replay", "analytics_table", "--dry-run", "--json", *where)
    assert (ended.code, ended.json) == (0, {
        "dry_run": True, "read": 4, "published": 0, "publishable": 2, "repeated": 1,
        "still_rejected": {"NOT_JSON": 1},
    })  # fmt: skip


def test_replayed_messages_become_rows_while_the_platform_runs_and_once_however_often(
    exposure: Command, running: LocalPlatform, tmp_path: Path
) -> None:
    arguments = ("replay", "analytics_table", "--json", "--emulator", running.pubsub)
    kept = (*arguments, "--cursor", str(tmp_path / "cursor.json"))
    ended = exposure(*kept)
    assert (ended.code, ended.json["published"]) == (0, 2)
    until(lambda: served(running, "evt-good") and served(running, "evt-other"))
    assert exposure(*kept).json["read"] == 0
    other = exposure(*kept, "--reason", "NOT_JSON")
    assert (other.code, "is the cursor of another replay" in other.talk) == (2, True)
    assert exposure(*arguments).json["published"] == 2
    rows = httpx2.get(f"{running.api}/v1/analytics_table?id.eq=evt-good").json()["data"]
    assert len(rows) == 1


def test_a_message_that_fails_again_keeps_its_bytes_its_attributes_and_its_first_id(
    exposure: Command, running: LocalPlatform
) -> None:
    arguments = ("replay", "analytics_table", "--force", "--reason", "NOT_JSON", "--json")
    assert exposure(*arguments, "--emulator", running.pubsub).json["published"] == 1

    def found() -> list[dict[str, Any]]:
        lines = exposure("quarantine", "list", "analytics_table", "--json").out.splitlines()
        return [one for one in map(json.loads, lines) if "exposure-replay-of" in one["attributes"]]

    until(lambda: len(found()) == 2)
    again = next(one for one in found() if one["attributes"]["exposure-replay-of"] == "1")
    assert again["attributes"] == {"exposure-replay-of": "1", "origin": "shop"}
    assert again["data_base64"] == "bm90IP8ganNvbg=="


def test_a_replay_to_nowhere_says_so(exposure: Command, closed_port: int) -> None:
    ended = exposure("replay", "analytics_table", "--emulator", f"127.0.0.1:{closed_port}")
    assert (ended.code, ended.out) == (1, "")
    assert "start the platform with `exposure local`; messages published before" in ended.talk


def test_attributes_may_have_any_name(running: LocalPlatform, exposure: Command) -> None:
    channel = grpc.insecure_channel(running.pubsub)
    publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
    attributes = {"data": "a", "topic": "b", "retry": "c", "ordering_key": "d"}
    publisher.publish(
        topic=f"projects/local/topics/{CONTRACT.topic}",
        messages=[PubsubMessage(data=b"neither", attributes=attributes)],
    )
    channel.close()

    def found() -> list[dict[str, Any]]:
        lines = exposure("quarantine", "list", "analytics_table", "--json").out.splitlines()
        return [one for one in map(json.loads, lines) if one["attributes"].get("topic") == "b"]

    until(lambda: len(found()) == 1)
    arguments = ("replay", "analytics_table", "--force", "--reason", "NOT_JSON", "--json")
    assert exposure(*arguments, "--emulator", running.pubsub).code == 0
    until(lambda: len(found()) == 2)
    assert all(one["attributes"].items() >= attributes.items() for one in found())
