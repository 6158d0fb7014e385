"""What a replica holds: rows as of one moment, since one event time, in the forms questions are asked in.

A copy is made at once and then added to, by whoever follows the table. It judges no question: which of them
it may answer is for `exposure.warehouse.replica.replica_reader`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import pyarrow as pa

from exposure.contracts.model import Column, Contract
from exposure.query.model import Query, Row, Snapshot
from exposure.warehouse.pages import Fetched, fetch_within
from exposure.warehouse.replica.asked import FIRST, Key, Part, Span, microseconds
from exposure.warehouse.replica.first_stored import Contested, Rank, first_stored, ranks
from exposure.warehouse.replica.followed_rows import FollowedRow, FollowedRows
from exposure.warehouse.replica.held_table import HeldTable
from exposure.warehouse.replica.loaded_rows import LoadedRows, row_values
from exposure.warehouse.replica.source import ReadRows

# Who walks page by page is still answered here after so many readings.
_MOST_MOMENTS = 1000
# A row published again a little later, with another event time, may lie on the other side of the beginning.
_MARGIN = timedelta(hours=1) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Arrivals:
    """What a reading brought that was not held: the rows, those they stand for, and keys of several times."""

    rows: tuple[FollowedRow, ...]
    table: pa.Table
    replaced: tuple[Key, ...]
    contested: tuple[tuple[Key, int, int], ...]


class Copy:
    """Rows since an event time. Made and sifted in a thread, added to and asked on the event loop."""

    def __init__(
        self, contract: Contract, since: datetime | None, read: ReadRows, *, narrows: bool = True
    ) -> None:
        """Arrange the rows; this takes seconds."""
        found = first_stored(contract, read.rows)
        self._contract = contract
        self._loaded = LoadedRows(contract, found)
        self._followed = FollowedRows(contract)
        self._contested: Contested = found.contested
        self._users = 0
        self._is_retired = False
        self.table = HeldTable(contract, found.rows, narrows=narrows)
        self.since = FIRST if since is None else microseconds(since)
        self.moment = read.moment
        # How many rows have arrived: a row's number in the table tells by when it had.
        self._arrived = found.rows.num_rows
        self._moments = {read.moment: self._arrived}
        # The table of DuckDB takes a quarter more than the columns it is made of, and what is narrow beside.
        self.size_bytes = self._loaded.size_bytes + found.rows.nbytes * 5 // 4
        self.size_bytes += self.table.size_bytes

    def __len__(self) -> int:
        """Return how many rows it holds."""
        return len(self._loaded) + len(self._followed)

    @property
    def as_of(self) -> datetime:
        """Return the instant of its moment."""
        return self.moment.at

    @property
    def followed(self) -> int:
        """Return how many of the rows came after it was made."""
        return len(self._followed)

    def covers(self, span: Span) -> bool:
        """Return whether every row with such an event time is here, and the span parts no key's."""
        return span.first >= self.since and not self._contested.are_parted_by(span)

    def holds(self, key: Key) -> bool:
        """Return whether the row that counts for a key is here: no row of it is likely to be older."""
        known = self._known(key)
        return known is not None and (self.since == FIRST or known[0] >= self.since + _MARGIN)

    def row(self, key: Key, columns: tuple[Column, ...]) -> Row:
        """Return these values of the row of a key that is held."""
        followed = self._followed.get(key)
        if followed is not None:
            return self._followed.row(followed, columns)
        position = self._loaded.position(key)
        if position is None:
            raise KeyError(key)
        return self._loaded.row(position, columns)

    def arrived_by(self, moment: Snapshot) -> int | None:
        """Return how many rows had arrived by the reading of that moment, None where nobody knows."""
        return self._moments.get(moment)

    def page(self, query: Query, span: Span) -> Fetched:
        """Return the span's rows by event time and key, and behind each its position, as `cut_page` takes.

        Of a query with a snapshot they are those of its moment, which must be known.
        """
        arrived = self._arrived if query.snapshot is None else self._moments[query.snapshot]
        order = query.order
        columns = (*query.columns, *(one.column for one in order))
        part = Part(span, _place(query.after), order[0].descending)
        rows = self._loaded.rows(self._loaded.between(part), columns)
        if self._followed:
            later = self._followed.rows(part, columns, arrived)
            rows = heapq.merge(rows, later, key=lambda row: row[-2:], reverse=part.descending)
        return fetch_within(row for row, _ in zip(rows, range(query.page_size + 1), strict=False))

    def sift(self, read: ReadRows) -> Arrivals:
        """Return which of the rows are news; nothing is changed."""
        contract, rows = self._contract, read.rows
        keys = rows.column(contract.key).to_pylist()
        times, stored = rows.column(contract.event_time).cast(pa.int64()).to_pylist(), ranks(rows)
        chosen: dict[Key, int] = {}
        contested = []
        for at, key in enumerate(keys):
            other = chosen.get(key)
            best = self._known(key) if other is None else (times[other], stored[other])
            if best is not None and best[0] != times[at]:
                contested.append((key, best[0], times[at]))
            if best is None or stored[at] < best[1]:
                chosen[key] = at
        places = list(chosen.values())
        table = rows.take(pa.array(places, pa.int64()))
        values = row_values(contract, table)
        news = zip(places, values, strict=True)
        return Arrivals(
            tuple(FollowedRow(keys[at], times[at], stored[at], row, self._arrived) for at, row in news),
            table,
            tuple(key for key in chosen if self._known(key) is not None),
            tuple(contested),
        )

    def announce(self, arrivals: Arrivals) -> None:
        """Note keys of several event times, before any of their rows can be read.

        Where rows take the place of others, what was there at earlier moments is known no longer.
        """
        if arrivals.replaced:
            self._moments.clear()
        for key, one, other in arrivals.contested:
            self._contested.add(key, one, other)

    def add(self, arrivals: Arrivals, moment: Snapshot) -> None:
        """Take in the announced rows, which the table has already; the copy is then of that moment."""
        for row in arrivals.rows:
            if self._loaded.position(row.key) is not None:
                self._loaded.drop(row.key)
            self._followed.add(row)
        self._arrived += len(arrivals.rows)
        self.moment = moment
        self._moments[moment] = self._arrived
        if len(self._moments) > _MOST_MOMENTS:
            del self._moments[next(iter(self._moments))]

    @contextmanager
    def used(self) -> Iterator[None]:
        """Keep the copy from being closed while it is asked."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            self._close_unused()

    def retire(self) -> None:
        """Close the copy as soon as nobody uses it."""
        self._is_retired = True
        self._close_unused()

    def _close_unused(self) -> None:
        if self._is_retired and not self._users:
            self.table.close()

    def _known(self, key: Key) -> tuple[int, Rank] | None:
        followed = self._followed.get(key)
        if followed is not None:
            return followed.time, followed.rank
        position = self._loaded.position(key)
        return None if position is None else (self._loaded.time(position), self._loaded.rank(position))


def _place(after: Row | None) -> tuple[int, Key] | None:
    if after is None:
        return None
    time, key = after
    return microseconds(cast("datetime", time)), cast("Key", key)
