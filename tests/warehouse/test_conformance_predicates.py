"""What every adapter's conditions mean, on DuckDB and on BigQuery's own protocol.

Two things the emulator of BigQuery cannot tell: it is made of DuckDB, to which NaN is the greatest number,
and it does not pass on that a backslash escapes in LIKE. Both are GoogleSQL's; the golden statements hold it.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from exposure.contracts import orders
from exposure.query.grammar import LIST_OPERATORS, Place, comparable_columns, places
from exposure.query.model import And, Condition, Not, Operator, Or
from fakes.house import House
from fakes.oracle import met, ordered, values
from fakes.questions import ask, compared
from fakes.rows import NOON, order_row
from fakes.walk import walk_rows

CONTRACT = orders.CONTRACT
LEAST = Decimal("-99999999999999999999999999999.999999999")
CARD = {"sku": "CARD", "quantity": 1, "unit_price": Decimal("0.5")}
LAMP = {"sku": "LÁMPARA", "quantity": 2, "unit_price": Decimal("19.9")}
ROWS = [
    order_row(
        order_id="a", placed_at=NOON, customer_id=1, total=Decimal(1), currency="EUR", weight_kg=1.5,
        paid=True, deliver_on=date(2026, 1, 1), tags=["gift", "vip"], items=[CARD, LAMP],
        context='{"channel":"web"}',
        shipping={"street": "Mayor 1", "city": "Madrid", "postcode": "28013", "latitude": 40.4},
        _message_id="1", _publish_time=NOON, _ingest_time=NOON,
    ),
    order_row(
        order_id="b", placed_at=NOON + timedelta(microseconds=1), customer_id=2, total=Decimal("1.5"),
        currency="eur", weight_kg=-1.5, paid=False, deliver_on=date(2026, 1, 2), tags=[""], items=[LAMP],
        context='{"channel":"app","a":1}', _extra='{"x":1}',
        shipping={"street": "Ñ", "city": "São Paulo", "postcode": None, "latitude": None},
        _message_id="2", _publish_time=NOON + timedelta(days=1), _ingest_time=NOON + timedelta(days=1),
    ),
    order_row(
        order_id="ñ", placed_at=NOON - timedelta(days=400), customer_id=-3, total=LEAST, currency="",
        weight_kg=None, paid=False, deliver_on=None, context='{"channel":{"web":1}}', _message_id="10",
        _publish_time=NOON - timedelta(seconds=1), _ingest_time=NOON - timedelta(seconds=1),
    ),
    order_row(order_id="🦜", currency="50% off_\n", tags=["日本語"], context="[]", weight_kg=0.0),
]  # fmt: skip
PATTERNS = ("%a%", "_", "E%R")
# One of each type and way of reaching it; questions to the emulator take their time.
PLACES = [
    place
    for place in places(CONTRACT)
    if place.name
    not in {"_message_id", "_publish_time", "_ingest_time", "shipping.city", "shipping.postcode"}
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
async def test_every_operator_of_everything_that_can_be_asked_selects_what_it_says(
    house: House, place: Place
) -> None:
    await house.put(*ROWS)
    for operator in place.operators:
        for value in wanted(place, operator):
            condition = place.filter(operator, value)
            assert await found(house, condition) == meant(condition), (place.name, operator, value)


def wanted(place: Place, operator: Operator) -> tuple[object, ...]:
    """Return values to compare with: one of those the rows have."""
    if operator is Operator.ISNULL or place.scalar is None:
        return (True, False)
    if operator is Operator.LIKE:
        return PATTERNS
    if operator is Operator.MATCH:
        return ("Mayor [0-9]+", "^[^a]$", "ayor|Ñ")
    several = [values(CONTRACT, place.filter(operator, None), row) for row in ROWS]
    value = next(one[0] if isinstance(one, list) else one for one in several if one)
    return ((value,),) if operator in LIST_OPERATORS else (value,)


async def found(house: House, *conditions: Condition) -> list[str]:
    page = await house.reader.select(ask(house.contract, *conditions, select="order_id"))
    return [str(key) for (key,) in page.rows]


def meant(*conditions: Condition) -> list[str]:
    return sorted(str(row[0]) for row in met(CONTRACT, conditions, ROWS))


EUR, PAID = compared(CONTRACT, "currency", "eq", "EUR"), compared(CONTRACT, "paid", "eq", False)
HEAVY, MADRID = (
    compared(CONTRACT, "weight_kg", "gt", 0.0),
    compared(CONTRACT, "shipping.city", "eq", "Madrid"),
)
GIFT, EARLY = compared(CONTRACT, "tags", "has", "gift"), compared(CONTRACT, "placed_at", "lt", NOON)
BY_KEY = compared(CONTRACT, "order_id", "in", ("a", "🦜"))


@pytest.mark.parametrize(
    "conditions",
    [
        (EUR, PAID),
        (Or((EUR, PAID)),),
        (Or((And((EUR, GIFT)), HEAVY)), Not(PAID)),
        (Not(And((HEAVY, MADRID))),),
        (Not(Or((HEAVY, MADRID))),),
        (Or((EARLY, BY_KEY)),),
        (Or((EARLY, GIFT)), Not(BY_KEY)),
        (Not(Not(Not(HEAVY))),),
    ],
    ids=range(8),
)
async def test_trees_of_conditions_mean_what_they_say_and_not_keeps_the_unknown_unknown(
    house: House, conditions: tuple[Condition, ...]
) -> None:
    await house.put(*ROWS)
    assert await found(house, *conditions) == meant(*conditions)


async def test_a_list_of_500_values_finds_its_row(house: House) -> None:
    await house.put(*ROWS)
    several = ("ñ", *(f"order {number}" for number in range(499)))
    assert await found(house, compared(CONTRACT, "order_id", "in", several)) == ["ñ"]
    assert await found(house, compared(CONTRACT, "order_id", "nin", several)) == ["a", "b", "🦜"]


async def test_twenty_comparisons_are_answered_at_once(house: House) -> None:
    await house.put(*ROWS)
    many = [compared(CONTRACT, "total", "lt", Decimal(10 + number)) for number in range(10)]
    either = Or(tuple(compared(CONTRACT, "customer_id", "eq", number) for number in range(10)))
    assert await found(house, *many, either) == ["a", "b"]


NULLABLE = [column.name for column in comparable_columns(CONTRACT) if column.nullable]


@pytest.mark.parametrize("column", NULLABLE)
@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("nulls", [".nullsfirst", ".nullslast"])
async def test_a_walk_puts_rows_without_a_value_where_it_is_told(
    house: House, column: str, sign: str, nulls: str
) -> None:
    await house.put(*ROWS, order_row(order_id="z", weight_kg=None, deliver_on=None))
    query = ask(house.contract, select="order_id", order=f"{sign}{column}{nulls}", page_size=1)
    expected = ordered(CONTRACT, query.order, [*ROWS, order_row(order_id="z", weight_kg=None)])
    assert await walk_rows(house.reader, query) == [(row[0],) for row in expected]


async def test_what_is_in_json_is_no_missing_column(house: House) -> None:
    await house.put(
        *(order_row(order_id=str(at), context=text) for at, text in enumerate(("null", "{}", None)))
    )
    assert await found(house, compared(CONTRACT, "context", "isnull", True)) == ["2"]
    assert await found(house, compared(CONTRACT, "context.channel", "isnull", True)) == ["0", "1", "2"]
