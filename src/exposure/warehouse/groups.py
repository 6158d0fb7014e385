"""From the rows of a compiled aggregation to groups, the same for every adapter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from exposure.contracts.types import INTEGER_MAX, INTEGER_MIN, Scalar
from exposure.query.aggregate import COUNTING, Aggregation, Function, Group, Measure
from exposure.query.buckets import bucket_start
from exposure.query.model import Row
from exposure.warehouse.port import AnswerOutOfRange, Groups

_ZEROS: dict[Scalar, object] = {Scalar.INTEGER: 0, Scalar.NUMBER: 0.0, Scalar.DECIMAL: Decimal(0)}


def cut_groups(
    aggregation: Aggregation, rows: Sequence[Row], as_of: datetime, *, bytes_billed: int
) -> Groups:
    """Return the groups; `rows` are those of `compile_aggregate`, perhaps one too many.

    Raises AnswerOutOfRange for a value that its type, or the calendar, cannot hold.
    """
    if aggregation.apart:
        kept, cut = _apart(aggregation, rows)
        return Groups(kept, not cut, as_of, bytes_billed, cut)
    zone, grouped = ZoneInfo(aggregation.timezone), len(aggregation.groups)
    found = []
    for row in rows:
        _check(aggregation, row[grouped:])
        found.append((*_labelled(aggregation, row, zone), *row[grouped:][: len(aggregation.measures)]))
    kept, complete = found[: aggregation.top], len(found) <= aggregation.top
    if aggregation.filled is not None:
        kept, complete = _fill(aggregation, found)
    return Groups(kept, complete, as_of, bytes_billed)


def _apart(aggregation: Aggregation, rows: Sequence[Row]) -> tuple[list[Row], frozenset[int]]:
    """Return the values of each group in turn, and which groups have more."""
    kept: list[Row] = []
    cut = set()
    for number in range(len(aggregation.groups)):
        values = [(number, row[1 + number], row[-1]) for row in rows if row[0] == number]
        kept.extend(values[: aggregation.top])
        cut |= {number} if len(values) > aggregation.top else set()
    return kept, frozenset(cut)


def _labelled(aggregation: Aggregation, row: Row, zone: ZoneInfo) -> Row:
    """Return the row's groups, buckets as their beginnings."""
    return tuple(_start(group, label, zone) for group, label in zip(aggregation.groups, row, strict=False))


def _start(group: Group, label: object, zone: ZoneInfo) -> object:
    if group.unit is None or label is None:
        return label
    if not isinstance(label, date):
        # A warehouse may go on before the year 1; Python's calendar does not.
        raise AnswerOutOfRange(f"a bucket of '{group.name}' begins outside the years 1 to 9999")
    try:
        return bucket_start(group, label, zone)
    except OverflowError as error:
        raise AnswerOutOfRange(f"a bucket of '{group.name}' begins outside the years 1 to 9999") from error


def _check(aggregation: Aggregation, values: Row) -> None:
    for measure, value in zip(aggregation.computed, values, strict=True):
        # One warehouse widens such a sum, another refuses it: refused on both.
        is_wide = isinstance(value, int) and not INTEGER_MIN <= value <= INTEGER_MAX
        if is_wide or (isinstance(value, float) and math.isinf(value)):
            raise AnswerOutOfRange(f"'{measure.name}' of a group is greater than its type can hold")


def _fill(aggregation: Aggregation, rows: Sequence[Row]) -> tuple[list[Row], bool]:
    """Return every bucket of as many whole series as there is room for, and whether those are all.

    A series is what the other groups have in common; its rows stand together in `rows`.
    """
    width, filled = len(aggregation.groups), aggregation.filled or ()
    at = next(index for index, group in enumerate(aggregation.groups) if group.unit is not None)
    series: dict[Row, dict[object, Row]] = {} if width > 1 else {(): {}}
    for row in rows:
        others = (*row[:at], *row[at + 1 : width])
        series.setdefault(others, {})[row[at]] = row
    room = aggregation.top // max(1, len(filled))
    empty = tuple(_nothing(measure) for measure in aggregation.measures)
    kept = [
        buckets.get(start) or (*others[:at], start, *others[at:], *empty)
        for others, buckets in list(series.items())[:room]
        # A bucket a warehouse's calendar has and ours has not is kept as well.
        for start in dict.fromkeys((*filled, *buckets))
    ]
    kept.sort(key=lambda row: [(value is not None, value) for value in row[:width]])
    return kept, len(series) <= room


def _nothing(measure: Measure) -> object:
    """Return the measure of no rows: counts and sums are zero, of other measures there is none."""
    if measure.function in COUNTING:
        return 0
    return _ZEROS[measure.type] if measure.function is Function.SUM else None
