"""A question about one contract, free of HTTP and of SQL.

A `Query` is already valid: `exposure.query.parse` is where a request is refused. Nothing here knows how
a question is written or answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias, cast

from exposure.contracts.model import Column, Contract

Row = tuple[object, ...]


class Operator(StrEnum):
    """How a filter compares what it looks at with its value.

    A missing value (NULL) makes every comparison unknown, and `not` leaves unknown what is unknown, as in
    SQL. Only ISNULL, SAME and DISTINCT tell of a missing value, and HAS and HASANY of an empty list. NaN is
    other than every value and neither less nor greater.
    """

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    IN = "in"
    NIN = "nin"
    SAME = "same"
    DISTINCT = "distinct"
    ISNULL = "isnull"
    PREFIX = "prefix"
    CONTAINS = "contains"
    ICONTAINS = "icontains"
    LIKE = "like"
    MATCH = "match"
    HAS = "has"
    HASANY = "hasany"


class Inside:
    """What has a `column` and, from it inwards, the declared fields `within`; with none it is the column."""

    column: Column
    within: tuple[Column, ...]

    @property
    def leaf(self) -> Column:
        """Return the column or field that is compared."""
        return self.within[-1] if self.within else self.column

    @property
    def name(self) -> str:
        """Return the name of what is compared, as a request writes it."""
        return ".".join(step.name for step in (self.column, *self.within))


@dataclass(frozen=True)
class Filter(Inside):
    """One comparison of a column or, where `within` leads to one, of a field inside it.

    `value` has the Python type of what is compared. It is a tuple of such values, never empty, for IN, NIN
    and HASANY; for ISNULL it says whether the value is missing; for LIKE it is the pattern, in which
    backslashes stand before %, _ and other backslashes alone, for MATCH a regular expression that
    `exposure.query.regular` finds nothing wrong with. `within` holds the declared fields from the
    column inwards; through an array they mean that field of each of its elements.
    """

    column: Column
    operator: Operator
    value: object
    within: tuple[Column, ...] = ()


@dataclass(frozen=True)
class And:
    """All of them hold; there are two at least."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Or:
    """One of them holds; there are two at least."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Not:
    """It does not hold: what is unknown, because a value is missing, is unknown here too."""

    condition: Condition


Condition: TypeAlias = "Filter | And | Or | Not"


def comparisons(*conditions: Condition) -> Iterator[Filter]:
    """Yield every comparison the conditions are made of, in the order they are written."""
    for one in conditions:
        if isinstance(one, Filter):
            yield one
        elif isinstance(one, Not):
            yield from comparisons(one.condition)
        else:
            yield from comparisons(*one.conditions)


def joined(conditions: Iterable[Condition]) -> Iterator[Condition]:
    """Yield the conditions, all of which hold, with those that `and` joins in the place of the joint one."""
    for one in conditions:
        if isinstance(one, And):
            yield from joined(one.conditions)
        else:
            yield one


@dataclass(frozen=True)
class Order:
    """One sort column. NULL is smaller than every value, unless `nulls_greatest`; NaN is the least value.

    So NULL is first ascending and last descending, and the other way round with `nulls_greatest`.
    """

    column: Column
    descending: bool = False
    nulls_greatest: bool = False

    @property
    def nulls_first(self) -> bool:
        """Return whether rows without a value come before all others."""
        return self.descending is self.nulls_greatest


@dataclass(frozen=True)
class Snapshot:
    """The moment a walk's rows are read at: what is stored later is not among them.

    `at` is an instant in UTC. `rows` is how many rows the table held, for a warehouse that tells earlier
    rows from later ones by counting them; None where an instant is enough.
    """

    at: datetime
    rows: int | None = None


@dataclass(frozen=True)
class Query:
    """Which rows, which columns, in which order, from where on, as they were when.

    All of the `filters` hold. `order` always ends with the contract's key, so it is total. `after` is the
    order columns' values of the last row of the page before, one per entry of `order`, or None for the
    first page. `snapshot` is that of the first page; None asks for the rows there are now.
    """

    contract: Contract
    columns: tuple[Column, ...]
    filters: tuple[Condition, ...]
    order: tuple[Order, ...]
    page_size: int
    after: Row | None = None
    snapshot: Snapshot | None = None

    @property
    def is_of_one_key(self) -> bool:
        """Return whether the filters leave one row at most: one of them names its key."""
        return is_of_one_key(self.contract, self.filters)


def is_of_one_key(contract: Contract, conditions: Iterable[Condition]) -> bool:
    """Return whether the conditions, all of which hold, leave one row at most: one of them names its key."""
    return next(keys_named(contract, conditions), None) is not None


def keys_named(contract: Contract, conditions: Iterable[Condition]) -> Iterator[str | int]:
    """Yield each key that one of the conditions says the row has, by `eq`."""
    for one in conditions:
        if isinstance(one, Filter) and one.column.name == contract.key and one.operator is Operator.EQ:
            yield cast("str | int", one.value)
