"""Appends to the embedded warehouse. May not read.

One thread writes, and each append is one committed transaction: what it answered survives a power cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pyarrow as pa

from exposure.query.model import Row
from exposure.warehouse.arrow import record_batch
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.duckdb_errors import ROW_ERRORS, warehouse_error
from exposure.warehouse.duckdb_values import unzoned_schema
from exposure.warehouse.port import WarehouseUnavailable
from exposure.warehouse.schema import Table

_DIALECT = DuckDBDialect()


class DuckDBWriter:
    """Appends on one thread; the first row stored under a key stays, a later one is no error."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._cursor = connection.cursor()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="duckdb-writer")
        self._schemas: dict[Table, pa.Schema] = {}
        self._closed = False

    async def append(self, table: Table, rows: Sequence[Row]) -> Mapping[int, str]:
        """Store the rows, one per key; return why a row was refused, by its index."""
        await self.ready()
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._append, table, rows)

    async def ready(self) -> None:
        """Return at once while the file is open; raise WarehouseUnavailable once closed."""
        if self._closed:
            raise WarehouseUnavailable("the writer is closed")

    async def close(self) -> None:
        """Finish the appends already accepted."""
        self._closed = True
        await asyncio.to_thread(self._executor.shutdown)

    def _append(self, table: Table, rows: Sequence[Row]) -> dict[int, str]:
        """Store the rows at once; when that fails for a row's fault, look for the row by halves."""
        if not rows:
            return {}
        try:
            self._insert(table, rows)
        except ROW_ERRORS as error:
            if len(rows) == 1:
                return {0: str(error).splitlines()[0]}
            half = len(rows) // 2
            left, right = self._append(table, rows[:half]), self._append(table, rows[half:])
            return left | {half + index: reason for index, reason in right.items()}
        except duckdb.Error as error:
            raise warehouse_error(error) from error
        return {}

    def _insert(self, table: Table, rows: Sequence[Row]) -> None:
        batch = record_batch(self._schema(table), rows)
        self._cursor.register("batch", pa.Table.from_batches([batch]))
        try:
            self._cursor.execute(_DIALECT.insert(table, "batch"))
        finally:
            self._cursor.unregister("batch")

    def _schema(self, table: Table) -> pa.Schema:
        if table not in self._schemas:
            self._schemas[table] = unzoned_schema(table.columns)
        return self._schemas[table]
