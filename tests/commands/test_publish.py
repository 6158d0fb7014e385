from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import grpc
import httpx2
import pytest
from typer.testing import CliRunner

from exposure.__main__ import app
from exposure.commands import pubsub_connection, topic_publisher
from exposure.commands.message_lines import MessageLine, read_lines
from exposure.local.platform import Addresses
from fakes.failing_pubsub import failing_pubsub

VISIBLE_SECONDS = 20


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a topic at once: the tests know that it will not come back."""
    monkeypatch.setattr(topic_publisher, "RETRY", pubsub_connection.RETRY.with_timeout(0.3))
    monkeypatch.setattr(pubsub_connection, "_CONNECT_SECONDS", 0.3)


def event(number: int) -> str:
    return json.dumps({"id": f"published-{number:05}", "timestamp": "2026-11-25T12:00:00Z"})


def wait_for_ids(api: str, prefix: str, count: int) -> set[str]:
    end = time.monotonic() + VISIBLE_SECONDS
    question = {"id.gte": prefix, "id.lt": prefix + "~", "select": "id", "page_size": "1000"}
    while True:
        rows = httpx2.get(f"{api}/v1/analytics_table", params=question).json()["data"]
        ids = {row["id"] for row in rows}
        if len(ids) >= count or time.monotonic() > end:
            return ids
        time.sleep(0.02)


def publish(
    cli: CliRunner, address: str, *arguments: str, stdin: str = ""
) -> tuple[int, dict[str, Any], str]:
    ended = cli.invoke(
        app, ["publish", *arguments, "--emulator", address, "--json"], input=stdin, catch_exceptions=False
    )
    return ended.exit_code, json.loads(ended.stdout), ended.stderr


def test_what_is_published_from_a_file_is_served_by_the_api(
    cli: CliRunner, platform: Addresses, tmp_path: Path
) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text("".join(event(number) + "\n" for number in range(250)))
    code, summary, complaints = publish(cli, platform.pubsub, "analytics_table", str(file))
    assert (code, complaints) == (0, "")
    assert (summary["published"], summary["rejected"], summary["failed"]) == (250, 0, 0)
    assert summary["topic"] == "projects/local/topics/data-ingestion-topic"
    assert summary["messages_per_second"] > 0
    assert wait_for_ids(platform.api, "published-", 250) == {
        f"published-{number:05}" for number in range(250)
    }


@pytest.mark.parametrize("file", [(), ("-",)])
def test_standard_input_is_read_when_no_file_or_a_dash_is_given(
    cli: CliRunner, platform: Addresses, file: tuple[str, ...]
) -> None:
    code, summary, _ = publish(cli, platform.pubsub, "analytics_table", *file, stdin=event(1))
    assert (code, summary["published"]) == (0, 1)


def test_samples_can_be_published_as_they_are(cli: CliRunner, platform: Addresses) -> None:
    samples = cli.invoke(app, ["sample", "orders", "--rows", "20"]).stdout
    code, summary, _ = publish(cli, platform.pubsub, "orders", stdin=samples)
    assert (code, summary["published"]) == (0, 20)


def test_lines_that_are_no_objects_are_refused_with_their_numbers_and_the_rest_is_published(
    cli: CliRunner, platform: Addresses
) -> None:
    content = "\n".join([event(1), "", "not json", "[1]", event(2)])
    code, summary, _ = publish(cli, platform.pubsub, "analytics_table", stdin=content)
    assert code == 1
    assert (summary["lines"], summary["published"], summary["rejected"]) == (5, 2, 3)
    assert [one["line"] for one in summary["rejected_lines"]] == [2, 3, 4]
    assert summary["rejected_lines"][0]["reason"] == "empty"
    assert summary["failure"] is None


def test_the_summary_for_people_names_twenty_refused_lines_and_counts_the_others(
    cli: CliRunner, platform: Addresses
) -> None:
    command = ["publish", "analytics_table", "--emulator", platform.pubsub]
    ended = cli.invoke(app, command, input=event(1) + "\n" + "bad\n" * 30)
    assert ended.exit_code == 1
    assert ended.stdout.startswith("1 published to projects/local/topics/data-ingestion-topic, 30 rejected")
    complaints = ended.stderr.splitlines()
    assert complaints[0].startswith("line 2: no JSON")
    assert complaints[20] == "… and 10 more lines"
    assert len(complaints) == 21


def test_nothing_to_publish_is_no_fault(cli: CliRunner, platform: Addresses) -> None:
    code, summary, _ = publish(cli, platform.pubsub, "analytics_table")
    assert (code, summary["published"], summary["lines"]) == (0, 0, 0)


def test_the_emulator_of_the_environment_is_published_to(
    cli: CliRunner, platform: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", platform.pubsub)
    ended = cli.invoke(app, ["publish", "analytics_table", "--json"], input=event(1))
    assert json.loads(ended.stdout)["published"] == 1


def test_without_emulator_and_project_the_local_platform_is_published_to(
    cli: CliRunner, platform: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exposure.commands.publish.LOCAL_PUBSUB", platform.pubsub)
    ended = cli.invoke(app, ["publish", "analytics_table", "--json"], input=event(1))
    assert json.loads(ended.stdout)["published"] == 1


def test_a_topic_that_does_not_exist_is_named(cli: CliRunner, platform: Addresses) -> None:
    arguments = ["analytics_table", "--project", "elsewhere"]
    code, summary, _ = publish(cli, platform.pubsub, *arguments, stdin=event(1))
    assert (code, summary["published"], summary["failed"]) == (1, 0, 1)
    topic = "projects/elsewhere/topics/data-ingestion-topic"
    assert summary["failure"] == f"there is no topic {topic} at {platform.pubsub}"


def test_a_server_that_is_not_there_is_one_line_with_the_way_out(cli: CliRunner, closed_port: int) -> None:
    command = ["publish", "analytics_table", "--emulator", f"127.0.0.1:{closed_port}"]
    ended = cli.invoke(app, command, input=event(1))
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"exposure: nothing answers at 127.0.0.1:{closed_port}; start the platform with `exposure local`, "
        "or name a Google Cloud project with --project\n"
    )


def test_a_server_that_stops_to_answer_ends_the_publishing_with_what_was_published(
    cli: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic_publisher, "_OUTSTANDING_MESSAGES", 1000)
    content = "\n".join(event(number) for number in range(5000))
    with failing_pubsub(grpc.StatusCode.UNAVAILABLE, taken=1000) as address:
        code, summary, _ = publish(cli, address, "analytics_table", stdin=content)
    assert code == 1
    assert 0 < summary["published"] <= 1000
    assert summary["failed"] > 0
    assert summary["lines"] < 5000
    assert summary["published"] + summary["failed"] == summary["lines"]
    failure = f"{address} does not answer; nothing behind line {summary['lines']} was published"
    assert summary["failure"] == failure


def test_an_interrupt_ends_the_publishing_with_what_was_published(
    cli: CliRunner, platform: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(stream: BinaryIO) -> Iterator[MessageLine]:
        yield from read_lines(stream)
        raise KeyboardInterrupt

    monkeypatch.setattr("exposure.commands.publish.read_lines", interrupted)
    code, summary, _ = publish(cli, platform.pubsub, "analytics_table", stdin=event(1) + "\n" + event(2))
    assert (code, summary["published"]) == (1, 2)
    assert summary["failure"] == "interrupted; nothing behind line 2 was published"


def test_a_bar_is_drawn_on_a_terminal_and_the_summary_stays_plain(
    platform: Addresses, tmp_path: Path
) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text("".join(event(number) + "\n" for number in range(2000)))
    command = [sys.executable, "-m", "exposure", "publish", "analytics_table", str(file)]
    terminal, slave = pty.openpty()
    try:
        ended = subprocess.run(
            [*command, "--emulator", platform.pubsub],
            stdout=subprocess.PIPE,
            stderr=slave,
            check=True,
            text=True,
        )
        drawn = os.read(terminal, 65_536).decode()
    finally:
        os.close(terminal)
        os.close(slave)
    assert "publishing" in drawn
    assert ended.stdout.startswith("2000 published to ")


def test_a_refusal_of_the_server_is_passed_on_in_its_words(cli: CliRunner) -> None:
    with failing_pubsub(grpc.StatusCode.PERMISSION_DENIED, "User not authorized.") as address:
        command = ["publish", "analytics_table", "--emulator", address]
        ended = cli.invoke(app, command, input=event(1))
    assert ended.exit_code == 1
    assert ended.stderr == f"exposure: {address} refuses: User not authorized.\n"
    assert "1 failed" in ended.stdout


def test_a_project_without_credentials_is_one_line_with_the_way_out(
    cli: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    ended = cli.invoke(app, ["publish", "analytics_table", "--project", "example"], input=event(1))
    assert ended.exit_code == 1
    assert ended.stderr == (
        "exposure: no Google Cloud credentials found; run `gcloud auth application-default login`\n"
    )


def test_a_file_that_is_not_there_is_one_line_and_ends_with_2(cli: CliRunner, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.ndjson")
    ended = cli.invoke(app, ["publish", "analytics_table", missing])
    assert (ended.exit_code, ended.stderr) == (
        2,
        f"exposure: cannot read {missing}: No such file or directory\n",
    )
