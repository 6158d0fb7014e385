"""Answers questions from BigQuery. May not write.

The client library is synchronous, so questions run on a few threads. Each is bounded three times: in time,
in bytes billed, and in how many may wait; what nobody waits for any more is cancelled. Nothing is kept.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from google.cloud import bigquery

from exposure.clock import now
from exposure.contracts.model import Column, Contract
from exposure.query.aggregate import Aggregation
from exposure.query.model import Query, Snapshot
from exposure.warehouse.aggregate_sql import compile_aggregate, compile_question, group_columns
from exposure.warehouse.bigquery_aggregate_dialect import BigQueryAggregateDialect, BigQueryStoredDialect
from exposure.warehouse.bigquery_calls import BigQueryCall
from exposure.warehouse.bigquery_dialect import BigQueryDialect
from exposure.warehouse.bigquery_errors import FAILURES, warehouse_error
from exposure.warehouse.bigquery_plan import dry_run, stored_rows, table_path
from exposure.warehouse.bigquery_snapshot import SnapshotWindow, blamed
from exposure.warehouse.bigquery_stream import PAGE_ROWS, BigQueryStream, FinishedQuery
from exposure.warehouse.bigquery_values import converters, query_parameter, row_values
from exposure.warehouse.bounded_threads import BoundedThreads
from exposure.warehouse.groups import cut_groups
from exposure.warehouse.pages import Fetched, cut_page, fetch_within
from exposure.warehouse.port import Groups, Page, Plan, SnapshotExpired, Unavailability, WarehouseUnavailable
from exposure.warehouse.schema import rows_table
from exposure.warehouse.sql import Statement, compile_select, compile_stream
from exposure.warehouse.stream_pace import StreamPace

T = TypeVar("T")
# https://cloud.google.com/bigquery/pricing: a query bills whole MiB, at least 10 for each table it reads.
_MIB = 2**20
_LEAST_BILLED = 10 * _MIB
# Below it the client library would ask the service to wait for no time at all.
_LEAST_SECONDS = 0.5
# Most questions are answered by then; those that are not take two more requests each.
_JOB_KNOWN_SECONDS = 3.0


@dataclass(frozen=True)
class BigQueryReaderLimits:
    """How much one reader does at a time, and what one question may take and bill.

    `threads` and `streams` together are how many connections the client should keep open. A stream has
    threads of its own; `deadline` bounds its query and each part of it, `stream_deadline` the whole.

    A walk's snapshot lies `snapshot_lag` before its beginning: BigQuery refuses an instant that its own clock
    has not reached. It ends `time_travel` after it: that is what a dataset keeps, 7 days unless it is told.
    """

    deadline: timedelta = timedelta(seconds=8)
    max_bytes_billed: int = 10 * 2**30
    threads: int = 16
    queue: int = 64
    streams: int = 4
    stream_deadline: timedelta = timedelta(minutes=10)
    snapshot_lag: timedelta = timedelta(seconds=1)
    time_travel: timedelta = timedelta(days=7)

    def __post_init__(self) -> None:
        """Refuse, with ValueError, bounds within which no question could be answered."""
        if self.deadline.total_seconds() <= _LEAST_SECONDS:
            raise ValueError(f"the deadline must be longer than {_LEAST_SECONDS} s")
        if self.max_bytes_billed < _LEAST_BILLED:
            raise ValueError(f"max_bytes_billed is below {_LEAST_BILLED}, which every query bills")


@dataclass(frozen=True)
class _Answer:
    fetched: Fetched
    bytes_billed: int


class BigQueryReader:
    """Reads pages with `jobs.query`, which makes a job only where the answer is long."""

    def __init__(
        self,
        client: bigquery.Client,
        limits: BigQueryReaderLimits | None = None,
        clock: Callable[[], datetime] = now,
        storage: Callable[[], Any] | None = None,
    ) -> None:
        """Read through the client, and streams through the BigQueryReadClient `storage` returns, if any."""
        self._client = client
        self._storage = storage
        self._limits = limits or BigQueryReaderLimits()
        self._clock = clock
        self._window = SnapshotWindow(self._limits.snapshot_lag, self._limits.time_travel)
        self._dialect = BigQueryDialect(client.project)
        self._threads = BoundedThreads("bigquery-reader", self._limits.threads, self._limits.queue)
        self._stream_threads = BoundedThreads("bigquery-stream", self._limits.streams, 0)
        self._streams: set[BigQueryStream] = set()
        self._opening = 0

    async def select(self, query: Query) -> Page:
        """Return one page; see `Reader`."""
        now = self._clock()
        pinned = self._window.pin(query, now)
        statement = compile_select(pinned, self._dialect)
        columns = (*query.columns, *(order.column for order in query.order))
        try:
            answer = await self._run(functools.partial(self._answer, query, statement, columns))
        except SnapshotExpired as error:
            raise blamed(error, query) from error
        snapshot = pinned.snapshot or Snapshot(now)
        return cut_page(query, answer.fetched, snapshot, bytes_billed=answer.bytes_billed)

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        """Return the groups; see `Reader`."""
        return await self._groups(aggregation, self._dialect)

    async def estimate(self, counted: Aggregation) -> Groups:
        """Return about how many rows there are: of all rows what the table says, else those stored."""
        if counted.filters:
            return await self._groups(counted, BigQueryStoredDialect(self._client.project))
        as_of = self._clock()
        path = table_path(rows_table(counted.contract), self._client.project)
        rows = await self._run(lambda call: stored_rows(self._client, path, _left(call)))
        return Groups([(rows,)], complete=True, as_of=as_of, bytes_billed=0)

    async def explain(self, question: Query | Aggregation) -> Plan:
        """Return what would be run, and what a dry run says it would read at most."""
        if isinstance(question, Query):
            question = self._window.pin(question, self._clock())
        statement = compile_question(question, BigQueryAggregateDialect(self._dialect))
        return await self._run(lambda call: self._plan(question, statement, call))

    async def stream(self, query: Query) -> BigQueryStream:
        """Run the query and return its rows, unread; see `Reader`."""
        return await self._stream(query, self._dialect)

    async def newest(self, contract: Contract) -> Snapshot:
        """Return the newest moment any table can be read at; nothing is asked."""
        del contract
        return self._window.newest_at(self._clock())

    async def stored(self, query: Query) -> BigQueryStream:
        """Return every stored row that meets the filters, a key's several times if it is."""
        return await self._stream(query, BigQueryStoredDialect(self._client.project))

    async def _stream(self, query: Query, dialect: BigQueryDialect) -> BigQueryStream:
        as_of = self._checked(query)
        statement = compile_stream(query, dialect)
        self._streams = {one for one in self._streams if one.is_open}
        if len(self._streams) + self._opening >= self._limits.streams:
            message = "as many answers are read as streams as may be"
            raise WarehouseUnavailable(message, Unavailability.BUSY)
        pace = StreamPace.beginning_now(self._limits.deadline, self._limits.stream_deadline)
        finish = functools.partial(self._finish, query, statement, as_of)
        self._opening += 1
        try:
            finished = await self._run(finish, self._stream_threads)
        finally:
            self._opening -= 1
        stream = BigQueryStream(finished, self._stream_threads, pace)
        self._streams.add(stream)
        return stream

    async def close(self) -> None:
        """Drop the questions that wait and close the connections."""
        self._threads.close()
        self._stream_threads.close()
        for stream in self._streams:
            stream.close()
        self._client.close()  # type: ignore[no-untyped-call]

    async def _run(self, ask: Callable[[BigQueryCall], T], threads: BoundedThreads | None = None) -> T:
        deadline = self._limits.deadline
        call = BigQueryCall(self._client, deadline)
        try:
            return await (threads or self._threads).run(lambda: call.run(ask), deadline)
        finally:
            # Past its deadline, or nobody waits for it any more; of one that has ended nothing is left.
            call.give_up()

    async def _groups(self, aggregation: Aggregation, dialect: BigQueryDialect) -> Groups:
        statement = compile_aggregate(aggregation, BigQueryAggregateDialect(dialect))
        as_of, columns = self._checked(aggregation), group_columns(aggregation)
        answer = await self._run(functools.partial(self._answer, aggregation, statement, columns))
        return cut_groups(aggregation, answer.fetched.rows, as_of, bytes_billed=answer.bytes_billed)

    def _checked(self, question: Query | Aggregation) -> datetime:
        """Return the moment the question is about; raises SnapshotExpired."""
        now = self._clock()
        self._window.check(question, now)
        return question.snapshot.at if question.snapshot else now

    def _plan(self, question: Query | Aggregation, statement: Statement, call: BigQueryCall) -> Plan:
        seconds = _left(call)
        config = self._job_config(question, statement, seconds, "explain")
        return dry_run(self._client, statement, config, seconds)

    def _answer(
        self,
        query: Query | Aggregation,
        statement: Statement,
        columns: tuple[Column, ...],
        call: BigQueryCall,
    ) -> _Answer:
        seconds = _left(call)
        try:
            found = self._ask(query, statement, seconds)
            converts = converters(columns)
            rows = (row_values(row, converts) for row in found)
            # Its client asks for the rest of an answer as it is read.
            fetched = fetch_within(rows) if isinstance(query, Query) else Fetched(list(rows))
        except FAILURES as error:
            raise warehouse_error(error) from error
        is_whole = fetched.is_cut or found.total_rows == len(fetched.rows)
        if not is_whole or len(found.schema) != len(converts):
            raise WarehouseUnavailable("BigQuery: the answer is not whole")
        return _Answer(fetched, _billed(found.total_bytes_processed or 0))

    def _finish(
        self, query: Query, statement: Statement, as_of: datetime, call: BigQueryCall
    ) -> FinishedQuery:
        seconds = _left(call)
        try:
            found = self._ask(query, statement, seconds, page_rows=PAGE_ROWS)
        except FAILURES as error:
            raise warehouse_error(error) from error
        if len(found.schema) != len(query.columns):
            raise WarehouseUnavailable("BigQuery: the answer is not whole")
        billed = _billed(found.total_bytes_processed or 0)
        storage = None if self._storage is None else self._storage()
        return FinishedQuery(found, query.columns, as_of, billed, storage)

    def _ask(
        self, query: Query | Aggregation, statement: Statement, seconds: float, page_rows: int | None = None
    ) -> bigquery.table.RowIterator:
        endpoint = "export" if page_rows else _endpoint(query)
        # The library's own retries would go on for 10 minutes a call and 40 a job.
        return self._client.query_and_wait(
            statement.text,
            job_config=self._job_config(query, statement, seconds, endpoint),
            location=self._client.location,
            page_size=page_rows,
            # How long the service may keep its answer back before it says which job to ask for: only then can
            # one that nobody waits for be cancelled. Rows of a stream are read long after this call.
            api_timeout=seconds if page_rows else min(seconds, _JOB_KNOWN_SECONDS),
            wait_timeout=seconds,
            retry=bigquery.DEFAULT_RETRY.with_timeout(seconds),
            job_retry=None,  # type: ignore[arg-type]  # documented as "no retries of jobs"
        )

    def _job_config(
        self, query: Query | Aggregation, statement: Statement, seconds: float, endpoint: str
    ) -> bigquery.QueryJobConfig:
        most = self._limits.max_bytes_billed
        # Only options that jobs.query takes; any other would quietly cost it the fast path.
        config = bigquery.QueryJobConfig(
            query_parameters=[query_parameter(one) for one in statement.parameters],
            maximum_bytes_billed=min(most, query.contract.max_bytes_billed or most),
            use_query_cache=True,
            labels={"contract": query.contract.name, "endpoint": endpoint},
        )
        config.job_timeout_ms = int(seconds * 1000)
        return config


def _endpoint(query: Query | Aggregation) -> str:
    if isinstance(query, Aggregation):
        return "aggregate"
    return "row" if query.is_of_one_key else "rows"


def _left(call: BigQueryCall) -> float:
    seconds = call.left
    if seconds < _LEAST_SECONDS:
        message = "no time was left when a thread became free"
        raise WarehouseUnavailable(message, Unavailability.BUSY)
    return seconds


def _billed(bytes_processed: int) -> int:
    if not bytes_processed:
        return 0
    return max(_LEAST_BILLED, -(-bytes_processed // _MIB) * _MIB)
