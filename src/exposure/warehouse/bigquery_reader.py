"""Answers questions from BigQuery. May not write.

The client library is synchronous, so questions run on a few threads. Each is bounded three times: in time,
in bytes billed, and in how many may wait. Nothing is cached here.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from google.cloud import bigquery

from exposure.clock import now
from exposure.query.model import Operator, Query, Row
from exposure.warehouse.bigquery_dialect import BigQueryDialect
from exposure.warehouse.bigquery_errors import FAILURES, warehouse_error
from exposure.warehouse.bigquery_values import Converter, converters, query_parameter
from exposure.warehouse.bounded_threads import BoundedThreads
from exposure.warehouse.pages import cut_page
from exposure.warehouse.port import Page, WarehouseUnavailable
from exposure.warehouse.sql import Statement, compile_select

# https://cloud.google.com/bigquery/pricing: a query bills whole MiB, at least 10 for each table it reads.
_MIB = 2**20
_LEAST_BILLED = 10 * _MIB
# Below it the client library would ask the service to wait for no time at all.
_LEAST_SECONDS = 0.5


@dataclass(frozen=True)
class BigQueryReaderLimits:
    """How much one reader does at a time, and what one question may take and bill.

    `threads` is also how many connections the client should keep open.
    """

    deadline: timedelta = timedelta(seconds=8)
    max_bytes_billed: int = 10 * 2**30
    threads: int = 16
    queue: int = 64

    def __post_init__(self) -> None:
        """Refuse, with ValueError, bounds within which no question could be answered."""
        if self.deadline.total_seconds() <= _LEAST_SECONDS:
            raise ValueError(f"the deadline must be longer than {_LEAST_SECONDS} s")
        if self.max_bytes_billed < _LEAST_BILLED:
            raise ValueError(f"max_bytes_billed is below {_LEAST_BILLED}, which every query bills")


@dataclass(frozen=True)
class _Answer:
    rows: list[Row]
    bytes_billed: int


class BigQueryReader:
    """Reads pages with `jobs.query`, which makes a job only where the answer is long."""

    def __init__(
        self,
        client: bigquery.Client,
        limits: BigQueryReaderLimits | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._client = client
        self._limits = limits or BigQueryReaderLimits()
        self._clock = clock
        self._dialect = BigQueryDialect(client.project)
        self._threads = BoundedThreads("bigquery-reader", self._limits.threads, self._limits.queue)

    async def select(self, query: Query) -> Page:
        """Return one page; see `Reader`."""
        statement = compile_select(query, self._dialect)
        as_of = self._clock()
        until = time.monotonic() + self._limits.deadline.total_seconds()
        call = functools.partial(self._answer, query, statement, until)
        answer = await self._threads.run(call, self._limits.deadline)
        return cut_page(query, answer.rows, as_of, bytes_billed=answer.bytes_billed)

    async def close(self) -> None:
        """Drop the questions that wait and close the connections."""
        self._threads.close()
        self._client.close()  # type: ignore[no-untyped-call]

    def _answer(self, query: Query, statement: Statement, until: float) -> _Answer:
        seconds = until - time.monotonic()
        if seconds < _LEAST_SECONDS:
            raise WarehouseUnavailable("no time was left when a thread became free")
        try:
            found = self._ask(query, statement, seconds)
            converts = converters((*query.columns, *(order.column for order in query.order)))
            rows = [_row(row, converts) for row in found]
        except FAILURES as error:
            raise warehouse_error(error) from error
        if found.total_rows != len(rows) or len(found.schema) != len(converts):
            raise WarehouseUnavailable("BigQuery: the answer is not whole")
        return _Answer(rows, _billed(found.total_bytes_processed or 0))

    def _ask(self, query: Query, statement: Statement, seconds: float) -> bigquery.table.RowIterator:
        # The library's own retries would go on for 10 minutes a call and 40 a job.
        return self._client.query_and_wait(
            statement.text,
            job_config=self._job_config(query, statement, seconds),
            location=self._client.location,
            api_timeout=seconds,
            wait_timeout=seconds,
            retry=bigquery.DEFAULT_RETRY.with_timeout(seconds),
            job_retry=None,  # type: ignore[arg-type]  # documented as "no retries of jobs"
        )

    def _job_config(self, query: Query, statement: Statement, seconds: float) -> bigquery.QueryJobConfig:
        # Only options that jobs.query takes; any other would quietly cost it the fast path.
        config = bigquery.QueryJobConfig(
            query_parameters=[query_parameter(one) for one in statement.parameters],
            maximum_bytes_billed=self._limits.max_bytes_billed,
            use_query_cache=True,
            labels={"contract": query.contract.name, "endpoint": _endpoint(query)},
        )
        config.job_timeout_ms = int(seconds * 1000)
        return config


def _endpoint(query: Query) -> str:
    by_key = (one for one in query.filters if one.column.name == query.contract.key)
    return "row" if any(one.operator is Operator.EQ for one in by_key) else "rows"


def _row(row: bigquery.Row, converts: tuple[Converter | None, ...]) -> Row:
    # By index: Row.values() copies deeply what nobody else holds.
    return tuple(
        row[index] if convert is None else convert(row[index]) for index, convert in enumerate(converts)
    )


def _billed(bytes_processed: int) -> int:
    if not bytes_processed:
        return 0
    return max(_LEAST_BILLED, -(-bytes_processed // _MIB) * _MIB)
