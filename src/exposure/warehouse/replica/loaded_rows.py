"""The rows a replica was loaded with: columns sorted by event time and key, and where each key is.

A row is made of its columns' values when it is asked for: rows as Python objects would take ten times the
memory. Nothing is added here; what comes later is among `followed_rows`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import pyarrow as pa

from exposure.contracts.model import INGEST_TIME, MESSAGE_ID, Column, Contract
from exposure.contracts.types import Scalar
from exposure.query.model import Row
from exposure.warehouse.duckdb_values import in_utc
from exposure.warehouse.replica.asked import Key, Part, instant
from exposure.warehouse.replica.first_stored import FirstStored, Rank

Values = Callable[[int, int], Sequence[object]]
# Enough for a page; a part of a longer one is made only when the part before it has been taken.
_ROWS_AT_A_TIME, _BYTES_AT_A_TIME = 128, 4_000_000
# About what a key and its place take in the dictionary.
_INDEX_BYTES = 170


class LoadedRows:
    """Columns of one row per key; a position is a row's place by event time and key."""

    def __init__(self, contract: Contract, found: FirstStored) -> None:
        self._positions = found.positions
        self._dropped: set[int] = set()
        self._values = {
            column.name: _values(column, _whole(found.rows, column.name))
            for column in contract.stored_columns
        }
        self._times = _numbers(_whole(found.rows, contract.event_time))
        self._ingest_times = _numbers(_whole(found.rows, INGEST_TIME.name))
        self._key = contract.key_column
        many = _BYTES_AT_A_TIME * found.rows.num_rows // max(1, found.rows.nbytes)
        self._at_a_time = max(1, min(_ROWS_AT_A_TIME, many))
        self.size_bytes = found.rows.nbytes + _INDEX_BYTES * found.rows.num_rows

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._times) - len(self._dropped)

    def position(self, key: Key) -> int | None:
        """Return where the key is, if it is."""
        return self._positions.get(key)

    def time(self, position: int) -> int:
        """Return the event time there, in microseconds."""
        return self._times[position]

    def rank(self, position: int) -> Rank:
        """Return when the row there was stored."""
        [message_id] = self._values[MESSAGE_ID.name](position, 1)
        return (self._ingest_times[position], str(message_id))

    def drop(self, key: Key) -> None:
        """Forget the row of a key."""
        self._dropped.add(self._positions.pop(key))

    def row(self, position: int, columns: Sequence[Column]) -> Row:
        """Return these values of the row there."""
        return tuple(self._values[column.name](position, 1)[0] for column in columns)

    def between(self, part: Part) -> range:
        """Return the positions of the part's rows, in order."""
        span, after, descending = part.span, part.after, part.descending
        start, stop = bisect_left(self._times, span.first), bisect_right(self._times, span.last)
        if after is None:
            pass
        elif descending:
            stop = min(stop, self._first_at_least(after))
        else:
            start = max(start, self._first_above(after))
        return range(stop - 1, start - 1, -1) if descending else range(start, max(start, stop))

    def rows(self, positions: range, columns: Sequence[Column]) -> Iterator[Row]:
        """Yield these values of the rows at the positions; they are made a few at a time."""
        for begin in range(0, len(positions), self._at_a_time):
            part = positions[begin : begin + self._at_a_time]
            least = min(part[0], part[-1])
            # What a page is ordered by is asked for once more behind its columns.
            values = {name: self._values[name](least, len(part)) for name in {one.name for one in columns}}
            made: Sequence[Row] = list(zip(*(values[one.name] for one in columns), strict=True))
            if part.step < 0:
                made = made[::-1]
            if not self._dropped:
                yield from made
            else:
                pairs = zip(part, made, strict=True)
                yield from (row for position, row in pairs if position not in self._dropped)

    def _first_at_least(self, place: tuple[int, Key]) -> int:
        """Return the position of the first row that is not before the place."""
        return bisect_left(range(len(self._times)), place, key=self._place)

    def _first_above(self, place: tuple[int, Key]) -> int:
        return bisect_right(range(len(self._times)), place, key=self._place)

    def _place(self, position: int) -> tuple[int, Key]:
        [key] = self._values[self._key.name](position, 1)
        return (self._times[position], cast("Key", key))


def row_values(contract: Contract, rows: pa.Table) -> list[Row]:
    """Return all values of rows whose instants have no zone."""
    if not rows.num_rows:
        return []
    columns = contract.stored_columns
    made = (_values(column, _whole(rows, column.name))(0, rows.num_rows) for column in columns)
    return list(zip(*made, strict=True))


def _whole(rows: pa.Table, name: str) -> pa.Array:
    column = rows.column(name).combine_chunks()
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _numbers(instants: pa.Array) -> memoryview:
    """Return instants, none of which is missing, as the microseconds they are stored as."""
    whole = instants.view(pa.int64())
    numbers = memoryview(whole.buffers()[1]).cast("q") if len(whole) else memoryview(b"").cast("q")
    return numbers[whole.offset : whole.offset + len(whole)]


def _values(column: Column, array: pa.Array) -> Values:
    """Return what makes so many values from a position on, as a page holds them."""
    if column.type is Scalar.TIMESTAMP:
        instants = array.view(pa.int64())
        return lambda start, count: [
            None if one is None else instant(one) for one in instants.slice(start, count).to_pylist()
        ]
    if isinstance(column.type, Scalar):
        return lambda start, count: array.slice(start, count).to_pylist()
    # Instants may be inside.
    return lambda start, count: [
        row[0] for row in in_utc((column,), [(one,) for one in array.slice(start, count).to_pylist()])
    ]
