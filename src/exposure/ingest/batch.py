"""Group commit: many requests wait for one append, and each learns the fate of its own row.

An idle table appends at once; while appends are in flight, rows gather until one returns or the linger
passes. Whoever one has answered may come back at once, so rows gather for a moment more after it: the next
append takes both those who waited and those who come. What is held in memory is bounded, and so is how long
anyone waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from exposure.query.model import Row
from exposure.warehouse.port import WarehouseUnavailable, Writer
from exposure.warehouse.schema import Table

# So many times shorter than the linger is the moment for which rows gather after an append.
_MOMENTS = 4


class Overloaded(Exception):
    """More rows are waiting than may be held; the message must come again later."""


class RowRefused(Exception):
    """The warehouse will never take this row; `reason` is its own word for it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class BatchLimits:
    """How rows are gathered. `rows` and `size_bytes` close one batch; `held_*` bound all that share a room.

    `linger` is the longest a row waits for company while an append is in flight, until the first
    append's duration is known; afterwards that duration, `max_linger` at most.
    """

    rows: int = 2000
    size_bytes: int = 4_000_000
    in_flight: int = 2
    held_rows: int = 20_000
    held_bytes: int = 64_000_000
    linger: timedelta = timedelta(milliseconds=25)
    max_linger: timedelta = timedelta(milliseconds=100)
    deadline: timedelta = timedelta(seconds=8)


class Room:
    """What may be held in memory at a time by all batchers that share it."""

    def __init__(self, rows: int, size_bytes: int) -> None:
        self._rows = rows
        self._bytes = size_bytes

    def take(self, rows: int, size_bytes: int) -> None:
        """Claim room, or raise Overloaded."""
        if rows > self._rows or size_bytes > self._bytes:
            raise Overloaded(f"no room for {rows} more rows of {size_bytes} bytes")
        self._rows -= rows
        self._bytes -= size_bytes

    def give(self, rows: int, size_bytes: int) -> None:
        """Give room back."""
        self._rows += rows
        self._bytes += size_bytes


class _Group(NamedTuple):
    """Rows of one caller in one batch; `answer` is the reasons of those refused, by index in the group."""

    start: int
    length: int
    answer: asyncio.Future[Mapping[int, str]]


@dataclass(eq=False)
class _Batch:
    rows: list[Row] = field(default_factory=list)
    waiting: list[_Group] = field(default_factory=list)
    size_bytes: int = 0
    is_due: bool = False
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


def _ignore(*_: object) -> None:
    pass


@dataclass(frozen=True)
class Told:
    """Who hears of each append's end: `appended` the rows it stored, if any, and its seconds, or `failed`."""

    appended: Callable[[Sequence[Row], float], None] = _ignore
    failed: Callable[[Exception], None] = _ignore


