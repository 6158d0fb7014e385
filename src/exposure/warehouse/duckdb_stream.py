"""All rows of one answer of the embedded warehouse, read part by part off one cursor.

The cursor's transaction is the snapshot: what is stored while the rows are read is not among them, and the
writer does not wait for the reader. One call at a time; the next part is computed when it is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import duckdb
import pyarrow as pa

from exposure.contracts.model import Column
from exposure.query.model import Row
from exposure.warehouse.arrow import readable_batch, readable_schema
from exposure.warehouse.bounded_threads import BoundedThreads
from exposure.warehouse.duckdb_errors import warehouse_error
from exposure.warehouse.duckdb_values import bindable, in_utc
from exposure.warehouse.port import WarehouseUnavailable
from exposure.warehouse.sql import Statement
from exposure.warehouse.stream_pace import StreamPace

T = TypeVar("T")
# DuckDB's own vector: a smaller batch is cut out of one, a larger one is copied together.
_BATCH_ROWS = 2048


class DuckDBStream:
    """Reads one statement; gives its cursor up at `close` and at the first failure."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        columns: Sequence[Column],
        as_of: datetime,
        threads: BoundedThreads,
        pace: StreamPace,
    ) -> None:
        self._columns = columns
        self._as_of = as_of
        self._threads = threads
        self._pace = pace
        self._hold = _Hold(cursor)
        self._batches: pa.RecordBatchReader | None = None

    @property
    def is_open(self) -> bool:
        """Return whether it still holds its cursor."""
        return not self._hold.is_given_up

    @property
    def as_of(self) -> datetime:
        """Return when the rows were read."""
        return self._as_of

    @property
    def bytes_billed(self) -> int:
        """Return nothing: the embedded warehouse bills nobody."""
        return 0

    async def begin(self, statement: Statement) -> None:
        """Run the statement to its first rows; raises as `Reader.select` does."""
        values = {one.name: bindable(one.value) for one in statement.parameters}
        await self._call(lambda cursor: cursor.execute(statement.text, values))

    async def next_rows(self, most: int) -> Sequence[Row]:
        """Return the next rows; see `RowStream`."""
        return await self._call(lambda cursor: in_utc(self._columns, cursor.fetchmany(most)))

    async def next_batch(self) -> pa.RecordBatch | None:
        """Return the next batch; see `RowStream`."""
        return await self._call(self._read_batch)

    def close(self) -> None:
        """Interrupt what runs and free the cursor; see `RowStream`."""
        self._hold.give_up()

    async def _call(self, call: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        try:
            return await self._threads.run(lambda: self._hold.use(call), self._pace.for_next_part())
        except BaseException:
            # Whoever was cancelled or refused here has lost a part: nobody may go on reading behind it.
            self._hold.give_up()
            raise

    def _read_batch(self, cursor: duckdb.DuckDBPyConnection) -> pa.RecordBatch | None:
        if self._batches is None:
            self._batches = cursor.to_arrow_reader(_BATCH_ROWS)
        try:
            batch = self._batches.read_next_batch()
        except StopIteration:
            return None
        return readable_batch(readable_schema(self._columns), batch)


class _Hold:
    """The stream's hold on its cursor, which a thread uses and the event loop takes away."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._lock = threading.Lock()
        self.is_given_up = False

    def use(self, call: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        with self._lock:
            if self.is_given_up:
                raise WarehouseUnavailable("nobody reads the answer any more")
            try:
                return call(self._cursor)
            except duckdb.Error as error:
                raise warehouse_error(error) from error
            except (pa.ArrowException, OSError) as error:
                raise WarehouseUnavailable(f"DuckDB: {error}") from error
            finally:
                if self.is_given_up:
                    self._cursor.close()

    def give_up(self) -> None:
        if self.is_given_up:
            return
        self.is_given_up = True
        self._cursor.interrupt()
        # A thread that holds the lock closes the cursor itself when it is done.
        if self._lock.acquire(blocking=False):
            self._cursor.close()
            self._lock.release()
