"""One caller's append and the parts it travels in; which row of the caller's each answer is about.

Knows Arrow and futures. Does not know the connection, nor what an answer means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from exposure.query.model import Row
from exposure.warehouse.arrow import record_batch
from exposure.warehouse.write_outcome import WriteOutcome

# What pyarrow raises for a value that its column cannot hold; UnicodeEncodeError is a ValueError.
_UNFIT = (pa.ArrowException, TypeError, ValueError, OverflowError)


class Append:
    """What one caller waits for: every row stored or refused. Over once `answer` is done, whichever way.

    `stored_before` is how many requests its stream had seen stored when it came.
    """

    def __init__(
        self, rows: int, refused: Mapping[int, str], deadline: float, stored_before: int = 0
    ) -> None:
        self.stored_before = stored_before
        self.answer: asyncio.Future[dict[int, str]] = asyncio.get_running_loop().create_future()
        self.deadline = deadline
        self.last_failure: WriteOutcome | None = None
        self.searches = 0
        self._unsettled = rows
        self._refused = dict(refused)
        self._doubted: dict[int, str] = {}

    @property
    def is_over(self) -> bool:
        """Tell whether nobody waits any more; its parts need not be sent."""
        return self.answer.done()

    @property
    def is_settled(self) -> bool:
        """Tell whether every row is stored or refused."""
        return not self._unsettled

    @property
    def is_doubted(self) -> bool:
        """Tell whether all that is left are rows refused without a name, with nothing to prove them wrong."""
        return bool(self._doubted) and self._unsettled == len(self._doubted)

    @property
    def doubt_reason(self) -> str:
        """Return the reason given against one of the rows in doubt."""
        return next(iter(self._doubted.values()), "")

    def stored(self, rows: int) -> None:
        """Count rows as stored. The table takes rows, so those in doubt are at fault themselves."""
        self._settle(rows)
        self.prove_doubts()

    def refuse(self, index: int, reason: str) -> None:
        """Name a row, by the caller's index, that will not be stored."""
        self._refused[index] = reason
        self._settle(1)

    def doubt(self, index: int, reason: str) -> None:
        """Keep a row that was refused without a name: the row may be wrong, or the table."""
        self._doubted[index] = reason

    def prove_doubts(self) -> None:
        """Refuse the rows in doubt."""
        doubted, self._doubted = self._doubted, {}
        for index, reason in doubted.items():
            self.refuse(index, reason)

    def fail(self, error: Exception) -> None:
        """Give up; the caller learns nothing of any row."""
        if not self.is_over:
            self.answer.set_exception(error)
            self.answer.exception()  # a caller cancelled at this very moment will not fetch it

    def _settle(self, rows: int) -> None:
        self._unsettled -= rows
        if self.is_settled and not self.is_over:
            self.answer.set_result(self._refused)


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one append that travel in one request; `indices` are the caller's, one per row.

    `is_dense` says that a row at fault was found beside them already, and they were refused all the same.
    """

    append: Append
    batch: pa.RecordBatch
    indices: Sequence[int]
    is_dense: bool = False

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.indices)

    def pieces(self, count: int) -> list[Part]:
        """Return the rows in so many parts of nearly equal length, none empty."""
        length = -(-len(self) // count)
        return [self._slice(start, length) for start in range(0, len(self), length)]

    def without(self, rows: Mapping[int, str]) -> Part:
        """Return the part less the rows with these indices within the part."""
        kept = [row for row in range(len(self)) if row not in rows]
        batch = self.batch.take(pa.array(kept, pa.int64()))
        return Part(self.append, batch, [self.indices[row] for row in kept], self.is_dense)

    def halved(self) -> list[Part]:
        """Return what to send after two rows or more were refused, and none of them named.

        One row at fault is the rule: then one half tells of both, and the other need not be sent as well.
        """
        return self.pieces(2) if self.is_dense else [_suspect(self, ())]

    def after_stored(self) -> list[Part]:
        """Return what to send after these rows were stored."""
        return []

    def rest(self) -> list[Part]:
        """Return what to send when these rows are settled in any other way."""
        return []

    def _slice(self, start: int, length: int) -> Part:
        indices = self.indices[start : start + length]
        return Part(self.append, self.batch.slice(start, length), indices, self.is_dense)


@dataclass(frozen=True, eq=False)
class Suspect(Part):
    """Rows sent to learn whether the row at fault is among them, or else in the `other` half.

    Without another half it is this row, which is refused only if it is so alone. `waiting` are halves of
    which nothing is known; they travel together once the row is found.
    """

    other: Part | None = None
    waiting: tuple[Part, ...] = ()

    def halved(self) -> list[Part]:
        """Return the half of these rows to send next."""
        return [_suspect(self, self._unsent)]

    def after_stored(self) -> list[Part]:
        """Return the half of the other half; after a row of which it was said wrongly, all that waits."""
        return self.rest() if self.other is None else [_suspect(self.other, self.waiting)]

    def rest(self) -> list[Part]:
        """Return all that waits, as one part."""
        if not self._unsent:
            return []
        batch = pa.concat_batches([part.batch for part in self._unsent])
        indices = [index for part in self._unsent for index in part.indices]
        return [Part(self.append, batch, indices, is_dense=True)]

    @property
    def _unsent(self) -> tuple[Part, ...]:
        return self.waiting if self.other is None else (*self.waiting, self.other)


def _suspect(part: Part, waiting: tuple[Part, ...]) -> Suspect:
    """Return the first half of rows of which one is at fault."""
    first, *others = part.pieces(2)
    return Suspect(part.append, first.batch, first.indices, other=next(iter(others), None), waiting=waiting)


@dataclass(frozen=True)
class Encoded:
    """Rows as Arrow: those that fit the schema with their indices, and why each other row does not."""

    batch: pa.RecordBatch
    indices: Sequence[int]
    refused: Mapping[int, str]


def encode(schema: pa.Schema, rows: Sequence[Row]) -> Encoded:
    """Return the rows as one batch; a row with a value its column cannot hold is refused by its index."""
    try:
        return Encoded(record_batch(schema, rows), range(len(rows)), {})
    except _UNFIT:
        refused = {index: reason for index, row in enumerate(rows) if (reason := _unfit(schema, row))}
    indices = [index for index in range(len(rows)) if index not in refused]
    return Encoded(record_batch(schema, [rows[index] for index in indices]), indices, refused)


def _unfit(schema: pa.Schema, row: Row) -> str:
    """Return why the row does not fit the schema; empty when it does."""
    try:
        record_batch(schema, [row])
    except _UNFIT as error:
        return str(error) or type(error).__name__
    return ""
