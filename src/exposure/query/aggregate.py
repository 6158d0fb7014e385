"""A question about groups of rows, free of HTTP and of SQL: which groups, what is measured of each.

An `Aggregation` is already valid: `exposure.query.aggregate_parse` is where a request is refused. How a
measure is computed is not said here, only what it means:

| measure         | of columns that are                      | type                | over no value |
|-----------------|------------------------------------------|---------------------|---------------|
| count           | (rows)                                   | integer             | 0             |
| count:c         | anything but arrays                      | integer             | 0             |
| distinct:c      | comparable                               | integer             | 0             |
| approx_distinct:c | comparable                             | integer             | 0             |
| sum:c           | integer, number, decimal                 | as the column       | NULL          |
| avg:c           | integer, number, decimal                 | decimal of decimals, else number | NULL |
| min:c, max:c    | ordered                                  | as the column       | NULL          |
| p50:c, p95:c, … | ordered, no text                         | as the column       | NULL          |

NULL is no value: only `count` counts it. A percentile is the least value that at least that share of the
values does not exceed (nearest rank): always one of the values, never one between them. A NaN makes `sum`,
`avg`, `min` and `max` NaN; percentiles leave it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property

from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Array, Scalar
from exposure.query.grammar import Place, places, scalar_of
from exposure.query.model import Condition, Operator, Snapshot

SEPARATOR = ":"


class Unit(StrEnum):
    """How long a time bucket is; all but minutes begin where the calendar of the time zone says."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class WeekStart(StrEnum):
    """The first day of a week: without one it is Monday, as in ISO 8601."""

    MONDAY = "monday"
    SUNDAY = "sunday"


class Function(StrEnum):
    """What a measure makes of the values of a group."""

    COUNT = "count"
    DISTINCT = "distinct"
    APPROX_DISTINCT = "approx_distinct"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    PERCENTILE = "p"


PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
# What a warehouse may estimate: the answer says so.
APPROXIMATE = (Function.APPROX_DISTINCT, Function.PERCENTILE)
COUNTING = (Function.COUNT, Function.DISTINCT, Function.APPROX_DISTINCT)

_SUMMED = (Scalar.INTEGER, Scalar.NUMBER, Scalar.DECIMAL)
_RANKED = (*_SUMMED, Scalar.DATE, Scalar.TIMESTAMP)
_ORDERED = (*_RANKED, Scalar.STRING)
_COMPARABLE = (*_ORDERED, Scalar.BOOLEAN)
_MEASURED = {
    Function.DISTINCT: _COMPARABLE,
    Function.APPROX_DISTINCT: _COMPARABLE,
    Function.SUM: _SUMMED,
    Function.AVG: _SUMMED,
    Function.MIN: _ORDERED,
    Function.MAX: _ORDERED,
    Function.PERCENTILE: _RANKED,
}
# No numbers: NaN, and sums that differ in their last bit, make groups nobody means.
GROUPED = (
    Scalar.STRING, Scalar.INTEGER, Scalar.DECIMAL, Scalar.BOOLEAN, Scalar.DATE, Scalar.TIMESTAMP,
)  # fmt: skip
_DATE_UNITS = (Unit.DAY, Unit.WEEK, Unit.MONTH, Unit.QUARTER, Unit.YEAR)


@dataclass(frozen=True)
class Group:
    """What rows have in common: the value of a column or a field inside it, or the bucket its time is in."""

    column: Column
    unit: Unit | None = None
    week_start: WeekStart | None = None
    within: tuple[Column, ...] = ()

    @property
    def name(self) -> str:
        """Return the name as a request writes it, which names it in the answer too."""
        parts = (self.path, self.unit, self.week_start)
        return SEPARATOR.join(part for part in parts if part)

    @property
    def type(self) -> Scalar:
        """Return the type of its values; a bucket is named by its beginning."""
        return scalar_of((self.column, *self.within)[-1])

    @property
    def path(self) -> str:
        """Return the name of the column or field itself, as filters write it."""
        return _path(self.column, self.within)

    @property
    def is_zoned(self) -> bool:
        """Return whether the time zone decides where its buckets begin."""
        return self.unit is not None and self.type is Scalar.TIMESTAMP


