"""Where time buckets begin, whatever clocks do there."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.contracts import orders
from exposure.query.aggregate import Group, Unit, WeekStart
from exposure.query.buckets import TooManyBuckets, bucket_start, bucket_starts, label_is_date, timezones

PLACED, DELIVER = orders.CONTRACT.column("placed_at"), orders.CONTRACT.column("deliver_on")
MOST = 5000
# Half an hour of summer time, a day that was skipped, midnights that do not exist or come twice, odd offsets.
ZONES = [
    "UTC", "Europe/Madrid", "America/New_York", "America/Havana", "America/Sao_Paulo", "Asia/Kolkata",
    "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo", "America/Toronto",
]  # fmt: skip
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
GROUPS = [Group(PLACED, unit) for unit in Unit] + [Group(PLACED, Unit.WEEK, WeekStart.SUNDAY)]
SPANS = {
    Unit.MINUTE: timedelta(minutes=300), Unit.HOUR: timedelta(days=3), Unit.DAY: timedelta(days=40),
    Unit.WEEK: timedelta(days=120), Unit.MONTH: timedelta(days=800), Unit.QUARTER: timedelta(days=1000),
    Unit.YEAR: timedelta(days=2000),
}  # fmt: skip


def label_of(group: Group, instant: datetime, zone: ZoneInfo) -> date:
    """Return the label as the warehouse computes it, by other means than the house's."""
    local = instant.astimezone(zone)
    if group.unit is Unit.MINUTE:
        return instant.replace(second=0, microsecond=0)
    if group.unit is Unit.HOUR:
        offset = local.utcoffset() or timedelta()
        shifted = (instant + offset).replace(minute=0, second=0, microsecond=0)
        return shifted - offset
    day = local.date()
    if group.unit is Unit.WEEK:
        back = day.isoweekday() % 7 if group.week_start is WeekStart.SUNDAY else day.isoweekday() - 1
        return day - timedelta(days=back)
    months = {Unit.MONTH: day.month, Unit.QUARTER: (day.month - 1) // 3 * 3 + 1, Unit.YEAR: 1}
    return day if group.unit is Unit.DAY else date(day.year, months[group.unit or Unit.DAY], 1)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
@settings(deadline=None)
@given(zone=st.sampled_from(ZONES), low=INSTANTS, share=st.floats(0, 1), data=st.data())
def test_buckets_are_contiguous_and_hold_every_instant_under_its_own_label(
    group: Group, zone: str, low: datetime, share: float, data: st.DataObject
) -> None:
    place = ZoneInfo(zone)
    high = low + SPANS[group.unit or Unit.DAY]
    starts = _starts(group, low, high, zone)
    assert starts[0] <= low
    assert all(before < after for before, after in pairwise(starts))
    instant = low + (high - low) * share
    label = label_of(group, min(instant, high - timedelta(microseconds=1)), place)
    start = bucket_start(group, label, place)
    assert start in starts
    following = data.draw(st.sampled_from(starts))
    assert isinstance(following, datetime)
    assert bucket_start(group, label_of(group, following, place), place) == following


@pytest.mark.parametrize(
    ("zone", "low", "hours"),
    [
        ("Europe/Madrid", "2026-03-29", 23), ("Europe/Madrid", "2026-10-25", 25),
        ("Europe/Madrid", "2026-06-01", 24), ("UTC", "2026-03-29", 24), ("Asia/Kolkata", "2026-03-29", 24),
        ("America/New_York", "2026-11-01", 25), ("Australia/Lord_Howe", "2026-04-05", 25),
        ("Australia/Lord_Howe", "2026-10-04", 24),
    ],
)  # fmt: skip
def test_a_day_has_as_many_hours_as_its_zone_gives_it(zone: str, low: str, hours: int) -> None:
    midnight = datetime.fromisoformat(low).replace(tzinfo=ZoneInfo(zone))
    after = (midnight + timedelta(days=1)).astimezone(UTC)
    starts = _starts(Group(PLACED, Unit.HOUR), midnight.astimezone(UTC), after, zone)
    assert len(starts) == hours
    assert starts[0] == midnight
    gaps = {later - earlier for earlier, later in pairwise((*starts, after))}
    assert gaps <= {timedelta(minutes=30), timedelta(hours=1), timedelta(minutes=90)}


def test_an_hour_the_clocks_repeat_is_two_buckets() -> None:
    low, high = datetime(2026, 10, 25, 0, tzinfo=UTC), datetime(2026, 10, 25, 2, tzinfo=UTC)
    starts = _starts(Group(PLACED, Unit.HOUR), low, high, "Europe/Madrid")
    assert _local(starts, "Europe/Madrid") == ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"]


@pytest.mark.parametrize(
    ("zone", "low", "clocks"),
    [
        # Clocks went from 02:30 to 03:00 and from 23:30 to 00:00: an hour of half an hour each.
        ("America/Caracas", "2016-05-01T05:30:00Z", ["01:00", "02:00", "03:00", "04:00"]),
        ("Asia/Pyongyang", "2018-05-04T13:30:00Z", ["22:00", "23:00", "00:00", "01:00"]),
        # From 02:00 to 02:30, and back from 02:00 to 01:30.
        ("Australia/Lord_Howe", "2026-10-03T14:30:00Z", ["01:00", "02:30", "03:00", "04:00"]),
        ("Australia/Lord_Howe", "2026-04-04T14:00:00Z", ["01:00", "01:30", "02:00", "03:00"]),
    ],
)
def test_an_hour_ends_when_the_clocks_leave_it(zone: str, low: str, clocks: list[str]) -> None:
    begin = datetime.fromisoformat(low)
    starts = _starts(Group(PLACED, Unit.HOUR), begin, begin + timedelta(hours=3, minutes=15), zone)
    assert [clock[11:16] for clock in _local(starts, zone)] == clocks
    for instant in (begin + timedelta(minutes=10 * step) for step in range(18)):
        label = label_of(Group(PLACED, Unit.HOUR), instant, ZoneInfo(zone))
        assert bucket_start(Group(PLACED, Unit.HOUR), label, ZoneInfo(zone)) in starts


def test_a_day_that_did_not_happen_is_no_bucket() -> None:
    low, high = datetime(2011, 12, 29, 11, tzinfo=UTC), datetime(2012, 1, 1, tzinfo=UTC)
    starts = _starts(Group(PLACED, Unit.DAY), low, high, "Pacific/Apia")
    assert [one[:10] for one in _local(starts, "Pacific/Apia")] == ["2011-12-29", "2011-12-31", "2012-01-01"]


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        # Clocks went from 00:00 to 01:00, from 23:30 to 00:30, and back from 01:00 to 00:00.
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T01:00:00-02:00"),
        ("America/Toronto", date(1919, 3, 31), "1919-03-31T00:30:00-04:00"),
        ("America/Havana", date(2026, 11, 1), "2026-11-01T00:00:00-04:00"),
    ],
)
def test_a_day_begins_at_its_first_instant(zone: str, day: date, start: str) -> None:
    found = bucket_start(Group(PLACED, Unit.DAY), day, ZoneInfo(zone))
    assert _local((found,), zone) == [start]


