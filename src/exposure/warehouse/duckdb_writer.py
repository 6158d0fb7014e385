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
from exposure.warehouse.arrow import arrow_schema, record_batch
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.port import WarehouseUnavailable
from exposure.warehouse.schema import Table

_DIALECT = DuckDBDialect()
# A row's own fault: a missing value, or one outside the column's range.
_ROW_ERRORS = (
    duckdb.ConstraintException, duckdb.ConversionException, duckdb.OutOfRangeException,
    pa.ArrowInvalid, pa.ArrowTypeError, OverflowError,
)  # fmt: skip


class DuckDBWriter:
    """Appends on one thread; each append is one committed transaction, so it survives a power cut."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._cursor = connection.cursor()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="duckdb-writer")
        self._schemas: dict[Table, pa.Schema] = {}

    async def append(self, table: Table, rows: Sequence[Row]) -> Mapping[int, str]:
        """Store the rows, one per key; return why a row was refused, by its index."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._append, table, rows)

    async def ready(self) -> None:
        """Return at once: an open file accepts appends."""

    async def close(self) -> None:
        """Finish the appends already accepted."""
        await asyncio.to_thread(self._executor.shutdown)

    def _append(self, table: Table, rows: Sequence[Row]) -> dict[int, str]:
        if not rows:
            return {}
        try:
            self._insert(table, rows)
        except _ROW_ERRORS as error:
            if len(rows) == 1:
                return {0: str(error).splitlines()[0]}
            half = len(rows) // 2
            left, right = self._append(table, rows[:half]), self._append(table, rows[half:])
            return left | {half + index: reason for index, reason in right.items()}
        except duckdb.Error as error:
            raise WarehouseUnavailable(f"DuckDB: {error}") from error
        return {}

    def _insert(self, table: Table, rows: Sequence[Row]) -> None:
        batch = pa.Table.from_batches([record_batch(self._schema(table), rows)])
        self._cursor.register("batch", batch.cast(_without_zone(batch.schema)))
        try:
            self._cursor.execute(_DIALECT.insert(table, "batch"))
        finally:
            self._cursor.unregister("batch")

    def _schema(self, table: Table) -> pa.Schema:
        if table not in self._schemas:
            self._schemas[table] = arrow_schema(table.columns)
        return self._schemas[table]


def _without_zone(schema: pa.Schema) -> pa.Schema:
    """Return the schema with instants as DuckDB keeps them; the table, not the cast, refuses a NULL."""
    plain = pa.timestamp("us")
    fields = [field.with_type(plain) if pa.types.is_timestamp(field.type) else field for field in schema]
    return pa.schema([field.with_nullable(True) for field in fields])
