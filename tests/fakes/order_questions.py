"""Random rows of `orders`, and random questions of every operator and measure a replica answers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from exposure.contracts import orders
from exposure.contracts.decimals import exact_decimal
from exposure.contracts.model import Contract
from exposure.query.model import And, Condition, Not, Operator, Or, Query, Row
from fakes.questions import ask, compared
from fakes.rows import NOON, order_row

BEGIN = datetime(2026, 2, 27, tzinfo=UTC)
TEXTS = ("", "EUR", "USD", "ñandú", "a%b", "a_b", "a\\b", "İstanbul", "eur", "EURO", "日本", "line\nbreak")
NUMBERS = (None, -1.5, 0.0, 0.25, 2.0, 1024.0, -0.5)
# As a question has them, with every digit: DuckDB takes the type of a bound decimal from how it is written.
DECIMALS = tuple(exact_decimal(text) for text in ("0", "-1.5", "0.000000001", "39.80", "1e20"))
WHOLE = (0, 1, -7, 2**40, -(2**63), 2**63 - 1)
DAYS = (None, date(2026, 2, 28), date(2026, 3, 1), date(1, 1, 1), date(9999, 12, 31))
CITIES = ("Soria", "Madrid", "")
# Of the emulator no backslash escapes anything.
_LIKE = ("%", "EUR%", "%R_", "_", "%日%", "line%", "", "a%b")
ESCAPED = ("a\\%b", "a\\_b", "a\\\\b", "%\\\\%")

_COMPARED = (Operator.EQ, Operator.NE, Operator.LT, Operator.LTE, Operator.GT, Operator.GTE)
_LISTED = (Operator.IN, Operator.NIN)
_ALIKE = (Operator.SAME, Operator.DISTINCT)
_TEXT = (Operator.PREFIX, Operator.CONTAINS)
_VALUES: dict[str, Sequence[object]] = {
    "currency": TEXTS,
    "weight_kg": NUMBERS,
    "total": DECIMALS,
    "customer_id": WHOLE,
    "paid": (True, False),
    "deliver_on": DAYS,
    "shipping.city": CITIES,
    "shipping.latitude": (40.5, -3.25),
}
ORDERS = (
    "placed_at", "-placed_at,-order_id", "order_id", "-order_id", "currency", "-weight_kg",
    "weight_kg.nullslast", "total,-deliver_on", "-deliver_on.nullsfirst", "paid,-currency",
    "customer_id,placed_at", "placed_at,order_id",
)  # fmt: skip
GROUPS = (
    "currency", "paid", "customer_id", "total", "deliver_on", "placed_at", "shipping.city", "deliver_on:day",
    "deliver_on:month", "placed_at:minute", "placed_at:hour", "placed_at:day", "placed_at:week",
    "placed_at:week:sunday", "placed_at:month", "placed_at:quarter", "placed_at:year",
)  # fmt: skip
MEASURES = (
    "count", "count:weight_kg", "count:deliver_on", "count:shipping", "distinct:currency", "distinct:total",
    "distinct:deliver_on", "distinct:shipping.city", "distinct:paid", "sum:total", "sum:weight_kg",
    "min:total", "max:total", "min:weight_kg", "max:weight_kg", "max:currency", "min:currency",
    "max:deliver_on", "min:placed_at", "min:customer_id", "max:shipping.city",
)  # fmt: skip


def random_row(chance: random.Random, number: int) -> Row:
    """Return a row with ties, missing values and the ends of every type's range."""
    address = {
        "street": chance.choice(TEXTS),
        "city": chance.choice(CITIES),
        "postcode": None,
        "latitude": chance.choice((None, 40.5, -3.25)),
    }
    item = {"sku": chance.choice(("A", "B")), "quantity": chance.choice((1, 2)), "unit_price": Decimal("1.5")}
    return order_row(
        order_id=f"ord-{number:04}",
        placed_at=BEGIN + timedelta(minutes=17 * chance.randrange(400), microseconds=chance.randrange(2)),
        currency=chance.choice(TEXTS),
        total=chance.choice(DECIMALS),
        customer_id=chance.choice(WHOLE),
        weight_kg=chance.choice(NUMBERS),
        paid=chance.random() < 0.5,
        deliver_on=chance.choice(DAYS),
        shipping=chance.choice((None, address)),
        items=[item] * chance.randrange(3),
        tags=[chance.choice(TEXTS) for _ in range(chance.randrange(3))],
        context=chance.choice((None, '{"channel":"web"}', "[]")),
        _message_id=str(number),
        _ingest_time=NOON + timedelta(seconds=number),
    )