def test_dates_need_no_zone() -> None:
    group = Group(DELIVER, Unit.WEEK, WeekStart.SUNDAY)
    starts = _starts(group, date(2026, 3, 29), date(2026, 4, 13), "Pacific/Apia")
    assert starts == (date(2026, 3, 29), date(2026, 4, 5), date(2026, 4, 12))
    assert bucket_start(group, date(2026, 4, 5), ZoneInfo("UTC")) == date(2026, 4, 5)


def test_months_quarters_and_years_go_on_over_the_turn_of_the_year() -> None:
    low, high = date(2025, 11, 30), date(2026, 2, 1)
    assert _starts(Group(DELIVER, Unit.MONTH), low, high) == (
        date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1),
    )  # fmt: skip
    assert _starts(Group(DELIVER, Unit.QUARTER), low, high) == (date(2025, 10, 1), date(2026, 1, 1))
    assert _starts(Group(DELIVER, Unit.YEAR), low, high) == (date(2025, 1, 1), date(2026, 1, 1))


def test_an_empty_span_has_no_buckets() -> None:
    assert _starts(Group(DELIVER, Unit.DAY), date(2026, 1, 2), date(2026, 1, 2)) == ()


def test_more_buckets_than_allowed_are_refused_before_they_are_made() -> None:
    day = Group(PLACED, Unit.DAY)
    low = datetime(2026, 1, 1, tzinfo=UTC)
    assert len(bucket_starts(day, low, low + timedelta(days=7), ZoneInfo("UTC"), 7)) == 7
    with pytest.raises(TooManyBuckets):
        bucket_starts(day, low, low + timedelta(days=7, microseconds=1), ZoneInfo("UTC"), 7)
    with pytest.raises(TooManyBuckets):
        bucket_starts(Group(PLACED, Unit.MINUTE), low, low.replace(year=9000), ZoneInfo("UTC"), MOST)


def test_the_last_year_ends_in_an_error_not_in_a_wrong_bucket() -> None:
    for unit in (Unit.WEEK, Unit.MONTH, Unit.YEAR):
        with pytest.raises(OverflowError):
            bucket_starts(Group(DELIVER, unit), date(9999, 12, 1), date.max, ZoneInfo("UTC"), MOST)


def test_labels_are_dates_from_days_on() -> None:
    assert [group.unit for group in GROUPS if not label_is_date(group)] == [Unit.MINUTE, Unit.HOUR]
    assert not label_is_date(Group(PLACED))


def test_zones_are_places_and_utc() -> None:
    assert {"UTC", "Europe/Madrid", "Asia/Kolkata"} <= timezones()
    assert not {"localtime", "EST", "CET", ""} & timezones()


def _starts(group: Group, low: date, high: date, zone: str = "UTC") -> tuple[date, ...]:
    return bucket_starts(group, low, high, ZoneInfo(zone), MOST)


def _local(starts: tuple[date, ...], zone: str) -> list[str]:
    instants = [one for one in starts if isinstance(one, datetime)]
    return [one.astimezone(ZoneInfo(zone)).isoformat() for one in instants]