class Batcher:
    """Gathers the rows of one table. Lives on one event loop. Without a `room` it has one of its own."""

    def __init__(
        self,
        writer: Writer,
        table: Table,
        limits: BatchLimits,
        room: Room | None = None,
        told: Told | None = None,
    ) -> None:
        self._writer = writer
        self._table = table
        self._limits = limits
        self._room = room or Room(limits.held_rows, limits.held_bytes)
        self._told = told or Told()
        self._linger = limits.linger.total_seconds()
        self._batches: deque[_Batch] = deque()
        self._appends: set[asyncio.Task[None]] = set()
        self._pump_is_scheduled = False
        self._gathering: asyncio.TimerHandle | None = None
        self._running_loop: asyncio.AbstractEventLoop | None = None

    async def add(self, row: Row, size_bytes: int) -> None:
        """Return when the row is durable.

        Raises RowRefused when the row itself is at fault, Overloaded when too much waits already, and
        WarehouseError when the warehouse did not answer in time or cannot store now. Whoever is cancelled
        while waiting takes nothing from the others: the row is appended with them.
        """
        self._room.take(1, size_bytes)
        refused = await self._enter((row,), size_bytes)
        if refused:
            raise RowRefused(refused[0])

    async def add_all(self, rows: Sequence[Row], size_bytes: int) -> Mapping[int, str]:
        """Return the reasons of refused rows, by index, when all others are durable; raises as `add` does.

        `size_bytes` is of all of them. They may travel in several appends; should one of those fail, the
        error says nothing of the others' rows.
        """
        if not rows:
            return {}
        self._room.take(len(rows), size_bytes)
        length = min(len(rows), self._limits.rows)
        starts = range(0, len(rows), length)
        sizes = [size_bytes // len(starts)] * len(starts)
        sizes[-1] += size_bytes - sum(sizes)
        answers = await asyncio.gather(
            *(
                self._enter(rows[start : start + length], size)
                for start, size in zip(starts, sizes, strict=True)
            )
        )
        return {
            start + index: reason
            for start, refused in zip(starts, answers, strict=True)
            for index, reason in refused.items()
        }

    async def drain(self) -> None:
        """Append all that waits and return when every append has ended."""
        while self._batches or self._appends:
            for batch in self._batches:
                batch.is_due = True
            self._pump()
            await asyncio.wait(self._appends)

    def _enter(self, rows: Sequence[Row], size_bytes: int) -> asyncio.Future[Mapping[int, str]]:
        """Put rows that have their room into a batch and return the future of their answer."""
        answer: asyncio.Future[Mapping[int, str]] = self._loop.create_future()
        batch = self._open_batch(len(rows), size_bytes)
        batch.waiting.append(_Group(len(batch.rows), len(rows), answer))
        batch.rows.extend(rows)
        batch.size_bytes += size_bytes
        batch.is_due = batch.is_due or len(batch.rows) >= self._limits.rows
        self._schedule_pump()
        return answer

    def _open_batch(self, rows: int, size_bytes: int) -> _Batch:
        limits = self._limits
        if self._batches:
            last = self._batches[-1]
            if len(last.rows) + rows <= limits.rows and last.size_bytes + size_bytes <= limits.size_bytes:
                return last
            last.is_due = True
        batch = _Batch()
        self._batches.append(batch)
        batch.timers = [
            self._loop.call_later(self._linger, self._make_due, batch),
            self._loop.call_later(limits.deadline.total_seconds(), self._give_up, batch),
        ]
        return batch

    def _make_due(self, batch: _Batch) -> None:
        batch.is_due = True
        self._pump()

    def _give_up(self, batch: _Batch) -> None:
        """Answer those who wait. What is not on its way yet is dropped: it is delivered again."""
        _settle(batch, {}, failure=WarehouseUnavailable("the row was not durable within its deadline"))
        if batch in self._batches:
            self._batches.remove(batch)
            self._release(batch)

    def _schedule_pump(self) -> None:
        """Pump once per turn of the loop, so that rows that arrive together travel together."""
        if not self._pump_is_scheduled:
            self._pump_is_scheduled = True
            self._loop.call_soon(self._pump_as_scheduled)

    def _pump_as_scheduled(self) -> None:
        self._pump_is_scheduled = False
        self._pump()

    def _pump(self) -> None:
        while self._batches and len(self._appends) < self._limits.in_flight:
            if (self._appends or self._gathering) and not self._batches[0].is_due:
                return
            append = asyncio.create_task(self._append(self._batches.popleft()))
            self._appends.add(append)
            append.add_done_callback(self._appended)

    def _appended(self, append: asyncio.Task[None]) -> None:
        self._appends.discard(append)
        # While another is in flight, rows wait for that one or the linger, not for every end: a warehouse
        # that takes one append after the other would be sent as many small ones as may be in flight.
        if not (self._appends or self._gathering):
            self._gathering = self._loop.call_later(self._linger / _MOMENTS, self._end_gathering)
        self._pump()

    def _end_gathering(self) -> None:
        self._gathering = None
        self._pump()

    async def _append(self, batch: _Batch) -> None:
        started = self._loop.time()
        try:
            refused = await self._writer.append(self._table, batch.rows)
        except Exception as error:
            _settle(batch, {}, failure=error)
            self._told.failed(error)
        else:
            _settle(batch, refused)
            stored = batch.rows
            if refused:
                stored = [row for index, row in enumerate(batch.rows) if index not in refused]
            if stored:
                self._told.appended(stored, self._loop.time() - started)
        finally:
            self._release(batch)
            longest = self._limits.max_linger.total_seconds()
            self._linger = min(self._loop.time() - started, longest)

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        # Looked up once: it is a system call in Python 3.11, and this is asked for each row.
        if self._running_loop is None:
            self._running_loop = asyncio.get_running_loop()
        return self._running_loop

    def _release(self, batch: _Batch) -> None:
        self._room.give(len(batch.rows), batch.size_bytes)


def _settle(batch: _Batch, refused: Mapping[int, str], failure: Exception | None = None) -> None:
    """Tell each waiting request the outcome of its row; those that left hear nothing."""
    for timer in batch.timers:
        timer.cancel()
    for group in batch.waiting:
        if group.answer.done():
            continue
        if failure is not None:
            group.answer.set_exception(failure)
        else:
            group.answer.set_result(_within(refused, group) if refused else {})


def _within(refused: Mapping[int, str], group: _Group) -> Mapping[int, str]:
    end = group.start + group.length
    return {index - group.start: why for index, why in refused.items() if group.start <= index < end}
