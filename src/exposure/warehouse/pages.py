"""From the rows of a compiled statement to a page, the same for every adapter.

A page ends early, and says so, where its rows are so large that it would take more memory than a page may.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from exposure.query.model import Query, Row, Snapshot
from exposure.warehouse.port import Page

PAGE_BYTES = 16_000_000
# About what a value takes whose length says nothing of it.
_PLAIN_BYTES = 32


@dataclass(frozen=True)
class Fetched:
    """Rows as they were fetched; `is_cut` says that there were more, left out for their size."""

    rows: Sequence[Row]
    is_cut: bool = False


def fetch_within(rows: Iterable[Row], most_bytes: int = PAGE_BYTES) -> Fetched:
    """Return rows until they take so many bytes, one at least; the rest is not asked for."""
    fetched: list[Row] = []
    left = most_bytes
    for row in rows:
        if fetched and left < 0:
            return Fetched(fetched, is_cut=True)
        fetched.append(row)
        left -= _PLAIN_BYTES + _bytes_of(row)
    return Fetched(fetched)


def cut_page(query: Query, fetched: Fetched, snapshot: Snapshot, *, bytes_billed: int) -> Page:
    """Return the page; the rows are those of `compile_select`, the position behind each and one too many."""
    width = len(query.columns)
    kept = fetched.rows[: query.page_size]
    complete = len(fetched.rows) <= query.page_size and not fetched.is_cut
    return Page(
        rows=[row[:width] for row in kept],
        complete=complete,
        last=None if complete else tuple(kept[-1][width:]),
        snapshot=snapshot,
        bytes_billed=bytes_billed,
    )


def _bytes_of(values: Collection[object]) -> int:
    size = _PLAIN_BYTES * len(values)
    for value in values:
        # Most are no more than that, and every one of a page is looked at.
        if isinstance(value, (str, bytes)):
            size += len(value)
        elif isinstance(value, dict):
            size += _bytes_of(value.values())
        elif isinstance(value, (tuple, list)):
            size += _bytes_of(value)
    return size
