"""Which buckets a question wants filled: `fill=zero`, between the bounds its own filters set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from exposure.query.aggregate import Group
from exposure.query.aggregate_grammar import FILL, FILL_ZERO, MAX_FILLED, TIMEZONE
from exposure.query.buckets import TooManyBuckets, bucket_starts, timezones
from exposure.query.errors import BadQuery, nearest, shown, wrong
from exposure.query.model import Condition, Filter, Operator

UTC_NAME = "UTC"
_LOWER = (Operator.EQ, Operator.GT, Operator.GTE)
_UPPER = (Operator.EQ, Operator.LT, Operator.LTE)


def parse_timezone(text: str | None) -> str:
    """Return the name of the time zone; raises BadQuery."""
    if text is None:
        return UTC_NAME
    if text not in timezones():
        message = f"'{TIMEZONE}' is an IANA name such as Europe/Madrid or UTC, not '{shown(text)}'"
        raise wrong(TIMEZONE, "UNKNOWN_TIMEZONE", message, suggestion=nearest(text, timezones()))
    return text


def refuse_idle_timezone(text: str | None, groups: Sequence[Group]) -> None:
    """Raise BadQuery when a time zone is named and no bucket follows it."""
    if text is not None and not any(group.is_zoned for group in groups):
        message = f"'{TIMEZONE}' says where buckets of instants begin, and none are asked for"
        raise wrong(TIMEZONE, "WITHOUT_EFFECT", message)


def parse_fill(
    text: str | None, groups: Sequence[Group], filters: Sequence[Condition], timezone: str
) -> tuple[date, ...] | None:
    """Return the beginning of every bucket to be there, None when none is to be filled; raises BadQuery."""
    if text is None:
        return None
    if text != FILL_ZERO:
        message = f"'{FILL}' may be '{FILL_ZERO}', not '{shown(text)}'"
        raise wrong(FILL, "WRONG_VALUE", message, allowed=(FILL_ZERO,), suggestion=FILL_ZERO)
    buckets = [group for group in groups if group.unit is not None]
    if len(buckets) != 1:
        message = f"'{FILL}' needs one time bucket in 'group', such as {_example(groups)}, not {len(buckets)}"
        raise wrong(FILL, "NO_BUCKET", message)
    low, high = _bounds(buckets[0], filters)
    try:
        return bucket_starts(buckets[0], low, high, ZoneInfo(timezone), MAX_FILLED)
    except TooManyBuckets as error:
        message = f"'{FILL}' takes {MAX_FILLED} buckets at most; bound '{buckets[0].path}' more narrowly"
        raise wrong(FILL, "TOO_MANY_BUCKETS", message) from error
    except OverflowError as error:
        raise wrong(FILL, "OUT_OF_RANGE", f"'{FILL}' takes buckets of the years 1 to 9999") from error


def _bounds(group: Group, filters: Sequence[Condition]) -> tuple[date, date]:
    """Return the span the filters leave, its end not in it."""
    plain = [one for one in filters if isinstance(one, Filter)]
    mine = [one for one in plain if (one.column, one.within) == (group.column, group.within)]
    lows = [_above(one) for one in mine if one.operator in _LOWER]
    highs = [_below(one) for one in mine if one.operator in _UPPER]
    if not lows or not highs:
        raise _unbounded(group.path)
    try:
        return max(low() for low in lows), min(high() for high in highs)
    except OverflowError as error:
        raise wrong(FILL, "OUT_OF_RANGE", f"'{FILL}' takes buckets of the years 1 to 9999") from error


def _above(one: Filter) -> Callable[[], date]:
    value: Any = one.value
    return lambda: value + _step(value) if one.operator is Operator.GT else value


def _below(one: Filter) -> Callable[[], date]:
    value: Any = one.value
    return lambda: value if one.operator is Operator.LT else value + _step(value)


def _step(value: date) -> timedelta:
    return timedelta(microseconds=1) if isinstance(value, datetime) else timedelta(days=1)


def _unbounded(column: str) -> BadQuery:
    message = f"'{FILL}' needs both ends: filter '{column}' by gte or gt, and by lt or lte"
    return wrong(FILL, "UNBOUNDED", message, suggestion=f"{column}.gte")


def _example(groups: Sequence[Group]) -> str:
    return f"{groups[0].path}:day" if groups else "timestamp:day"
