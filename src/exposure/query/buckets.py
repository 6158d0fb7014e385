"""Where time buckets begin, in a time zone: the calendar that fills gaps and names buckets. Pure.

The warehouse puts each row into its bucket by a label: the local date a bucket of days or more begins on,
or, for minutes and hours, the instant cut by the offset that holds at the row. Here labels become the
instants at which the buckets begin. An hour that the clocks repeat is two buckets; a day that a zone
skipped is none; a day whose midnight does not exist begins when the clocks have gone forward.

Instants are in UTC throughout: within one zone Python takes the two readings of a repeated hour for equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import MAXYEAR, UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import count
from zoneinfo import ZoneInfo, available_timezones

from exposure.query.aggregate import Group, Unit, WeekStart

_TICK = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_FIRST = datetime.min.replace(tzinfo=UTC)
_STEPS = {Unit.MINUTE: timedelta(minutes=1), Unit.HOUR: timedelta(hours=1)}
_MONTHS = {Unit.MONTH: 1, Unit.QUARTER: 3, Unit.YEAR: 12}


class TooManyBuckets(ValueError):
    """A span has more buckets than may be filled."""


@lru_cache(maxsize=1)
def timezones() -> frozenset[str]:
    """Return the IANA names this machine knows: `UTC`, and places such as `Europe/Madrid`."""
    return frozenset(name for name in available_timezones() if "/" in name or name == "UTC")


def label_is_date(group: Group) -> bool:
    """Return whether the warehouse names the group's buckets by the date they begin on."""
    return group.unit is not None and group.unit not in _STEPS


def bucket_start(group: Group, label: date, zone: ZoneInfo) -> date:
    """Return the beginning of the bucket a label names: a date of dates, else an instant, in UTC.

    Raises OverflowError outside the years 1 to 9999.
    """
    if not group.is_zoned or group.unit is None:
        return label
    if isinstance(label, datetime):
        return _start_of_step(_STEPS[group.unit], label, zone)
    return _start_of_day(label, zone)


def bucket_starts(group: Group, low: date, high: date, zone: ZoneInfo, most: int) -> tuple[date, ...]:
    """Return where the buckets that meet low <= time < high begin, in order.

    Both are dates for a column of dates, else instants. Raises TooManyBuckets when the buckets are more
    than `most`, OverflowError outside the years 1 to 9999.
    """
    starts: list[date] = []
    for start in _walk(group, low, zone):
        if start >= high:
            break
        if len(starts) == most:
            raise TooManyBuckets
        starts.append(start)
    return tuple(starts) if low < high else ()


def _walk(group: Group, low: date, zone: ZoneInfo) -> Iterator[date]:
    if not isinstance(low, datetime):
        yield from _days(group, low)
    elif group.unit in _STEPS:
        yield from _steps(_STEPS[group.unit], low.astimezone(UTC), zone)
    else:
        last: datetime | None = None
        for day in _days(group, low.astimezone(zone).date()):
            start = _start_of_day(day, zone)
            # A day that did not happen would begin with the next one.
            if last is None or start > last:
                last = start
                yield start


def _days(group: Group, day: date) -> Iterator[date]:
    """Return the dates buckets begin on, from the one that holds the day."""
    months = _MONTHS.get(group.unit or Unit.DAY)
    if months is None:
        back = 0 if group.unit is Unit.DAY else _days_into_week(group.week_start, day)
        first, step = day - _DAY * back, _DAY * (1 if group.unit is Unit.DAY else 7)
        for number in count():
            yield first + step * number
    else:
        month = (day.year * 12 + day.month - 1) // months * months
        for number in count(month, months):
            if number // 12 > MAXYEAR:
                raise OverflowError("no year behind 9999")
            yield date(number // 12, number % 12 + 1, 1)


def _days_into_week(week_start: WeekStart | None, day: date) -> int:
    return day.isoweekday() % 7 if week_start is WeekStart.SUNDAY else day.weekday()


def _start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant, in UTC, at which it is that day or, was there none, a later one."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    before, after = midnight.utcoffset(), midnight.replace(fold=1).utcoffset()
    unzoned = midnight.replace(tzinfo=UTC)
    if before is None or after is None or after <= before:
        return unzoned - (before or timedelta())
    # The clocks have jumped over midnight between these two readings of it.
    return _transition(zone, unzoned - after, unzoned - before)


def _start_of_step(step: timedelta, label: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant, in UTC, whose label it is."""
    label = label.astimezone(UTC)
    # Cut by an offset that holds only later: the bucket begins when that offset does.
    return label if _floor(step, label, zone) == label else _transition(zone, label, label + step)


def _steps(step: timedelta, low: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    start = _start_of_step(step, _floor(step, low, zone), zone)
    while True:
        yield start
        end = _floor(step, start, zone) + step
        turned = (_offset(zone, end - _TICK) - _offset(zone, start)) % step
        start = _transition(zone, start, end) if turned else end


def _floor(step: timedelta, instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the label of the instant. Minutes are the same everywhere: no zone is seconds off UTC today."""
    offset = timedelta() if step < _STEPS[Unit.HOUR] else _offset(zone, instant)
    return instant - (instant - _FIRST + offset) % step


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def _transition(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the whole second, before < it <= after, from which the offset is that of `after`."""
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        is_before = _offset(zone, before + timedelta(seconds=middle)) == _offset(zone, before)
        low, high = (middle, high) if is_before else (low, middle)
    return before + timedelta(seconds=high)
