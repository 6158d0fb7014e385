"""Keeps one contract's copy: loads it, reads on every few seconds, loads it again now and then.

Whatever fails is logged and tried again: meanwhile the copy grows old, and who asks it is told so. Nothing is
answered here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import duckdb
import pyarrow as pa

from exposure.clock import now
from exposure.contracts.hot_window import WHOLE_TABLE
from exposure.contracts.model import Contract
from exposure.warehouse.port import WarehouseError, WarehouseUnavailable
from exposure.warehouse.replica.asked import instant
from exposure.warehouse.replica.copy import Arrivals, Copy
from exposure.warehouse.replica.limits import ReplicaLimits
from exposure.warehouse.replica.narrow_columns import UnnumberedText
from exposure.warehouse.replica.source import ReadRows, StoredRows, TooManyRows, read_all, stored_query

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
# So often it is loaded again because a column had a new text; then there are no narrow columns any more.
_MOST_OUTGROWN = 3
_FAILURES = (WarehouseError, duckdb.Error, pa.ArrowException, OSError)


@dataclass(frozen=True)
class Timing:
    """What a test replaces: the time, and how seconds pass."""

    clock: Callable[[], datetime] = now
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Follower:
    """One contract's copy and the one task that keeps it; lives on one event loop."""

    def __init__(
        self,
        contract: Contract,
        source: StoredRows,
        limits: ReplicaLimits | None = None,
        timing: Timing | None = None,
    ) -> None:
        if contract.replica is None:
            raise ValueError(f"{contract.name} declares no replica")
        self.contract, self._window = contract, contract.replica
        self._source = source
        self._limits = limits or ReplicaLimits()
        self._timing = timing or Timing()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"replica-{contract.name}")
        self._loader = ThreadPoolExecutor(1, thread_name_prefix=f"replica-load-{contract.name}")
        self._copy: Copy | None = None
        self._task: asyncio.Task[None] | None = None
        self._outgrown = 0
        self._outgrown_copy: Copy | None = None
        self._load_at = datetime.min.replace(tzinfo=UTC)

    @property
    def copy(self) -> Copy | None:
        """Return the copy while it is young enough to answer."""
        copy = self._copy
        if copy is None or self._timing.clock() - copy.as_of > self._limits.oldest:
            return None
        return copy

    def begin(self) -> None:
        """Begin to load and follow, in the background; the second time nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"replica-{self.contract.name}")
            self._task.add_done_callback(self._ended)

    async def close(self) -> None:
        """End the task and give the memory back; threads end with what they are at."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._hold(None)
        for executor in (self._executor, self._loader):
            executor.shutdown(wait=False, cancel_futures=True)

    async def load(self) -> None:
        """Read every row of the window and swap the copy for a new one; raises as `read_all` does."""
        limits, contract = self._limits, self.contract
        self._load_at = self._timing.clock() + limits.retry
        since, narrows = self._since(), self._outgrown < _MOST_OUTGROWN
        async with asyncio.timeout(limits.load_deadline.total_seconds()):
            # Half of what may be held: every row is there in columns and once more in a table.
            read = await read_all(self._source, stored_query(contract, since), limits.most_bytes // 2)
        copy = await self._in_thread(self._loader, lambda: Copy(contract, since, read, narrows=narrows))
        if copy.size_bytes > limits.most_bytes:
            copy.retire()
            raise TooManyRows(f"the replica takes {copy.size_bytes} bytes, {limits.most_bytes} at most")
        _LOG.info("the replica of %s holds %d rows, %d bytes", contract.name, len(copy), copy.size_bytes)
        self._hold(copy)
        self._load_at = self._timing.clock() + limits.reload

    async def refresh(self) -> None:
        """Read the rows stored since the last reading into the copy, if there is one."""
        copy, limits = self._copy, self._limits
        if copy is None:
            return
        since = None if self._is_whole else instant(copy.since)
        query = stored_query(self.contract, since, copy.as_of - limits.overlap)
        with copy.used():
            async with asyncio.timeout(limits.oldest.total_seconds()):
                read = await read_all(self._source, query, limits.most_bytes // 4)
            self._check_clock(copy, read)
            arrivals = await self._in_thread(self._executor, lambda: copy.sift(read))
            copy.announce(arrivals)
            if arrivals.rows:
                await self._in_thread(self._executor, lambda: self._put(copy, arrivals))
            copy.add(arrivals, read.moment)
        if copy.followed >= 2 * limits.followed_rows and copy is self._copy:
            # Loading again has failed for long, and rows kept as rows take more than was counted.
            self._hold(None)

    def _check_clock(self, copy: Copy, read: ReadRows) -> None:
        """Drop a copy that holds more than what was read after it: no moment of it could be told again."""
        if read.moment.at >= copy.moment.at:
            return
        if copy is self._copy:
            self._hold(None)
        self._load_at = self._timing.clock()
        raise WarehouseUnavailable("the clock was set back: it is loaded again")

    def _put(self, copy: Copy, arrivals: Arrivals) -> None:
        try:
            copy.table.add(arrivals.table, arrivals.replaced)
        except UnnumberedText as error:
            # It is told of each reading until it is loaded.
            if copy is not self._outgrown_copy:
                self._outgrown_copy, self._outgrown = copy, self._outgrown + 1
                _LOG.info("the replica of %s is loaded again: %s", self.contract.name, error)
            self._load_at = self._timing.clock()
            raise WarehouseUnavailable(f"it is loaded again: {error}") from error

    async def _run(self) -> None:
        loading: asyncio.Task[bool] | None = None
        try:
            while True:
                # Beside one another: what is held is read on while it is loaded again.
                if loading is None and self._is_due():
                    loading = asyncio.create_task(self._went_well(self.load))
                if not await self._went_well(self.refresh):
                    break
                if loading is not None and (loading.done() or self._copy is None):
                    if not await loading:
                        break
                    loading = None
                await self._timing.sleep(self._limits.interval.total_seconds())
            self._hold(None)
        finally:
            if loading is not None:
                loading.cancel()
                await asyncio.wait([loading])

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _LOG.error("there is no replica of %s any more", self.contract.name, exc_info=error)

    async def _went_well(self, step: Callable[[], Awaitable[None]]) -> bool:
        """Return whether to go on: not when there are more rows than may be held."""
        name = self.contract.name
        try:
            await step()
        except TooManyRows as error:
            _LOG.error("there is no replica of %s any more: %s", name, error)
            return False
        except (*_FAILURES, TimeoutError) as error:
            _LOG.warning("the replica of %s is not up to date: %s", name, error or "it takes too long")
        return True

    def _is_due(self) -> bool:
        is_full = self._copy is not None and self._copy.followed >= self._limits.followed_rows
        return is_full or self._timing.clock() >= self._load_at

    @property
    def _is_whole(self) -> bool:
        return self._window >= WHOLE_TABLE

    def _since(self) -> datetime | None:
        return None if self._is_whole else self._timing.clock() - self._window

    def _hold(self, copy: Copy | None) -> None:
        before, self._copy = self._copy, copy
        if before is not None:
            before.retire()

    async def _in_thread(self, executor: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, call)
        except RuntimeError as error:
            raise WarehouseUnavailable("the replica is closed") from error
