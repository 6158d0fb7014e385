"""An adapter's two sides on the tables of one contract: DuckDB in memory, or BigQuery's emulator."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

import duckdb

from exposure.contracts.model import Contract
from exposure.query.model import Row
from exposure.warehouse.bigquery_client import bigquery_client
from exposure.warehouse.bigquery_dialect import BigQueryDialect
from exposure.warehouse.bigquery_reader import BigQueryReader, BigQueryReaderLimits
from exposure.warehouse.bigquery_writer import BigQueryWriter
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.port import Reader, Writer
from exposure.warehouse.schema import Table, quarantine_table, rows_table
from fakes.bigquery_emulator import LOCATION, PROJECT, BigQueryEmulator
from fakes.bigquery_rest import BigQueryRest
from fakes.rows import NOON


@dataclasses.dataclass(frozen=True)
class House:
    """One adapter's two sides on the tables of one contract; `stored` reads a table past the port."""

    contract: Contract
    writer: Writer
    reader: Reader
    stored: Callable[[Table], Sequence[Row]]

    async def put(self, *rows: Row) -> None:
        """Store rows of the contract in one append, every one of them."""
        refused = await self.writer.append(rows_table(self.contract), rows)
        assert refused == {}, refused


Build = Callable[[Contract], AbstractAsyncContextManager[House]]


@asynccontextmanager
async def duckdb_house(contract: Contract) -> AsyncIterator[House]:
    """Build a house in memory."""
    connection = open_duckdb(None, [rows_table(contract), quarantine_table(contract)])
    try:
        async with duckdb_house_on(connection, contract) as house:
            yield house
    finally:
        connection.close()


@asynccontextmanager
async def duckdb_house_on(connection: duckdb.DuckDBPyConnection, contract: Contract) -> AsyncIterator[House]:
    """Build a house on a connection that has the contract's tables, and leave it open."""
    writer, reader = DuckDBWriter(connection), DuckDBReader(connection)

    def stored(table: Table) -> Sequence[Row]:
        text = f"SELECT * FROM {DuckDBDialect().path(table)}"  # noqa: S608  # the table is a contract's
        return connection.cursor().execute(text).fetchall()

    try:
        yield House(contract, writer, reader, stored)
    finally:
        await writer.close()
        await reader.close()


@asynccontextmanager
async def bigquery_house(emulator: BigQueryEmulator, contract: Contract) -> AsyncIterator[House]:
    """Build a house in a dataset of its own."""
    contract = dataclasses.replace(contract, dataset=f"dataset_{uuid.uuid4().hex}")
    tables = [rows_table(contract), quarantine_table(contract)]
    emulator.create(tables)
    client = bigquery_client(PROJECT, LOCATION, connections=2, endpoint=emulator.rest)
    # The emulator has the clock of the tests.
    limits = BigQueryReaderLimits(snapshot_lag=timedelta(0))
    writer, reader = BigQueryWriter(PROJECT, tables, endpoint=emulator.grpc), BigQueryReader(client, limits)

    def stored(table: Table) -> Sequence[Row]:
        text = f"SELECT * FROM {BigQueryDialect(PROJECT).path(table)}"  # noqa: S608  # the table is a contract's
        return [tuple(row) for row in client.query(text).result()]

    try:
        yield House(contract, writer, reader, stored)
    finally:
        await writer.close()
        await reader.close()


def rest_reader(rest: BigQueryRest, limits: BigQueryReaderLimits) -> BigQueryReader:
    """Return a reader of the canned service, for which it is always noon."""
    client = bigquery_client("some-project", "EU", connections=limits.threads, endpoint=rest.address)
    return BigQueryReader(client, limits, clock=lambda: NOON)
