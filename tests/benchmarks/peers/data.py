"""The one data set that every contestant serves: its rows, and the files they are served from.

Row `n` of a million is made of its number alone, so that whoever asks knows what the answer must hold. Every
file is written from the same rows; nothing here starts or asks a server.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
from pyarrow import parquet

from exposure.contracts.access import Access, Credential, Grant
from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Scalar
from exposure.query.model import Row
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.schema import rows_table

TABLE = "events"
SCOPE = "events:read"
START = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS_APART = 20
CATEGORIES = 20
_BATCH = 25_000
# As ISO 8601 writes it: SQLite has no type of times, and compares what it stores as text.
_UTC = "strftime(timestamp AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ')"

CONTRACT = Contract(
    name=TABLE,
    version="1.0.0",
    description="What is measured.",
    owner="benchmarks",
    topic="events-topic",
    dataset="measured",
    columns=(
        Column("id", Scalar.STRING, "Id of the event.", example="evt-00000001"),
        Column("timestamp", Scalar.TIMESTAMP, "When it happened.", example="2026-01-01T00:00:00Z"),
        Column("data", Scalar.STRING, "Free text.", example="text"),
        Column("amount", Scalar.NUMBER, "A measure.", example=1.5),
        Column("quantity", Scalar.INTEGER, "Another.", example=3),
        Column("category", Scalar.STRING, "One of a few.", example="category-01"),
    ),
    key="id",
    event_time="timestamp",
    clustered_by=("id",),
    access=Access((Grant(scope=SCOPE, by=(Credential.KEY,)),)),
)


@dataclass(frozen=True)
class Event:
    """One row."""

    id: str
    timestamp: datetime
    data: str
    amount: float
    quantity: int
    category: str


def event_id(number: int) -> str:
    return f"evt-{number:08}"


def instant(number: int) -> datetime:
    return START + timedelta(seconds=number * SECONDS_APART)


def written(time: datetime) -> str:
    """Return a whole second as every contestant's filters take it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def event(number: int) -> Event:
    """Return row `number`; what it holds beside id and time looks random and is not."""
    digest = hashlib.blake2b(number.to_bytes(8, "big"), digest_size=25).digest()
    return Event(
        event_id(number),
        instant(number),
        digest.hex(),
        int.from_bytes(digest[:2], "big") / 8,
        digest[2] % 10,
        f"category-{digest[3] % CATEGORIES:02}",
    )


@dataclass(frozen=True)
class Files:
    """Where the rows are, in each contestant's own form."""

    folder: Path

    @property
    def duckdb(self) -> Path:
        """Return the embedded warehouse's file, as ingest writes it."""
        return self.folder / "warehouse.duckdb"

    @property
    def duckdb_twin(self) -> Path:
        """Return the same rows for a second process: only one may have the file."""
        return self.folder / "twin.duckdb"

    @property
    def parquet(self) -> Path:
        """Return the file ROAPI serves."""
        return self.folder / f"{TABLE}.parquet"

    @property
    def sqlite(self) -> Path:
        """Return the file Datasette serves; its name is part of the addresses."""
        return self.folder / "measured.db"

    @property
    def csv(self) -> Path:
        """Return the file PostgreSQL copies."""
        return self.folder / f"{TABLE}.csv"


def write_files(files: Files, rows: int) -> None:
    """Write every file from the same rows, indexed by key and by time where a file can be."""
    _write_parquet(files.parquet, rows)
    _write_duckdb(files.duckdb, files.parquet)
    shutil.copyfile(files.duckdb, files.duckdb_twin)
    written_times = f"SELECT * REPLACE ({_UTC} AS timestamp) FROM '{files.parquet}'"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({written_times}) TO '{files.csv}' (HEADER false)")
        found = connection.execute(written_times)
        _write_sqlite(files.sqlite, iter(lambda: found.fetchmany(_BATCH), []))


def _write_parquet(path: Path, rows: int) -> None:
    types = [pa.string(), pa.timestamp("us", "UTC"), pa.string(), pa.float64(), pa.int64(), pa.string()]
    names = [column.name for column in CONTRACT.columns]
    schema = pa.schema(list(zip(names, types, strict=True)))
    with parquet.ParquetWriter(path, schema) as writer:
        for first in range(0, rows, _BATCH):
            events = [event(number) for number in range(first, min(first + _BATCH, rows))]
            columns = zip(*(vars(one).values() for one in events), strict=True)
            writer.write_table(pa.table([list(column) for column in columns], schema=schema))


def _write_duckdb(path: Path, rows: Path) -> None:
    connection = open_duckdb(path, [rows_table(CONTRACT)])
    connection.execute("SET TimeZone = 'UTC'")
    # Behind the contract's columns stand those that ingest fills: a message's id, two times, what is unknown.
    connection.execute(
        f"INSERT INTO {CONTRACT.dataset}.{TABLE} SELECT *, id, timestamp, timestamp, NULL FROM '{rows}'"
    )
    connection.execute("CHECKPOINT")
    connection.close()


def _write_sqlite(path: Path, batches: Iterator[list[Row]]) -> None:
    connection = sqlite3.connect(path)
    connection.execute(
        f"CREATE TABLE {TABLE} (id TEXT PRIMARY KEY, timestamp TEXT, data TEXT, amount REAL, "
        "quantity INTEGER, category TEXT)"
    )
    for batch in batches:
        connection.executemany(f"INSERT INTO {TABLE} VALUES (?, ?, ?, ?, ?, ?)", batch)
    connection.execute(f"CREATE INDEX by_time ON {TABLE} (timestamp, id)")
    connection.execute(f"CREATE INDEX by_category ON {TABLE} (category)")
    connection.execute("ANALYZE")
    connection.commit()
    connection.close()
