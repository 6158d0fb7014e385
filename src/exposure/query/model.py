"""A question about one contract, free of HTTP and of SQL.

A `Query` is already valid: `exposure.query.parse` is where a request is refused. Nothing here knows how
a question is written or answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from exposure.contracts.model import Column, Contract

Row = tuple[object, ...]


class Operator(StrEnum):
    """How a filter compares a column with its value. NULL matches no operator, as in SQL."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    IN = "in"


@dataclass(frozen=True)
class Filter:
    """One condition. `value` has the column's Python type; for IN it is a tuple of them, never empty."""

    column: Column
    operator: Operator
    value: object


@dataclass(frozen=True)
class Order:
    """One sort column. NULL is smaller than every value: first ascending, last descending."""

    column: Column
    descending: bool = False


@dataclass(frozen=True)
class Query:
    """Which rows, which columns, in which order, from where on.

    `order` always ends with the contract's key, so it is total. `after` is the order columns' values of
    the last row of the page before, one per entry of `order`, or None for the first page.
    """

    contract: Contract
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...]
    order: tuple[Order, ...]
    page_size: int
    after: Row | None = None
