"""Answers questions from the embedded warehouse. May not write.

Every reading thread has its own cursor, so reads go on while the writer commits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue

import duckdb

from exposure.contracts.model import Column
from exposure.contracts.types import Array, LogicalType, Object, Scalar
from exposure.query.model import Query, Row
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.pages import cut_page, now
from exposure.warehouse.port import Page, WarehouseUnavailable
from exposure.warehouse.sql import Statement, compile_select

_DIALECT = DuckDBDialect()


class DuckDBReader:
    """Reads pages on a few threads; a question past its deadline is interrupted."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        *,
        threads: int = 4,
        deadline: timedelta = timedelta(seconds=8),
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._deadline = deadline
        self._clock = clock
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="duckdb-reader")
        self._cursors: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        for _ in range(threads):
            self._cursors.put(connection.cursor())

    async def select(self, query: Query) -> Page:
        """Return one page; raises WarehouseUnavailable past the deadline."""
        statement = compile_select(query, _DIALECT)
        as_of = self._clock()
        running: list[duckdb.DuckDBPyConnection] = []
        answer = asyncio.get_running_loop().run_in_executor(self._executor, self._fetch, statement, running)
        try:
            rows = await asyncio.wait_for(answer, self._deadline.total_seconds())
        except TimeoutError as error:
            for cursor in running:
                cursor.interrupt()
            raise WarehouseUnavailable("the question took longer than its deadline") from error
        columns = (*query.columns, *(order.column for order in query.order))
        return cut_page(query, _in_utc(columns, rows), as_of, bytes_billed=0)

    async def close(self) -> None:
        """Release the threads; a running question is interrupted by closing the connection."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, statement: Statement, running: list[duckdb.DuckDBPyConnection]) -> list[Row]:
        cursor = self._cursors.get()
        running.append(cursor)
        try:
            cursor.execute(statement.text, _values(statement))
            return cursor.fetchall()
        except duckdb.Error as error:
            raise WarehouseUnavailable(f"DuckDB: {error}") from error
        finally:
            running.clear()
            self._cursors.put(cursor)


def _values(statement: Statement) -> dict[str, object]:
    return {one.name: _bindable(one.value) for one in statement.parameters}


def _bindable(value: object) -> object:
    if isinstance(value, tuple):
        return [_bindable(one) for one in value]
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def _in_utc(columns: Sequence[Column], rows: Sequence[Row]) -> Sequence[Row]:
    """Give the instants, which DuckDB keeps without zone, their zone back."""
    naive = {index for index, column in enumerate(columns) if _holds_instants(column.type)}
    if not naive:
        return rows
    return [
        tuple(_aware(value) if index in naive else value for index, value in enumerate(row)) for row in rows
    ]


def _holds_instants(logical_type: LogicalType) -> bool:
    if isinstance(logical_type, Array):
        return _holds_instants(logical_type.of)
    if isinstance(logical_type, Object):
        return any(_holds_instants(field.type) for field in logical_type.fields)
    return logical_type is Scalar.TIMESTAMP


def _aware(value: object) -> object:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    if isinstance(value, dict):
        return {name: _aware(one) for name, one in value.items()}
    return [_aware(one) for one in value] if isinstance(value, list) else value
