"""A page walk, as a client does it: from page to page to the last; and the order it should see."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from exposure.contracts import orders
from exposure.query.model import Order, Query, Row
from exposure.warehouse.port import Page, Reader


async def walk(reader: Reader, query: Query) -> list[Page]:
    """Return every page of the answer."""
    pages = [await reader.select(query)]
    while not pages[-1].complete:
        pages.append(await reader.select(following(query, pages[-1])))
    return pages


def following(query: Query, page: Page) -> Query:
    """Return the question of the page behind this one."""
    return dataclasses.replace(query, after=page.last, snapshot=page.snapshot)


async def walk_rows(reader: Reader, query: Query) -> list[Row]:
    """Return the rows of every page."""
    return [row for page in await walk(reader, query) for row in page.rows]


def in_order(order: Sequence[Order], rows: Sequence[Row]) -> list[Row]:
    """Return rows of `orders` in order, NULL smaller than every value."""
    ordered = list(rows)
    for one in reversed(order):
        at = orders.CONTRACT.stored_columns.index(one.column)
        ordered.sort(key=lambda row, at=at: (row[at] is not None, row[at]), reverse=one.descending)  # type: ignore[misc]
    return ordered
