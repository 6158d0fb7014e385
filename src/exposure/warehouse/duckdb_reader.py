"""Answers questions from the embedded warehouse. May not write.

Every reading thread has its own cursor, so reads go on while the writer commits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import SimpleQueue

import duckdb

from exposure.clock import now
from exposure.query.model import Query, Row
from exposure.warehouse.bounded_threads import BoundedThreads
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.duckdb_errors import warehouse_error
from exposure.warehouse.duckdb_values import bindable, in_utc
from exposure.warehouse.pages import cut_page
from exposure.warehouse.port import Page, WarehouseUnavailable
from exposure.warehouse.sql import Statement, compile_select

_DIALECT = DuckDBDialect()


@dataclass(frozen=True)
class DuckDBReaderLimits:
    """How much one reader does at a time, and how long one question may take."""

    deadline: timedelta = timedelta(seconds=8)
    threads: int = 4
    queue: int = 256


class DuckDBReader:
    """Reads pages on a few threads; a question past its deadline is interrupted."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        limits: DuckDBReaderLimits | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._limits = limits or DuckDBReaderLimits()
        self._clock = clock
        self._threads = BoundedThreads("duckdb-reader", self._limits.threads, self._limits.queue)
        self._running: set[_Run] = set()
        self._cursors: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        for _ in range(self._limits.threads):
            self._cursors.put(connection.cursor())

    async def select(self, query: Query) -> Page:
        """Return one page; raises WarehouseUnavailable past the deadline or when too many wait."""
        statement = compile_select(query, _DIALECT)
        as_of = self._clock()
        run = _Run()
        self._running.add(run)
        try:
            rows = await self._threads.run(lambda: self._fetch(statement, run), self._limits.deadline)
        finally:
            run.give_up()
            self._running.discard(run)
        columns = (*query.columns, *(order.column for order in query.order))
        return cut_page(query, in_utc(columns, rows), as_of, bytes_billed=0)

    async def close(self) -> None:
        """Release the threads; running questions are interrupted."""
        self._threads.close()
        for run in list(self._running):
            run.give_up()

    def _fetch(self, statement: Statement, run: _Run) -> list[Row]:
        cursor = self._cursors.get()
        try:
            run.begin(cursor)
            cursor.execute(statement.text, {one.name: bindable(one.value) for one in statement.parameters})
            return cursor.fetchall()
        except duckdb.Error as error:
            raise warehouse_error(error) from error
        finally:
            run.end()
            self._cursors.put(cursor)


class _Run:
    """One question's hold on a cursor: giving it up never interrupts the cursor's next question."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._given_up = False

    def begin(self, cursor: duckdb.DuckDBPyConnection) -> None:
        with self._lock:
            if self._given_up:
                raise WarehouseUnavailable("nobody waits for the answer any more")
            self._cursor = cursor

    def end(self) -> None:
        with self._lock:
            self._cursor = None

    def give_up(self) -> None:
        with self._lock:
            self._given_up = True
            if self._cursor is not None:
                self._cursor.interrupt()
