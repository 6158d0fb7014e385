"""Which buckets a question fills."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from fakes.asking import ask_groups, errors_of

JANUARY = "placed_at.gte=2026-01-01T00:00:00Z&placed_at.lt=2026-02-01T00:00:00Z"


@pytest.mark.parametrize(
    ("bounds", "first", "number"),
    [
        ("placed_at.gte=2026-01-01T00:00:00Z&placed_at.lt=2026-01-03T00:00:00Z", 1, 2),
        ("placed_at.gte=2026-01-01T00:00:00Z&placed_at.lte=2026-01-03T00:00:00Z", 1, 3),
        ("placed_at.gt=2026-01-01T23:59:59.999999Z&placed_at.lt=2026-01-03T00:00:00Z", 2, 1),
        ("placed_at.gte=2026-01-01T12:00:00Z&placed_at.lt=2026-01-01T12:00:01Z", 1, 1),
        ("placed_at.eq=2026-01-02T12:00:00Z", 2, 1),
        (f"{JANUARY}&placed_at.gte=2026-01-02T00:00:00Z&placed_at.lt=2026-01-04T00:00:00Z", 2, 2),
    ],
)
def test_buckets_are_filled_between_the_bounds_of_the_filters(bounds: str, first: int, number: int) -> None:
    filled = ask_groups(f"group=placed_at:day&fill=zero&{bounds}").filled
    assert filled is not None
    assert (filled[0], len(filled)) == (datetime(2026, 1, first, tzinfo=UTC), number)


def test_bounds_that_leave_nothing_fill_nothing() -> None:
    bounds = "placed_at.gte=2026-01-02T00:00:00Z&placed_at.lt=2026-01-01T00:00:00Z"
    assert ask_groups(f"group=placed_at:day&fill=zero&{bounds}").filled == ()


def test_dates_are_filled_by_the_calendar_alone() -> None:
    asked = ask_groups(
        "group=deliver_on:month,currency&fill=zero&deliver_on.gte=2026-01-31&deliver_on.lte=2026-03-01"
    )
    assert asked.filled == (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1))
    # Series stand together in what is read, whatever the order of the groups.
    assert [one.by.name for one in asked.order] == ["currency", "deliver_on:month"]
    assert asked.top == 5000


def test_bounds_that_surely_hold_count_wherever_they_are_written() -> None:
    within = "where=placed_at gte 2026-01-01T00:00:00Z and placed_at lt 2026-01-04T00:00:00Z"
    assert len(ask_groups(f"group=placed_at:day&fill=zero&{within} and paid eq true").filled or ()) == 3
    either = within.replace(" and ", " or ")
    assert [one.code for one in errors_of(f"group=placed_at:day&fill=zero&{either}")] == ["UNBOUNDED"]
