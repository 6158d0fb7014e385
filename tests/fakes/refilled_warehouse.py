"""One embedded warehouse whose one table is filled anew for every example: making one takes longer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from exposure.contracts.model import Contract
from exposure.query.model import Row
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.schema import Table, rows_table


@dataclass(frozen=True)
class RefilledWarehouse:
    """A warehouse whose one table can be filled anew."""

    table: Table
    connection: duckdb.DuckDBPyConnection
    writer: DuckDBWriter
    reader: DuckDBReader

    async def fill(self, rows: Sequence[Row]) -> None:
        """Store these rows and no others."""
        self.connection.execute(f"DROP TABLE {DuckDBDialect().path(self.table)}")
        self.connection.execute(DuckDBDialect().create(self.table))
        assert not await self.writer.append(self.table, rows)


@contextmanager
def refilled_warehouse(contract: Contract) -> Iterator[RefilledWarehouse]:
    """Open a warehouse in memory with the contract's table."""
    table = rows_table(contract)
    connection = open_duckdb(None, [table])
    writer, reader = DuckDBWriter(connection), DuckDBReader(connection)
    yield RefilledWarehouse(table, connection, writer, reader)
    asyncio.run(writer.close())
    asyncio.run(reader.close())
    connection.close()
