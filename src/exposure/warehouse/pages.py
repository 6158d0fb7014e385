"""From the rows of a compiled statement to a page, the same for every adapter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from exposure.query.model import Query, Row
from exposure.warehouse.port import Page


def cut_page(query: Query, rows: Sequence[Row], as_of: datetime, *, bytes_billed: int) -> Page:
    """Return the page; `rows` are those of `compile_select`, the position behind each and one too many."""
    width = len(query.columns)
    kept = rows[: query.page_size]
    complete = len(rows) <= query.page_size
    return Page(
        rows=[row[:width] for row in kept],
        complete=complete,
        last=None if complete else tuple(kept[-1][width:]),
        as_of=as_of,
        bytes_billed=bytes_billed,
    )
