"""Where DuckDB computes otherwise than GoogleSQL by itself, it is made to agree.

The emulator of BigQuery is DuckDB left to itself, so it cannot judge these.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exposure.contracts import orders
from exposure.query.aggregate import Unit
from exposure.query.aggregate_parse import count_rows, parse_aggregation
from exposure.query.buckets import timezones
from exposure.query.model import Row
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.port import AnswerOutOfRange, WarehouseMisconfigured
from exposure.warehouse.schema import rows_table
from fakes.house import House, duckdb_house
from fakes.rows import order_row

NAN = float("nan")
MOST = Decimal("99999999999999999999999999999.999999999")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with duckdb_house(orders.CONTRACT) as house:
        yield house


async def rows_of(house: House, question: str) -> list[Any]:
    asked = parse_aggregation(house.contract, parse_qsl(question))
    return list((await house.reader.aggregate(asked)).rows)


async def value_of(house: House, measure: str) -> Any:
    [[value]] = await rows_of(house, f"measures={measure}")
    return value


async def put(house: House, column: str, *values: object) -> None:
    await house.put(*(order_row(order_id=f"o{index}", **{column: one}) for index, one in enumerate(values)))


@pytest.mark.parametrize(
    ("values", "average"),
    [
        ("1 2 2", "1.666666667"), ("-1 -2 -2", "-1.666666667"), ("0.000000001 0", "0.000000001"),
        ("-0.000000001 0", "-0.000000001"), ("0.000000001 0 0", "0"), ("7", "7"), ("-0.5 0.5", "0"),
        ("99999999999999999999999999999.999999999", "99999999999999999999999999999.999999999"),
        ("-99999999999999999999999999999.999999999", "-99999999999999999999999999999.999999999"),
    ],
)  # fmt: skip
async def test_the_average_of_decimals_is_a_decimal_rounded_half_away_from_zero(
    house: House, values: str, average: str
) -> None:
    await put(house, "total", *(Decimal(one) for one in values.split()))
    found = await value_of(house, "avg:total")
    assert isinstance(found, Decimal)
    assert found == Decimal(average)


async def test_percentiles_are_values_by_nearest_rank(house: House) -> None:
    await put(house, "customer_id", 1, 1, 1, 4, 5, 6, 7, 8, 9, 10)
    [row] = await rows_of(
        house, "measures=p1:customer_id,p25:customer_id,p50:customer_id,p90:customer_id,p99:customer_id"
    )
    assert row == (1, 1, 5, 9, 10)


async def test_an_approximate_count_is_exact_where_it_can_be(house: House) -> None:
    await put(house, "customer_id", *(number % 70 for number in range(200)))
    assert await value_of(house, "approx_distinct:customer_id") == 70


async def test_nan_makes_amounts_nan_and_percentiles_leave_it_out(house: House) -> None:
    await put(house, "weight_kg", NAN, 1.0, 2.0, 3.0, None)
    for measure in ("sum", "avg", "min", "max"):
        assert math.isnan(await value_of(house, f"{measure}:weight_kg")), measure
    assert await value_of(house, "p50:weight_kg") == 2.0
    assert await value_of(house, "p99:weight_kg") == 3.0
    assert await value_of(house, "count:weight_kg") == 4


async def test_nan_is_sorted_next_to_null_and_meets_no_bound(house: House) -> None:
    weights = {"NULL": None, "NaN": NAN, "low": -1.0, "high": 1.0}
    await house.put(
        *(order_row(order_id=name, currency=name, weight_kg=weight) for name, weight in weights.items())
    )
    by = "group=currency&measures=max:weight_kg"
    assert [row[0] for row in await rows_of(house, f"{by}&order=max:weight_kg")] == list(weights)
    assert [row[0] for row in await rows_of(house, f"{by}&order=-max:weight_kg")] == list(weights)[::-1]
    for bound, names in (("gt=-5", {"low", "high"}), ("lte=5", {"low", "high"}), ("ne=1", {"NaN", "low"})):
        assert {row[0] for row in await rows_of(house, f"{by}&having.max:weight_kg.{bound}")} == names


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("customer_id", (2**63 - 1, 1)), ("customer_id", (-(2**63), -1)), ("weight_kg", (1.7e308, 1.7e308)),
        ("total", (MOST, MOST)),
    ],
)  # fmt: skip
async def test_a_sum_its_type_cannot_hold_is_refused(
    house: House, column: str, values: tuple[Any, ...]
) -> None:
    await put(house, column, *values)
    with pytest.raises(AnswerOutOfRange):
        await value_of(house, f"sum:{column}")


async def test_a_week_or_a_zone_before_the_first_year_is_refused(house: House) -> None:
    await put(house, "placed_at", datetime(1, 1, 1, tzinfo=UTC))
    for question in ("group=placed_at:week:sunday", "group=placed_at:day&timezone=America/New_York"):
        with pytest.raises(AnswerOutOfRange):
            await rows_of(house, question)


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana"])
async def test_hours_and_days_begin_where_the_zone_says(house: House, zone: str) -> None:
    changes = (datetime(2026, 4, 4, 12, tzinfo=UTC), datetime(2026, 11, 1, 2, tzinfo=UTC))
    times = [start + timedelta(minutes=20 * step) for start in changes for step in range(40)]
    await put(house, "placed_at", *times)
    place = ZoneInfo(zone)
    for unit, parts in ((Unit.HOUR, 13), (Unit.DAY, 10)):
        starts = {
            row[0]: row[1] for row in await rows_of(house, f"group=placed_at:{unit}&timezone={zone}&top=1000")
        }
        assert sum(starts.values()) == len(times)
        for time in times:
            start = max(one for one in starts if one <= time)
            assert _read(start, place, parts) == _read(time, place, parts)


def _read(time: datetime, zone: ZoneInfo, parts: int) -> tuple[str, object]:
    local = time.astimezone(zone)
    return local.isoformat()[:parts], local.utcoffset() if parts > 10 else None


async def test_every_zone_both_know_has_the_same_midnight_in_duckdb_and_here(house: House) -> None:
    # Of the past: of the future each knows what was decided when it was built.
    noon = datetime(2024, 7, 1, 12, tzinfo=UTC)
    await put(house, "placed_at", noon)
    known = {name for (name,) in _asked_past_the_port(house, "SELECT name FROM pg_timezone_names()")}
    both = sorted(timezones() & known)
    assert len(both) > 400
    for zone in both:
        rows = await rows_of(house, f"group=placed_at:day&timezone={zone.replace('+', '%2B')}")
        local = rows[0][0].astimezone(ZoneInfo(zone))
        assert (local.hour, local.minute) == (0, 0), zone
        assert timedelta() <= noon - local < timedelta(days=1), zone


async def test_a_zone_duckdb_does_not_know_is_a_fault_of_the_set_up(house: House) -> None:
    asked = parse_aggregation(house.contract, parse_qsl("group=placed_at:day&timezone=Europe/Madrid"))
    await house.put(order_row())
    with pytest.raises(WarehouseMisconfigured):
        await house.reader.aggregate(dataclasses.replace(asked, timezone="Europe/Atlantis"))


def _asked_past_the_port(house: House, text: str) -> list[Any]:
    found: list[Any] = house.reader._connection.execute(text).fetchall()  # type: ignore[attr-defined]
    return found


AMOUNTS = st.decimals(-(10**20), 10**20, places=9)
ROWS = st.lists(
    st.tuples(
        st.datetimes(datetime(2026, 3, 20), datetime(2026, 4, 10), timezones=st.just(UTC)),  # noqa: DTZ001
        st.sampled_from(["EUR", "USD", "ñ", ""]),
        st.none() | st.sampled_from([-1.5, 0.0, 2.0]),
        st.decimals(-1000, 1000, places=3),
    ),
    max_size=30,
)
GROUPINGS = st.sampled_from(
    ["currency", "placed_at:hour", "placed_at:day", "placed_at:week", "placed_at:week:sunday",
     "placed_at:month", "currency,placed_at:day", "total", "paid,currency", "placed_at:minute",
     "placed_at:minute,placed_at:year"]
)  # fmt: skip
FILTERS = st.sampled_from(["", "currency.in=EUR,USD", "weight_kg.lte=0", "total.gt=-500&currency.ne=EUR"])
SPAN = "placed_at.gte=2026-03-20T00:00:00Z&placed_at.lte=2026-04-10T00:00:00Z"


def examples(number: int) -> settings:
    """Return settings under which the examples share the house, whose rows each replaces."""
    return settings(
        max_examples=number, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )


@examples(40)
@given(
    rows=ROWS,
    grouping=GROUPINGS,
    filters=FILTERS,
    zone=st.sampled_from(["Europe/Madrid", "Australia/Lord_Howe"]),
)
async def test_counts_and_sums_of_groups_add_up_to_those_of_all_rows(
    house: House,
    rows: list[tuple[datetime, str, float | None, Decimal]],
    grouping: str,
    filters: str,
    zone: str,
) -> None:
    await _refill(
        house,
        *(
            order_row(order_id=f"o{index}", placed_at=time, currency=one, weight_kg=weight, total=total)
            for index, (time, one, weight, total) in enumerate(rows)
        ),
    )
    zoned = f"&timezone={zone}" if "placed_at" in grouping else ""
    measures = "measures=count,count:weight_kg,sum:total"
    [whole] = await rows_of(house, f"{measures}&{filters}")
    parts = await rows_of(house, f"group={grouping}&{measures}&top=1000{zoned}&{filters}")
    counted = count_rows(parse_aggregation(house.contract, parse_qsl(filters)))
    [(exact,)] = (await house.reader.aggregate(counted)).rows
    assert _sum(parts, -3) == whole[0] == exact
    assert _sum(parts, -2) == whole[1]
    assert _sum(parts, -1) == (whole[2] or 0)
    if grouping in ("placed_at:hour", "placed_at:day", "placed_at:week", "placed_at:month"):
        filled = await rows_of(house, f"group={grouping}&{measures}&fill=zero{zoned}&{SPAN}&{filters}")
        assert _sum(filled, -3) == exact
        assert {row for row in filled if row[-3]} == set(parts)
        assert [row[0] for row in filled] == sorted({row[0] for row in filled}, key=str)


def _sum(rows: list[Any], at: int) -> Any:
    return sum(row[at] for row in rows if row[at] is not None)


async def _refill(house: House, *rows: Row) -> None:
    """Leave these rows alone in the table: a new house for each example would take most of the time."""
    path = DuckDBDialect().path(rows_table(house.contract))
    _asked_past_the_port(house, f"DELETE FROM {path}")  # noqa: S608
    if rows:
        await house.put(*rows)


@examples(10)
@given(lists=st.lists(st.lists(AMOUNTS, min_size=1, max_size=6), min_size=1, max_size=20))
async def test_the_average_of_any_decimals_is_exact(house: House, lists: list[list[Decimal]]) -> None:
    await _refill(
        house,
        *(
            order_row(order_id=f"{group}-{index}", customer_id=group, total=value)
            for group, values in enumerate(lists)
            for index, value in enumerate(values)
        ),
    )
    for group, average in await rows_of(house, "group=customer_id&measures=avg:total"):
        values = lists[int(str(group))]
        with localcontext() as context:
            context.prec = 60
            exact = sum(values, Decimal(0)) / len(values)
            assert average == exact.quantize(Decimal("1e-9"), ROUND_HALF_UP)