@dataclass(frozen=True)
class Measure:
    """One number, or other value, of each group, made of a column or of a field inside it.

    `column` is None for the count of rows alone.
    """

    function: Function
    column: Column | None = None
    percentile: int = 0
    within: tuple[Column, ...] = ()

    @property
    def name(self) -> str:
        """Return the name as a request writes it, which names it in the answer too."""
        function = f"{self.function}{self.percentile or ''}"
        return function if self.column is None else f"{function}{SEPARATOR}{_path(self.column, self.within)}"

    @property
    def type(self) -> Scalar:
        """Return the type of its values."""
        if self.column is None or self.function in COUNTING:
            return Scalar.INTEGER
        scalar = scalar_of((self.column, *self.within)[-1])
        return Scalar.NUMBER if self.function is Function.AVG and scalar is not Scalar.DECIMAL else scalar


@dataclass(frozen=True)
class Having:
    """A condition on a group: its measure compared with a value of the measure's type. NULL meets none."""

    measure: Measure
    operator: Operator
    value: object


@dataclass(frozen=True)
class GroupOrder:
    """One thing to sort groups by. NULL is smaller than every value."""

    by: Group | Measure
    descending: bool = False


@dataclass(frozen=True)
class Aggregation:
    """Which rows, in which groups, what of each, which groups of those, in which order, how many.

    `order` ends with every group, so it is total. `timezone` is where zoned buckets begin, an IANA name.
    `filled`, unless None, holds the beginning of every bucket of the one bucketed group that the answer
    has, rows or not; there is then neither `having` nor an order of the request's own.

    With `apart` rows are grouped by each of the groups on its own, in one reading of them: `top` groups of
    each, sorted by the one measure, a count, and then by value. There is then nothing else in the question.

    `snapshot` is that of the page whose rows are counted; None asks for the rows there are now.
    """

    contract: Contract
    filters: tuple[Condition, ...]
    groups: tuple[Group, ...]
    measures: tuple[Measure, ...]
    order: tuple[GroupOrder, ...]
    top: int
    having: tuple[Having, ...] = ()
    timezone: str = "UTC"
    filled: tuple[date, ...] | None = None
    apart: bool = False
    snapshot: Snapshot | None = None

    @cached_property
    def computed(self) -> tuple[Measure, ...]:
        """Return the measures to compute: those asked for, and behind them those only compared."""
        compared = (
            *(one.measure for one in self.having),
            *(one.by for one in self.order if isinstance(one.by, Measure)),
        )
        return tuple(dict.fromkeys((*self.measures, *compared)))


def grouped_places(contract: Contract) -> tuple[Place, ...]:
    """Return what has one value in each row: columns and what is inside them, but for arrays."""
    return tuple(
        place
        for place in places(contract)
        if not any(isinstance(step.type, Array) for step in (place.column, *place.within))
    )


def measures_of(place: Place) -> tuple[Measure, ...]:
    """Return everything that can be measured of a column or field."""
    kind = place.leaf.type
    functions = [function for function, types in _MEASURED.items() if kind in types]
    plain = [Function.COUNT, *(one for one in functions if one is not Function.PERCENTILE)]
    ranked = PERCENTILES if Function.PERCENTILE in functions else ()
    return (
        *(Measure(one, place.column, within=place.within) for one in plain),
        *(Measure(Function.PERCENTILE, place.column, one, place.within) for one in ranked),
    )


def groups_of(place: Place) -> tuple[Group, ...]:
    """Return every way rows can be grouped by a column or field; none for numbers and what is no scalar."""
    if place.leaf.type not in GROUPED:
        return ()
    units = {Scalar.TIMESTAMP: tuple(Unit), Scalar.DATE: _DATE_UNITS}.get(scalar_of(place.leaf), ())
    weeks = [(Unit.WEEK, start) for start in WeekStart] if units else []
    buckets = [(None, None), *((unit, None) for unit in units), *weeks]
    return tuple(Group(place.column, unit, start, place.within) for unit, start in buckets)


def _path(column: Column, within: tuple[Column, ...]) -> str:
    return ".".join(step.name for step in (column, *within))
