"""The same random questions about the same random rows, asked of both warehouses."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from exposure.contracts import orders
from exposure.query.model import Row
from fakes.asking import ask_groups
from fakes.bigquery_emulator import BigQueryEmulator
from fakes.house import House, bigquery_house, duckdb_house
from fakes.order_questions import random_grouping
from fakes.rows import NOON, order_row

GROUPS = (
    "currency", "paid", "customer_id", "total", "deliver_on", "placed_at", "shipping.city", "context.channel",
    "deliver_on:day", "deliver_on:week", "deliver_on:week:sunday", "deliver_on:month", "deliver_on:quarter",
    "deliver_on:year", "placed_at:minute", "placed_at:hour", "placed_at:day", "placed_at:week",
    "placed_at:week:sunday", "placed_at:month", "placed_at:quarter", "placed_at:year",
)  # fmt: skip
# What the emulator itself computes as GoogleSQL does: no percentiles, no averages of decimals.
MEASURES = (
    "count", "count:weight_kg", "count:deliver_on", "count:shipping", "distinct:currency", "distinct:total",
    "approx_distinct:customer_id", "distinct:deliver_on", "distinct:shipping.city", "sum:total",
    "sum:customer_id",
    "sum:weight_kg", "avg:weight_kg", "avg:customer_id", "min:total", "max:total", "min:weight_kg",
    "max:currency", "min:currency", "max:deliver_on", "min:placed_at",
    "max:shipping.latitude", "sum:shipping.latitude",
)  # fmt: skip
# Whole hours from UTC: the emulator cuts hours by UTC.
ZONES = ("Europe/Madrid", "America/New_York", "Asia/Tokyo", "Pacific/Apia", "UTC")
FILTERS = (
    "", "currency.ne=EUR", "total.gt=0", "weight_kg.isnull=false", "paid.eq=true&customer_id.lt=3",
    "where=currency eq EUR or total gt 1", "deliver_on.gte=2026-03-01", "shipping.city.eq=Soria",
)  # fmt: skip
CONDITIONS = (
    "", "having.count.gt=1", "having.sum:total.gte=0", "having.max:weight_kg.lt=1.5",
    "having.min:currency.ne=EUR",
    "having.count.gt=1&having.distinct:paid.eq=1",
)  # fmt: skip


def random_rows(chance: random.Random, number: int) -> list[Row]:
    """Return rows around the changes of clocks and the turns of months, with ties and missing values."""
    begin = datetime.fromisoformat("2026-02-27T00:00:00Z")
    return [
        order_row(
            order_id=f"ord-{index}",
            placed_at=begin + timedelta(minutes=17 * chance.randrange(4000), microseconds=index),
            currency=chance.choice(("EUR", "USD", "ñ", "")),
            total=Decimal(chance.randrange(-400, 400)).scaleb(chance.choice((0, -2, -9))),
            customer_id=chance.choice((1, 2, 3, -7, 2**40)),
            weight_kg=chance.choice((None, -1.5, 0.0, 0.25, 2.0)),
            paid=chance.random() < 0.5,
            deliver_on=chance.choice((None, date(2026, 2, 28) + timedelta(days=chance.randrange(40)))),
            shipping=chance.choice((None, _address(chance))),
            context=chance.choice((None, '{"channel":"web"}', '{"channel":"app"}', "{}", "[]")),
            _ingest_time=NOON + timedelta(seconds=index),
        )
        for index in range(number)
    ]


def _address(chance: random.Random) -> dict[str, object]:
    latitude = chance.choice((None, 40.5, -3.25))
    return {"street": "", "city": chance.choice(("Soria", "Madrid")), "postcode": None, "latitude": latitude}


def random_question(chance: random.Random) -> str:
    """Return a question after its `?`."""
    grouping = random_grouping(chance, GROUPS, MEASURES)
    parts = [
        *grouping,
        f"timezone={chance.choice(ZONES)}" if "placed_at:" in grouping[0] else "",
        chance.choice(FILTERS),
        chance.choice(CONDITIONS),
    ]
    return "&".join(part for part in parts if part)


@pytest.mark.parametrize("seed", range(2))
async def test_both_warehouses_answer_the_same_questions_alike(
    bigquery_emulator: BigQueryEmulator, seed: int
) -> None:
    chance = random.Random(seed)
    rows = random_rows(chance, 60)
    # Stored again later under other values, a key's first row is the one that counts on both.
    again = [order_row(order_id=str(row[0]), _ingest_time=NOON + timedelta(days=1)) for row in rows[:10]]
    async with (
        duckdb_house(orders.CONTRACT) as duckdb,
        bigquery_house(bigquery_emulator, orders.CONTRACT) as bigquery,
    ):
        for house in (duckdb, bigquery):
            await house.put(*rows)
            await house.put(*again)
        answered = 0
        for _ in range(30):
            question = random_question(chance)
            expected, found = await _answers(duckdb, question), await _answers(bigquery, question)
            assert _same(expected, found), question
            answered += len(found[0])
        assert answered > 50


async def _answers(house: House, question: str) -> tuple[Sequence[Row], bool]:
    groups = await house.reader.aggregate(ask_groups(question, house.contract))
    return groups.rows, groups.complete


def _same(one: tuple[Sequence[Row], bool], other: tuple[Sequence[Row], bool]) -> bool:
    if (len(one[0]), one[1]) != (len(other[0]), other[1]):
        return False
    pairs = zip(one[0], other[0], strict=True)
    return all(
        _alike(left, right) for first, second in pairs for left, right in zip(first, second, strict=True)
    )


def _alike(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other)
    return type(one) is type(other) and one == other
