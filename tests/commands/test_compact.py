"""`exposure compact`, against BigQuery's emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud import bigquery
from typer.testing import CliRunner

from exposure.__main__ import app
from exposure.clock import now
from exposure.contracts.orders import CONTRACT
from exposure.warehouse.bigquery_client import bigquery_client
from exposure.warehouse.bigquery_dialect import BigQueryDialect
from exposure.warehouse.bigquery_writer import BigQueryWriter
from exposure.warehouse.schema import rows_table
from fakes.bigquery_emulator import LOCATION, PROJECT, BigQueryEmulator, running_emulator
from fakes.rows import order_row

TABLE = rows_table(CONTRACT)
PATH = BigQueryDialect(PROJECT).path(TABLE)
COMPACT = ["compact", "orders", "--project", PROJECT, "--location", LOCATION]


@pytest.fixture(scope="module")
def emulator() -> Iterator[BigQueryEmulator]:
    with running_emulator() as emulator:
        emulator.create([TABLE])
        yield emulator


@pytest.fixture
def client(emulator: BigQueryEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[bigquery.Client]:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.rest)
    with bigquery_client(PROJECT, LOCATION, connections=1, endpoint=emulator.rest) as client:
        client.query(f"DELETE FROM {PATH} WHERE TRUE").result()  # noqa: S608  # the contract's table
        yield client


async def store(emulator: BigQueryEmulator, *days_ago: int) -> None:
    """Store an order of each day; a day named twice holds its order twice."""
    writer = BigQueryWriter(PROJECT, [TABLE], endpoint=emulator.grpc)
    rows = [order_row(order_id=f"of-{days}", placed_at=noon(days)) for days in days_ago]
    assert await writer.append(TABLE, rows) == {}
    await writer.close()


def noon(days_ago: int) -> datetime:
    return now().astimezone(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days_ago)


def stored(client: bigquery.Client) -> list[str]:
    text = f"SELECT order_id FROM {PATH} ORDER BY order_id"  # noqa: S608  # the contract's table
    return [row[0] for row in client.query(text).result()]


async def test_closed_days_are_stored_once_and_open_ones_left(
    cli: CliRunner, emulator: BigQueryEmulator, client: bigquery.Client
) -> None:
    # Open days may still see messages come again; older ones are left to their price.
    await store(emulator, 1, 1, 8, 8, 9, 9, 9, 20, 30, 30, 31, 31)
    there = stored(client)
    dry = cli.invoke(app, [*COMPACT, "--dry-run", "--json"])
    assert dry.exit_code == 0, dry.output
    days = [
        {"day": str(noon(30).date()), "rows": 2, "repeats": 1},
        {"day": str(noon(9).date()), "rows": 3, "repeats": 2},
    ]
    said = {"dry_run": True, "days": days, "repeats": 3, "removed": 0}
    assert json.loads(dry.stdout).items() > said.items()
    assert stored(client) == there
    done = cli.invoke(app, COMPACT)
    assert done.exit_code == 0, done.output
    assert f"{noon(9):%Y-%m-%d}" in done.stdout
    assert "3 repeats taken out of 2 days" in done.stderr
    assert stored(client) == sorted(f"of-{days}" for days in (1, 1, 8, 8, 9, 20, 30, 31, 31))
    again = cli.invoke(app, [*COMPACT, "--json"])
    assert json.loads(again.stdout)["days"] == []


async def test_a_day_with_few_repeats_is_left_as_it_is(
    cli: CliRunner, emulator: BigQueryEmulator, client: bigquery.Client
) -> None:
    await store(emulator, *[9] * 3, *[10] * 4, 11)
    ended = cli.invoke(app, [*COMPACT, "--at-least", "70", "--json"])
    assert [one["day"] for one in json.loads(ended.stdout)["days"]] == [str(noon(10).date())], ended.output
    assert stored(client) == sorted(["of-9"] * 3 + ["of-10", "of-11"])


async def test_days_are_named_and_the_last_one_is_not_among_them(
    cli: CliRunner, emulator: BigQueryEmulator, client: bigquery.Client
) -> None:
    await store(emulator, 2, 2, 3, 3, 4, 4)
    bounds = ["--since", str(noon(3).date()), "--until", str(noon(2).date())]
    ended = cli.invoke(app, [*COMPACT, *bounds, "--json"])
    assert json.loads(ended.stdout)["removed"] == 1, ended.output
    assert stored(client) == ["of-2", "of-2", "of-3", "of-4", "of-4"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--since", "yesterday"], "--since: 'yesterday' is no day; write it like 2026-11-25"),
        (["--until", "2026-02-30"], "--until: '2026-02-30' is no day; write it like 2026-11-25"),
        (["--since", "2026-11-02", "--until", "2026-11-02"], "no day is at or after 2026-11-02 and before"),
    ],
)
def test_days_that_are_none_are_named(cli: CliRunner, options: list[str], sentence: str) -> None:
    ended = cli.invoke(app, [*COMPACT, *options])
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert sentence in ended.stderr
