"""Instants become the Arrow values pyarrow would make of them by itself, in a quarter of the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.warehouse.arrow import record_batch

_ZONED = pa.timestamp("us", tz="UTC")
_ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# Those whose own zone has them in another year are left out at both ends.
_INSTANTS = st.datetimes(timezones=st.just(UTC) | _ZONES).filter(lambda at: 1 < at.year < 9999)


def column(values: list[Any], physical: pa.DataType) -> pa.Array:
    schema = pa.schema([pa.field("at", physical)])
    return record_batch(schema, [(value,) for value in values]).column(0)


@pytest.mark.parametrize("physical", [_ZONED, pa.timestamp("us")])
@given(values=st.lists(st.none() | _INSTANTS, max_size=5))
def test_instants_of_any_zone_and_nulls_are_what_pyarrow_makes_of_them(
    physical: pa.DataType, values: list[datetime | None]
) -> None:
    assert column(values, physical).equals(pa.array(values, type=physical))


@pytest.mark.parametrize("value", [None, datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC)])
@pytest.mark.parametrize("physical", [_ZONED, pa.timestamp("us")])
def test_one_instant_for_all_rows_is_in_each_of_them(physical: pa.DataType, value: datetime | None) -> None:
    assert column([value] * 5, physical).equals(pa.array([value] * 5, type=physical))


def test_an_instant_that_is_first_and_last_is_not_taken_for_all() -> None:
    first = datetime(2026, 11, 25, 12, tzinfo=UTC)
    values = [first, first + timedelta(seconds=1), first]
    assert column(values, _ZONED).to_pylist() == values


def test_the_first_and_the_last_instant_are_kept() -> None:
    ends = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    assert column(ends, _ZONED).to_pylist() == ends


def test_an_instant_without_a_zone_is_left_to_pyarrow() -> None:
    values = [datetime(2026, 11, 25, 12)]  # noqa: DTZ001 - that is what is tested
    assert column(values, _ZONED).equals(pa.array(values, type=_ZONED))


def test_a_value_that_is_no_instant_is_refused_in_pyarrows_words() -> None:
    with pytest.raises(pa.ArrowException):
        column([datetime(2026, 11, 25, tzinfo=UTC), "noon"], _ZONED)
