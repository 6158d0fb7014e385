"""Answers questions from the embedded warehouse. May not write.

Every reading thread has its own cursor, so reads go on while the writer commits.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from queue import SimpleQueue
from typing import TypeVar

import duckdb

from exposure.clock import now
from exposure.contracts.model import Contract
from exposure.query.aggregate import Aggregation
from exposure.query.model import Query, Row, Snapshot
from exposure.warehouse.aggregate_sql import compile_aggregate, group_columns
from exposure.warehouse.bounded_threads import BoundedThreads
from exposure.warehouse.duckdb_aggregate_dialect import DuckDBAggregateDialect
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.duckdb_errors import warehouse_error
from exposure.warehouse.duckdb_stream import DuckDBStream
from exposure.warehouse.duckdb_values import bindable, in_utc
from exposure.warehouse.groups import cut_groups
from exposure.warehouse.pages import Fetched, cut_page, fetch_within
from exposure.warehouse.port import (
    Groups,
    Page,
    Plan,
    SnapshotExpired,
    Unavailability,
    WarehouseUnavailable,
)
from exposure.warehouse.schema import rows_table
from exposure.warehouse.sql import Statement, compile_select, compile_stream
from exposure.warehouse.stream_pace import StreamPace

T = TypeVar("T")
Question = TypeVar("Question", bound=Query | Aggregation)
# Few enough that rows of megabytes do not become many before they are weighed.
_ROWS_AT_A_TIME = 64
_DIALECT = DuckDBDialect()
_GROUPS = DuckDBAggregateDialect(_DIALECT)


@dataclass(frozen=True)
class DuckDBReaderLimits:
    """How much one reader does at a time, and how long one question may take.

    A stream has threads of its own; `deadline` bounds each part of it and `stream_deadline` the whole.
    """

    deadline: timedelta = timedelta(seconds=8)
    threads: int = 4
    queue: int = 256
    streams: int = 4
    stream_deadline: timedelta = timedelta(minutes=10)


class DuckDBReader:
    """Reads pages on a few threads; a question past its deadline is interrupted."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        limits: DuckDBReaderLimits | None = None,
        clock: Callable[[], datetime] = now,
        compile_groups: Callable[[Aggregation], Statement] = lambda asked: compile_aggregate(asked, _GROUPS),
    ) -> None:
        """Read through cursors of the connection; `compile_groups` writes a question for groups."""
        self._compile_groups = compile_groups
        self._limits = limits or DuckDBReaderLimits()
        self._clock = clock
        self._threads = BoundedThreads("duckdb-reader", self._limits.threads, self._limits.queue)
        self._running: set[_Run] = set()
        self._connection = connection
        self._stream_threads = BoundedThreads("duckdb-stream", self._limits.streams, 0)
        self._streams: set[DuckDBStream] = set()
        self._cursors: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        for _ in range(self._limits.threads):
            self._cursors.put(connection.cursor())

    async def select(self, query: Query) -> Page:
        """Return one page; raises WarehouseUnavailable past the deadline or when too many wait."""
        moment = Snapshot(self._clock())
        pinned, fetched = await self._run(lambda cursor: _page_of(cursor, _checked(query), moment))
        columns = (*query.columns, *(order.column for order in query.order))
        rows = Fetched(in_utc(columns, fetched.rows), fetched.is_cut)
        return cut_page(query, rows, pinned.snapshot or moment, bytes_billed=0)

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        """Return the groups; see `Reader`."""
        statement = self._compile_groups(_checked(aggregation))
        moment = aggregation.snapshot or Snapshot(self._clock())
        rows = in_utc(group_columns(aggregation), await self._rows(statement))
        return cut_groups(aggregation, rows, moment.at, bytes_billed=0)

    async def estimate(self, counted: Aggregation) -> Groups:
        """Return the exact number: rows are stored once here, and counting all of them reads none."""
        return await self.aggregate(counted)

    async def explain(self, question: Query | Aggregation) -> Plan:
        """Return what would be run and DuckDB's own plan of it, which holds no estimate of bytes."""
        moment = Snapshot(self._clock())
        statement, steps = await self._run(lambda cursor: self._explained(cursor, _checked(question), moment))
        parameters = {one.name: one.value for one in statement.parameters}
        return Plan("duckdb", statement.text, parameters, None, "\n".join(str(step[-1]) for step in steps))

    async def stream(self, query: Query) -> DuckDBStream:
        """Return all rows of the query, read as they are asked for; see `Reader`."""
        statement = compile_stream(_checked(query), _DIALECT)
        moment = query.snapshot or Snapshot(self._clock())
        self._streams = {one for one in self._streams if one.is_open}
        if len(self._streams) >= self._limits.streams:
            message = "as many answers are read as streams as may be"
            raise WarehouseUnavailable(message, Unavailability.BUSY)
        pace = StreamPace.beginning_now(self._limits.deadline, self._limits.stream_deadline)
        cursor = self._connection.cursor()
        stream = DuckDBStream(cursor, query.columns, moment.at, self._stream_threads, pace)
        self._streams.add(stream)
        await stream.begin(statement)
        return stream

    async def newest(self, contract: Contract) -> Snapshot:
        """Return now, and how many rows the table holds."""
        # The instant first: whatever is not counted was stored after it.
        moment = Snapshot(self._clock())
        return await self._run(lambda cursor: _counted(cursor, contract, moment))

    async def stored(self, query: Query) -> DuckDBStream:
        """Return every stored row that meets the filters: here a key is stored once."""
        return await self.stream(query)

    async def close(self) -> None:
        """Interrupt running questions and streams; return when no thread is at the connection any more."""
        self.release()
        await asyncio.to_thread(self.join)

    def release(self) -> None:
        """Interrupt running questions and streams; take no more."""
        self._threads.close()
        self._stream_threads.close()
        for stream in self._streams:
            stream.close()
        for run in list(self._running):
            run.give_up()

    def join(self) -> None:
        """Wait, after `release`, for the threads; blocks, so it is for a thread."""
        self._threads.join()
        self._stream_threads.join()

    async def _rows(self, statement: Statement) -> list[Row]:
        return await self._run(lambda cursor: _execute(cursor, statement).fetchall())

    async def _run(self, ask: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        run = _Run()
        self._running.add(run)
        try:
            return await self._threads.run(lambda: self._ask(run, ask), self._limits.deadline)
        finally:
            run.give_up()
            self._running.discard(run)

    def _explained(
        self, cursor: duckdb.DuckDBPyConnection, question: Query | Aggregation, moment: Snapshot
    ) -> tuple[Statement, list[Row]]:
        if isinstance(question, Aggregation):
            statement = self._compile_groups(question)
        else:
            statement = compile_select(_pinned(cursor, question, moment), _DIALECT)
        return statement, _execute(cursor, replace(statement, text=f"EXPLAIN {statement.text}")).fetchall()

    def _ask(self, run: _Run, ask: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        cursor = self._cursors.get()
        try:
            run.begin(cursor)
            return ask(cursor)
        except duckdb.Error as error:
            raise warehouse_error(error) from error
        finally:
            run.end()
            self._cursors.put(cursor)


def _checked(question: Question) -> Question:
    """Return the question; raises SnapshotExpired when its snapshot is another warehouse's."""
    if question.snapshot is not None and question.snapshot.rows is None:
        raise SnapshotExpired("DuckDB: the snapshot does not say how many rows there were")
    return question


def _pinned(cursor: duckdb.DuckDBPyConnection, query: Query, moment: Snapshot) -> Query:
    """Return the query with a snapshot: of the rows there are now, unless it has one or needs none."""
    if query.snapshot is not None or query.is_of_one_key:
        return query
    # Before the page is read: what is stored between the two is left out of this page as of the next ones.
    return replace(query, snapshot=_counted(cursor, query.contract, moment))


def _counted(cursor: duckdb.DuckDBPyConnection, contract: Contract, moment: Snapshot) -> Snapshot:
    """Return the moment with the number of rows there are now."""
    found = cursor.execute(_DIALECT.count_stored(rows_table(contract))).fetchall()
    return replace(moment, rows=found[0][0])


def _page_of(cursor: duckdb.DuckDBPyConnection, query: Query, moment: Snapshot) -> tuple[Query, Fetched]:
    pinned = _pinned(cursor, query, moment)
    _execute(cursor, compile_select(pinned, _DIALECT))
    parts = iter(lambda: cursor.fetchmany(_ROWS_AT_A_TIME), [])
    return pinned, fetch_within(chain.from_iterable(parts))


def _execute(cursor: duckdb.DuckDBPyConnection, statement: Statement) -> duckdb.DuckDBPyConnection:
    return cursor.execute(statement.text, {one.name: bindable(one.value) for one in statement.parameters})


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
