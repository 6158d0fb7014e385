from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from exposure.__main__ import app
from exposure.commands.sample import sample_options
from exposure.contracts.catalog import CATALOG

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize("name", [contract.name for contract in CATALOG])
def test_samples_are_as_many_lines_of_json_as_asked_for(cli: CliRunner, name: str) -> None:
    written = cli.invoke(app, ["sample", name, "--rows", "2500"])
    assert written.exit_code == 0
    messages = [json.loads(line) for line in written.stdout.splitlines()]
    assert len({message[CATALOG.get(name).key] for message in messages}) == 2500
    assert written.stderr == ""


def test_with_seed_and_start_the_output_is_the_same_byte_by_byte(cli: CliRunner) -> None:
    command = ["sample", "orders", "--rows", "50", "--seed", "7", "--start", "2026-11-25T12:00:00Z"]
    assert cli.invoke(app, command).stdout_bytes == cli.invoke(app, command).stdout_bytes


def test_the_start_is_when_the_first_event_happened(cli: CliRunner) -> None:
    written = cli.invoke(app, ["sample", "analytics_table", "--start", "2026-11-25T14:00:00+02:00"])
    assert json.loads(written.stdout.splitlines()[0])["timestamp"] == "2026-11-25T12:00:00.000000Z"


def test_without_a_seed_two_samples_have_no_key_in_common(cli: CliRunner) -> None:
    first, second = (
        {
            json.loads(line)["id"]
            for line in cli.invoke(app, ["sample", "analytics_table"]).stdout.splitlines()
        }
        for _ in range(2)
    )
    assert not first & second


def test_without_a_start_the_events_end_now() -> None:
    options = sample_options(rows=100, seed=None, start=None, now=NOW)
    assert options.start + 100 * options.step == NOW
    assert options.step == timedelta(milliseconds=50)


def test_events_of_very_many_rows_lie_within_a_month() -> None:
    options = sample_options(rows=10**9, seed=1, start=None, now=NOW)
    assert NOW - options.start <= timedelta(days=30)


@pytest.mark.parametrize("start", ["yesterday", "2026-11-25T12:00:00", "2026-13-01T00:00:00Z"])
def test_a_start_that_is_no_instant_ends_with_2_and_an_example(cli: CliRunner, start: str) -> None:
    refused = cli.invoke(app, ["sample", "orders", "--start", start])
    assert refused.exit_code == 2
    assert "write it like 2026-11-25T12:00:00Z" in " ".join(refused.stderr.replace("│", " ").split())


@pytest.mark.parametrize("rows", ["0", "-1", "many"])
def test_a_number_of_rows_that_is_none_ends_with_2(cli: CliRunner, rows: str) -> None:
    assert cli.invoke(app, ["sample", "orders", "--rows", rows]).exit_code == 2


def test_a_reader_that_has_seen_enough_causes_no_traceback() -> None:
    command = [sys.executable, "-m", "exposure", "sample", "orders", "--rows", "1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as sampling:
        assert sampling.stdout is not None
        assert sampling.stderr is not None
        json.loads(sampling.stdout.readline())
        sampling.stdout.close()
        assert sampling.stderr.read() == b""
