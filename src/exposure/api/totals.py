"""How many rows a question means on all its pages, for `count=estimate` and `count=exact`."""

from __future__ import annotations

from dataclasses import dataclass

from exposure.query.aggregate_parse import count_rows
from exposure.query.asides import Count
from exposure.query.model import Query
from exposure.warehouse.port import Page, Reader


@dataclass(frozen=True)
class Total:
    """A number of rows, what kind of number it is, and what it cost."""

    rows: int
    kind: Count
    bytes_billed: int

    @property
    def written(self) -> dict[str, object]:
        """Return the total as an answer holds it."""
        return {"rows": self.rows, "kind": self.kind.value}

    @property
    def header(self) -> str:
        """Return the total as a header: an item of https://www.rfc-editor.org/rfc/rfc9651#section-3.3."""
        return f"{self.rows};kind={self.kind.value}"


def total_of(first: Page) -> Total | None:
    """Return the exact total that a first page tells by itself, free of charge: it is complete."""
    return Total(len(first.rows), Count.EXACT, 0) if first.complete else None


async def count_all(reader: Reader, query: Query, kind: Count) -> Total:
    """Return how many rows meet the query's filters, wherever its page begins.

    An exact number is that of the query's snapshot.
    """
    ask = reader.estimate if kind is Count.ESTIMATE else reader.aggregate
    groups = await ask(count_rows(query))
    [[rows]] = groups.rows
    if not isinstance(rows, int):
        raise TypeError("a count of rows is an integer")
    return Total(rows, kind, groups.bytes_billed)
