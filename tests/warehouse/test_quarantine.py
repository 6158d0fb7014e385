"""What a person finds in a quarantine, on both warehouses, and in the file of a platform that is running."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exposure.contracts.analytics_table import CONTRACT
from exposure.contracts.model import Contract
from exposure.query.model import Row
from exposure.warehouse.bigquery_client import bigquery_client
from exposure.warehouse.bigquery_quarantine import BigQueryQuarantine
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_quarantine import DuckDBQuarantine
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.quarantine import QuarantineReader, Selection
from exposure.warehouse.schema import quarantine_table, rows_table
from fakes.bigquery_emulator import LOCATION, PROJECT
from fakes.house import bigquery_house

NOON = datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC)


def aside(number: int, reason: str, version: str = "1.0.0") -> Row:
    at = NOON + timedelta(minutes=number)
    attributes = json.dumps({"número": str(number)}, ensure_ascii=False)
    return (reason, f"detail {number}", bytes([0, 255, number]), attributes, version, f"m-{number}", NOON, at)


ROWS = (
    aside(3, "NOT_JSON"), aside(1, "WRONG_TYPE"), aside(2, "NOT_JSON", "1.1.0"), aside(4, "NOT_JSON"),
)  # fmt: skip


async def duckdb_file(folder: Path) -> Path:
    path = folder / "warehouse.duckdb"
    connection = open_duckdb(path, [rows_table(CONTRACT), quarantine_table(CONTRACT)])
    writer = DuckDBWriter(connection)
    assert await writer.append(quarantine_table(CONTRACT), ROWS) == {}
    await writer.close()
    connection.close()
    return path


def check(reader: QuarantineReader, contract: Contract) -> None:
    """Ask every question there is."""

    def ids(selection: Selection, **more: object) -> list[str]:
        return [one.message_id for one in reader.select(contract, selection, **more)]  # type: ignore[arg-type]

    found = list(reader.select(contract, Selection()))
    assert [one.message_id for one in found] == ["m-1", "m-2", "m-3", "m-4"]
    first = found[0]
    assert (first.reason, first.detail, first.data, first.contract_version) == (
        "WRONG_TYPE", "detail 1", b"\x00\xff\x01", "1.0.0",
    )  # fmt: skip
    assert (first.publish_time, first.ingest_time) == (NOON, NOON + timedelta(minutes=1))
    assert json.loads(first.attributes) == {"número": "1"}
    assert ids(Selection(), after=found[1].position) == ["m-3", "m-4"]
    assert ids(Selection(), after=found[1].position, most=1) == ["m-3"]
    assert ids(Selection(reasons=("NOT_JSON",))) == ["m-2", "m-3", "m-4"]
    assert ids(Selection(reasons=("NOT_JSON",), contract_version="1.0.0")) == ["m-3", "m-4"]
    assert ids(Selection(message_id="m-2")) == ["m-2"]
    assert ids(Selection(since=found[1].ingest_time, until=found[3].ingest_time)) == ["m-2", "m-3"]
    counts = reader.count(contract, Selection(reasons=("NOT_JSON", "WRONG_TYPE")))
    assert [(one.reason, one.contract_version, one.messages) for one in counts] == [
        ("NOT_JSON", "1.0.0", 2), ("NOT_JSON", "1.1.0", 1), ("WRONG_TYPE", "1.0.0", 1),
    ]  # fmt: skip
    assert (counts[0].first, counts[0].last) == (found[2].ingest_time, found[3].ingest_time)


async def test_a_file_answers_every_question(tmp_path: Path) -> None:
    reader = DuckDBQuarantine(await duckdb_file(tmp_path))
    check(reader, CONTRACT)
    reader.close()


async def test_bigquery_answers_every_question_and_one_message_per_id(
    request: pytest.FixtureRequest,
) -> None:
    emulator = request.getfixturevalue("bigquery_emulator")
    async with bigquery_house(emulator, CONTRACT) as house:
        table = quarantine_table(house.contract)
        assert await house.writer.append(table, ROWS) == {}
        assert await house.writer.append(table, ROWS[:2]) == {}
        client = bigquery_client(PROJECT, LOCATION, connections=1, endpoint=emulator.rest)
        reader = BigQueryQuarantine(client)
        check(reader, house.contract)
        reader.close()


_HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("DELETE FROM analytics_dataset.analytics_table_quarantine WHERE reason = 'WRONG_TYPE'")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another_process(path: Path) -> Iterator[None]:
    """Hold the file open elsewhere, with a change that stands only in its log."""
    command = [sys.executable, "-c", _HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.stdin.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def test_the_file_of_a_running_platform_is_read_as_it_is_now_and_left_untouched(tmp_path: Path) -> None:
    path = await duckdb_file(tmp_path)
    with held_by_another_process(path):
        before = contents(tmp_path)
        assert "warehouse.duckdb.wal" in before
        reader = DuckDBQuarantine(path)
        assert [one.message_id for one in reader.select(CONTRACT, Selection())] == ["m-2", "m-3", "m-4"]
        reader.close()
        assert contents(tmp_path) == before


async def test_a_file_that_changes_all_the_time_is_said_to_be_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await duckdb_file(tmp_path)
    states = iter(range(10_000))
    monkeypatch.setattr("exposure.warehouse.duckdb_quarantine._state", lambda _: next(states))
    monkeypatch.setattr("exposure.warehouse.duckdb_quarantine._PAUSE_SECONDS", 0.0)
    with (
        held_by_another_process(path),
        pytest.raises(WarehouseUnavailable, match="is being written all the time; stop the platform"),
    ):
        DuckDBQuarantine(path)


@pytest.mark.parametrize("content", [None, b"no database at all"])
def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "warehouse.duckdb"
    if content is not None:
        path.write_bytes(content * 1000)
    with pytest.raises(WarehouseMisconfigured):
        DuckDBQuarantine(path)


def test_a_file_without_the_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    open_duckdb(path, [rows_table(CONTRACT)]).close()
    reader = DuckDBQuarantine(path)
    with pytest.raises(WarehouseMisconfigured, match="analytics_table_quarantine"):
        list(reader.select(CONTRACT, Selection()))
    reader.close()
