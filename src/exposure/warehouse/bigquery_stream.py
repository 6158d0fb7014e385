"""All rows of one answer of BigQuery, read page by page off its result, which is a snapshot by nature.

With the client of the Storage Read API, and pyarrow, rows come as Arrow over gRPC; without them as JSON, a
page of a bounded number of rows a request. One call at a time; the next part is asked for when it is wanted.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from google.cloud import bigquery

from exposure.contracts.model import Column
from exposure.query.model import Row
from exposure.warehouse.bigquery_errors import FAILURES, warehouse_error
from exposure.warehouse.bigquery_values import converters, row_values
from exposure.warehouse.bounded_threads import BoundedThreads
from exposure.warehouse.port import WarehouseUnavailable
from exposure.warehouse.stream_pace import StreamPace

T = TypeVar("T")
PAGE_ROWS = 5000


@dataclass(frozen=True)
class FinishedQuery:
    """A query's result, not yet read: `columns` are those of its rows, in order.

    `storage` is the client of the Storage Read API, None for none.
    """

    found: bigquery.table.RowIterator
    columns: Sequence[Column]
    as_of: datetime
    bytes_billed: int
    storage: Any = None


class BigQueryStream:
    """Reads one finished query; its parts are those of `RowStream`."""

    def __init__(self, query: FinishedQuery, threads: BoundedThreads, pace: StreamPace) -> None:
        self._query = query
        self._threads = threads
        self._pace = pace
        self._source = _Source(query.found, query.columns, query.storage)
        self.is_open = True

    @property
    def as_of(self) -> datetime:
        """Return when the rows were read."""
        return self._query.as_of

    @property
    def bytes_billed(self) -> int:
        """Return what the query billed; reading its result on costs nothing."""
        return self._query.bytes_billed

    async def next_rows(self, most: int) -> Sequence[Row]:
        """Return the next rows; see `RowStream`."""
        return await self._call(lambda: self._source.rows(most))

    async def next_batch(self) -> Any:
        """Return the next batch; see `RowStream`."""
        return await self._call(self._source.batch)

    def close(self) -> None:
        """Ask for no more; a page under way is read and dropped."""
        if self.is_open:
            self.is_open = False
            # Ending a download waits for its threads, which the event loop must not.
            threading.Thread(target=self._source.close, name="bigquery-stream-close").start()

    async def _call(self, call: Callable[[], T]) -> T:
        if not self.is_open:
            raise WarehouseUnavailable("nobody reads the answer any more")
        try:
            return await self._threads.run(lambda: _translated(call), self._pace.for_next_part())
        except BaseException:
            # Whoever was cancelled or refused here has lost a part: nobody may go on reading behind it.
            self.close()
            raise


class _Source:
    """Where the parts come from; used by one thread at a time."""

    def __init__(self, found: bigquery.table.RowIterator, columns: Sequence[Column], storage: Any) -> None:
        self._found = found
        self._columns = columns
        self._storage = storage
        self._parts: Generator[Sequence[Row], None, None] | None = None
        self._batches: Generator[Any, None, None] | None = None
        self._left: Sequence[Row] = ()
        self._at = 0
        self._read = 0
        self._lock = threading.Lock()

    def close(self) -> None:
        with self._lock:
            for parts in (self._parts, self._batches):
                if parts is not None:
                    parts.close()

    def rows(self, most: int) -> Sequence[Row]:
        with self._lock:
            return self._next_rows(most)

    def batch(self) -> Any:
        with self._lock:
            return self._next_batch()

    def _next_rows(self, most: int) -> Sequence[Row]:
        if self._parts is None:
            self._parts = self._pages() if self._storage is None else self._rows_of_batches()
        while self._at == len(self._left):
            part = next(self._parts, None)
            if part is None:
                return self._end(())
            self._left, self._at = part, 0
        rows = self._left[self._at : self._at + most]
        self._at += len(rows)
        self._read += len(rows)
        return rows

    def _next_batch(self) -> Any:
        if self._batches is None:
            self._batches = self._made_batches() if self._storage is None else self._stored_batches()
        batch = next((one for one in self._batches if one.num_rows), None)
        if batch is None:
            return self._end(None)
        self._read += batch.num_rows
        return batch

    def _end(self, nothing: T) -> T:
        if self._read != self._found.total_rows:
            raise WarehouseUnavailable(
                f"BigQuery: the answer has {self._found.total_rows} rows, of which {self._read} came"
            )
        return nothing

    def _pages(self) -> Generator[Sequence[Row], None, None]:
        converts = converters(self._columns)
        for page in self._found.pages:
            yield [row_values(row, converts) for row in page]

    def _made_batches(self) -> Generator[Any, None, None]:
        from exposure.warehouse.arrow import readable_schema, record_batch

        schema = readable_schema(self._columns)
        for rows in self._pages():
            yield record_batch(schema, rows)

    def _stored_batches(self) -> Generator[Any, None, None]:
        from exposure.warehouse.arrow import readable_batch, readable_schema

        schema = readable_schema(self._columns)
        # One download stream, one part ahead: more would fetch what nobody has asked for yet.
        batches: Any = self._found.to_arrow_iterable(self._storage, max_queue_size=1, max_stream_count=1)
        # Closed with this generator: the library's own would go on until it is collected.
        with contextlib.closing(batches):
            for batch in batches:
                yield readable_batch(schema, batch)

    def _rows_of_batches(self) -> Generator[Sequence[Row], None, None]:
        with contextlib.closing(self._stored_batches()) as batches:
            for batch in batches:
                yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def _translated(call: Callable[[], T]) -> T:
    try:
        return call()
    except FAILURES as error:
        raise warehouse_error(error) from error
