"""The rows that came after a replica was loaded: few, so they are kept as rows, in order of time and key."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exposure.contracts.model import Column, Contract
from exposure.query.model import Row
from exposure.warehouse.replica.asked import Key, Part
from exposure.warehouse.replica.first_stored import Rank


@dataclass(frozen=True, slots=True)
class FollowedRow:
    """One row of all stored columns, what it is found by, and how many rows had arrived before its reading.

    Its event time is in microseconds.
    """

    key: Key
    time: int
    rank: Rank
    values: Row
    behind: int


class FollowedRows:
    """One row per key, each found by its key and by its place."""

    def __init__(self, contract: Contract) -> None:
        self._at = {column.name: at for at, column in enumerate(contract.stored_columns)}
        self._by_key: dict[Key, FollowedRow] = {}
        self._places: list[tuple[int, Key]] = []

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._places)

    def get(self, key: Key) -> FollowedRow | None:
        """Return the row of a key, if it is here."""
        return self._by_key.get(key)

    def add(self, row: FollowedRow) -> None:
        """Keep a row, in the place of another of its key."""
        before = self._by_key.get(row.key)
        if before is not None:
            del self._places[bisect_left(self._places, (before.time, before.key))]
        self._by_key[row.key] = row
        insort(self._places, (row.time, row.key))

    def row(self, row: FollowedRow, columns: Sequence[Column]) -> Row:
        """Return these values of a row."""
        return tuple(row.values[self._at[column.name]] for column in columns)

    def rows(self, part: Part, columns: Sequence[Column], arrived: int) -> Iterator[Row]:
        """Yield these values of the part's rows, in order, that were there when so many had arrived."""
        places, span, after, descending = self._places, part.span, part.after, part.descending
        # The event times alone: a tuple is greater than one that it begins with.
        start = bisect_left(places, (span.first,))
        stop = bisect_left(places, (span.last + 1,))
        if after is not None and descending:
            stop = min(stop, bisect_left(places, after))
        elif after is not None:
            start = max(start, bisect_right(places, after))
        order = range(stop - 1, start - 1, -1) if descending else range(start, stop)
        found = (self._by_key[places[at][1]] for at in order)
        return (self.row(row, columns) for row in found if row.behind < arrived)
