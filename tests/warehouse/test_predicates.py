"""Conditions and walks over data with NULL, NaN, ties and unicode, against what they mean in Python."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exposure.contracts import orders
from exposure.contracts.types import Scalar
from exposure.query.grammar import LIST_OPERATORS, Place, comparable_columns, places
from exposure.query.model import And, Condition, Not, Operator, Or, Row
from exposure.warehouse.schema import rows_table
from fakes.odd_values import NUMBERS, TEXTS, VALUES, walked_keys
from fakes.oracle import met, ordered
from fakes.questions import ask
from fakes.refilled_warehouse import RefilledWarehouse, refilled_warehouse
from fakes.rows import order_row

CONTRACT = orders.CONTRACT
TABLE = rows_table(CONTRACT)
PLACES = places(CONTRACT)
KEY_AT = CONTRACT.stored_columns.index(CONTRACT.key_column)
LISTS = st.lists(st.sampled_from(TEXTS), max_size=3)
ITEMS = st.builds(
    lambda sku, number, price: {"sku": sku, "quantity": number, "unit_price": price},
    st.sampled_from(TEXTS), st.sampled_from(VALUES[Scalar.INTEGER]), st.sampled_from(VALUES[Scalar.DECIMAL]),
)  # fmt: skip
SHIPPING = st.builds(
    lambda street, city, postcode, latitude: {
        "street": street, "city": city, "postcode": postcode, "latitude": latitude,
    },
    st.sampled_from(TEXTS), st.sampled_from(TEXTS), st.none() | st.sampled_from(TEXTS),
    st.none() | st.sampled_from(NUMBERS),
)  # fmt: skip
CONTEXTS = (
    None, "null", "[]", "{}", '"a"', '{"channel":"a"}', '{"channel":"a%b"}', '{"channel":null}',
    '{"channel":{"channel":"a"}}', '{"channel":["a"]}', '{"channel":true}', '{"channel":2}',
    '{"channel":"🦜"}', '{"channel":""}',
)  # fmt: skip


@st.composite
def stored(draw: st.DrawFn) -> list[Row]:
    """Draw up to 12 rows whose keys differ."""
    keys = draw(st.lists(st.sampled_from([*TEXTS, "c", "d", "e"]), unique=True, max_size=12))
    return [_row(draw, key) for key in keys]


def _row(draw: st.DrawFn, key: str) -> Row:
    def one(scalar: Scalar) -> Any:
        return draw(st.sampled_from(VALUES[scalar]))

    return order_row(
        order_id=key,
        placed_at=one(Scalar.TIMESTAMP),
        customer_id=one(Scalar.INTEGER),
        total=one(Scalar.DECIMAL),
        currency=draw(st.sampled_from(TEXTS)),
        weight_kg=draw(st.none() | st.sampled_from(NUMBERS)),
        paid=draw(st.booleans()),
        deliver_on=draw(st.none() | st.sampled_from(VALUES[Scalar.DATE])),
        shipping=draw(st.none() | SHIPPING),
        items=draw(st.lists(ITEMS, max_size=2)),
        tags=draw(LISTS),
        context=draw(st.sampled_from(CONTEXTS)),
    )


@st.composite
def comparisons(draw: st.DrawFn) -> Condition:
    """Draw a comparison of anything that can be asked."""
    place = draw(st.sampled_from(PLACES))
    operator = draw(st.sampled_from(place.operators))
    return place.filter(operator, _wanted(draw, place, operator))


def _wanted(draw: st.DrawFn, place: Place, operator: Operator) -> object:
    if operator is Operator.ISNULL or place.scalar is None:
        return draw(st.booleans())
    if operator is Operator.LIKE:
        return draw(
            st.lists(st.sampled_from(["%", "_", "a", "ñ", "🦜", "\\%", "\\_", "\\\\", "."]), min_size=1).map(
                "".join
            )
        )
    if operator is Operator.MATCH:
        return draw(st.sampled_from(["a", "^a", "ab?", "[^a]", "a.b", "(?:ñ|🦜)", "\\\\", "^.{2,3}b"]))
    values = st.sampled_from(VALUES[place.scalar])
    return draw(st.lists(values, min_size=1, max_size=3).map(tuple) if operator in LIST_OPERATORS else values)


TREES = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda some: And(tuple(some))),
        st.lists(inner, min_size=2, max_size=3).map(lambda some: Or(tuple(some))),
    ),
    max_leaves=6,
)


@st.composite
def arrangements(draw: st.DrawFn) -> str:
    """Draw an order."""
    columns = draw(
        st.lists(st.sampled_from(comparable_columns(CONTRACT)), unique=True, min_size=1, max_size=3)
    )
    return ",".join(
        draw(st.sampled_from(["", "-"]))
        + column.name
        + draw(st.sampled_from(["", ".nullsfirst", ".nullslast"]))
        for column in columns
    )


def examples(number: int) -> settings:
    """Return settings under which the examples share a warehouse, which each of them fills anew."""
    return settings(
        max_examples=number, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )


@pytest.fixture(scope="module")
def warehouse() -> Iterator[RefilledWarehouse]:
    with refilled_warehouse(CONTRACT) as warehouse:
        yield warehouse


@examples(100)
@given(rows=stored(), trees=st.lists(TREES, min_size=1, max_size=12))
def test_any_tree_of_conditions_finds_exactly_the_rows_it_means(
    warehouse: RefilledWarehouse, rows: list[Row], trees: list[Condition]
) -> None:
    async def check() -> None:
        await warehouse.fill(rows)
        for tree in trees:
            page = await warehouse.reader.select(ask(CONTRACT, tree, select="order_id"))
            expected = sorted(row[KEY_AT] for row in met(CONTRACT, [tree], rows))  # type: ignore[type-var]
            assert [key for (key,) in page.rows] == expected, tree

    asyncio.run(check())


@examples(150)
@given(rows=stored(), order=arrangements(), page_size=st.integers(1, 4), tree=st.none() | TREES)
def test_any_walk_sees_each_row_it_means_once_and_in_order(
    warehouse: RefilledWarehouse, rows: list[Row], order: str, page_size: int, tree: Condition | None
) -> None:
    filters = [] if tree is None else [tree]
    query = ask(CONTRACT, *filters, select="order_id", order=order, page_size=page_size)
    expected = ordered(CONTRACT, query.order, met(CONTRACT, filters, rows))

    async def check() -> None:
        await warehouse.fill(rows)
        assert await walked_keys(warehouse.reader, query) == [row[KEY_AT] for row in expected]

    asyncio.run(check())