def random_condition(chance: random.Random, depth: int = 2) -> Condition:
    """Return a comparison, or several joined."""
    kind = chance.randrange(10) if depth else 9
    if kind < 2:
        inner = tuple(random_condition(chance, depth - 1) for _ in range(2))
        return And(inner) if kind else Or(inner)
    return Not(random_condition(chance, depth - 1)) if kind == 2 else random_comparison(chance)


def random_comparison(chance: random.Random) -> Condition:
    """Return a comparison by any operator a replica answers."""
    kind = chance.randrange(7)
    if kind == 0:
        operator = chance.choice((*_COMPARED, *_LISTED))
        times = [BEGIN + timedelta(minutes=17 * chance.randrange(400)) for _ in range(3)]
        return compared(
            orders.CONTRACT, "placed_at", operator, tuple(times) if operator in _LISTED else times[0]
        )
    if kind == 1:
        listed: dict[str, Sequence[str]] = {"tags": TEXTS, "items.sku": ("A", "B", "C")}
        path, texts = chance.choice([*listed.items()])
        operator = chance.choice((Operator.HAS, Operator.HASANY))
        value = tuple(chance.sample(texts, 2)) if operator is Operator.HASANY else chance.choice(texts)
        return compared(orders.CONTRACT, path, operator, value)
    if kind == 2:
        operator = chance.choice((*_TEXT, Operator.LIKE))
        text = chance.choice(_LIKE) if operator is Operator.LIKE else chance.choice(TEXTS)
        return compared(orders.CONTRACT, chance.choice(("currency", "shipping.street")), operator, text)
    if kind == 3:
        path = chance.choice(("weight_kg", "deliver_on", "shipping", "context"))
        return compared(orders.CONTRACT, path, Operator.ISNULL, chance.random() < 0.5)
    path, found = chance.choice([*_VALUES.items()])
    values = [one for one in found if one is not None]
    operator = chance.choice((*_COMPARED, *_LISTED, *_ALIKE))
    if path == "paid" and operator in _COMPARED:
        operator = Operator.EQ
    if operator in _LISTED:
        return compared(orders.CONTRACT, path, operator, tuple(chance.sample(values, min(2, len(values)))))
    return compared(orders.CONTRACT, path, operator, chance.choice(values))


def random_query(chance: random.Random, contract: Contract = orders.CONTRACT) -> Query:
    """Return a question for rows."""
    conditions = [random_condition(chance) for _ in range(chance.randrange(3))]
    select = chance.choice(("", "order_id,weight_kg", "order_id,shipping,items,tags,context,placed_at"))
    order, size = chance.choice(ORDERS), chance.choice((1, 7, 1000))
    return ask(contract, *conditions, select=select, order=order, page_size=size)


def random_grouping(chance: random.Random, names: Sequence[str], functions: Sequence[str]) -> list[str]:
    """Return which of the groups and measures are asked for, in which order and how many; some are empty."""
    groups = chance.sample(names, chance.choice((0, 1, 1, 2)))
    measures = chance.sample(functions, chance.randrange(1, 5))
    order = [
        chance.choice(("", "-")) + one for one in chance.sample(groups + measures[:1], chance.randrange(2))
    ]
    return [
        f"group={','.join(groups)}" if groups else "",
        f"measures={','.join(measures)}",
        f"order={','.join(order)}" if order else "",
        f"top={chance.choice((2, 7, 1000))}",
    ]


def random_groups(chance: random.Random) -> str:
    """Return a question for groups, after its `?`."""
    parts = [
        *random_grouping(chance, GROUPS, MEASURES),
        chance.choice(("", "currency.ne=EUR", "total.gt=0", "weight_kg.isnull=false", "paid.eq=true")),
        chance.choice(("", "having.count.gt=1", "having.sum:total.gte=0", "having.max:weight_kg.lt=1.5")),
    ]
    return "&".join(part for part in parts if part)
