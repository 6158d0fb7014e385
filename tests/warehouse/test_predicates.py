"""Conditions and walks over data with NULL, NaN, ties and unicode, against what they mean in Python."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exposure.contracts import orders
from exposure.contracts.model import Column
from exposure.contracts.types import Array, Object, Scalar
from exposure.query.grammar import LIST_OPERATORS, MAX_LIKE_WILDCARDS, Place, comparable_columns, places
from exposure.query.model import And, Condition, Not, Operator, Or, Query, Row
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.port import Reader
from exposure.warehouse.schema import rows_table
from fakes.declarations import EVENT_TIME, KEY, declared
from fakes.house import duckdb_house
from fakes.oracle import met, ordered
from fakes.questions import ask
from fakes.rows import NOON, order_row
from fakes.walk import walk

CONTRACT = orders.CONTRACT
TABLE = rows_table(CONTRACT)
PLACES = places(CONTRACT)
KEY_AT = CONTRACT.stored_columns.index(CONTRACT.key_column)
# Few, so that values tie and filters meet.
TEXTS = ("", "a", "A", "ab", "b", "ñ", "Ñ", "n\u0303", "🦜", "a%b", "a_b", "a\\b", "a\nb", "ß", "'\"`")
NUMBERS = (math.nan, -math.inf, -1.5, -0.0, 0.0, 5e-324, 1.5, math.inf)
VALUES: dict[Scalar, tuple[Any, ...]] = {
    Scalar.STRING: TEXTS[1:],
    Scalar.INTEGER: (-(2**63), -1, 0, 2, 2**63 - 1),
    Scalar.NUMBER: tuple(one for one in NUMBERS if math.isfinite(one)),
    Scalar.DECIMAL: (Decimal("-0.000000001"), Decimal(0), Decimal("1.5")),
    Scalar.BOOLEAN: (True, False),
    Scalar.DATE: (date.min, date(2026, 1, 31), date.max),
    Scalar.TIMESTAMP: (NOON - timedelta(days=400), NOON, NOON + timedelta(microseconds=1)),
}
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
def warehouse() -> Iterator[Warehouse]:
    """Return one warehouse for all examples: making one takes longer than asking it."""
    connection = open_duckdb(None, [TABLE])
    writer, reader = DuckDBWriter(connection), DuckDBReader(connection)
    yield Warehouse(connection, writer, reader)
    asyncio.run(writer.close())
    asyncio.run(reader.close())
    connection.close()


@dataclass(frozen=True)
class Warehouse:
    """A warehouse whose one table can be filled anew."""

    connection: duckdb.DuckDBPyConnection
    writer: DuckDBWriter
    reader: DuckDBReader

    async def fill(self, rows: Sequence[Row]) -> None:
        self.connection.execute(f"DROP TABLE {DuckDBDialect().path(TABLE)}")
        self.connection.execute(DuckDBDialect().create(TABLE))
        assert not await self.writer.append(TABLE, rows)


@examples(100)
@given(rows=stored(), trees=st.lists(TREES, min_size=1, max_size=12))
def test_any_tree_of_conditions_finds_exactly_the_rows_it_means(
    warehouse: Warehouse, rows: list[Row], trees: list[Condition]
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
    warehouse: Warehouse, rows: list[Row], order: str, page_size: int, tree: Condition | None
) -> None:
    filters = [] if tree is None else [tree]
    query = ask(CONTRACT, *filters, select="order_id", order=order, page_size=page_size)
    expected = ordered(CONTRACT, query.order, met(CONTRACT, filters, rows))

    async def check() -> None:
        await warehouse.fill(rows)
        assert await _walked(warehouse.reader, query) == [row[KEY_AT] for row in expected]

    asyncio.run(check())


async def _walked(reader: Reader, query: Query) -> list[object]:
    pages = await walk(reader, query)
    assert all(len(page.rows) == query.page_size for page in pages[:-1])
    return [key for page in pages for (key,) in page.rows]


MEMBERS = {
    Scalar.STRING: ('"a"', "1", "true", '""'),
    Scalar.INTEGER: (
        "1", '"1"', "-1", "1.5", '"1.0"', '" 1"', '"0x1"', '"1_0"', '"+1"', '"9223372036854775808"',
    ),
    Scalar.NUMBER: ("1.5", '"1.5"', "2", "-1e3", '"NaN"', '"inf"', '" 1"', '"1,5"'),
    Scalar.DECIMAL: ("1.5", '"19.90"', '"1_0"', '"NaN"', '"1e1"', '".5"', '"1e99"'),
    Scalar.BOOLEAN: ("true", "false", '"true"', '"True"', "1", '"t"'),
    Scalar.DATE: ('"2026-01-31"', '"2026-1-31"', '"2026-02-30"', '"20260131"', '"2026-01-31T00:00:00Z"'),
    Scalar.TIMESTAMP: (
        '"2026-01-31T12:00:00Z"', '"2026-01-31T14:00:00.5+02:00"', '"2026-01-31T12:00:00"', '"2026-01-31"',
        '"2026-02-30T12:00:00Z"', '"2026-01-31 12:00:00Z"',
    ),
}  # fmt: skip
MEANT: dict[Scalar, tuple[int, ...]] = {
    Scalar.STRING: (0, 1, 2, 3),
    Scalar.INTEGER: (0, 1, 2),
    Scalar.NUMBER: (0, 1, 2, 3),
    Scalar.DECIMAL: (0, 1, 4),
    Scalar.BOOLEAN: (0, 1, 2),
    Scalar.DATE: (0,),
    Scalar.TIMESTAMP: (0, 1, 5),
}


@pytest.mark.parametrize("scalar", MEMBERS)
async def test_a_member_of_json_counts_as_of_its_type_by_how_it_is_written(scalar: Scalar) -> None:
    column = Column(
        "doc", Scalar.JSON, members=(Column("m", scalar), Column("n", Object((Column("m", scalar),))))
    )
    contract = declared(columns=(KEY, EVENT_TIME, column))
    members = [*MEMBERS[scalar], "null", "{}", "[1]"]
    async with duckdb_house(contract) as house:
        await house.put(
            *(
                (f"{at:02}", NOON, f'{{"m":{text},"n":{{"m":{text}}}}}', *order_row()[-4:])
                for at, text in enumerate(members)
            ),
            ("99", NOON, "[]", *order_row()[-4:]),
        )
        for path in ("doc.m", "doc.n.m"):
            page = await house.reader.select(ask(contract, (path, "isnull", False), select="id"))
            assert [int(str(key)) for (key,) in page.rows] == list(MEANT[scalar])


async def test_an_instant_in_json_is_compared_as_the_instant_it_is() -> None:
    column = Column("doc", Scalar.JSON, members=(Column("m", Scalar.TIMESTAMP),))
    contract = declared(columns=(KEY, EVENT_TIME, column))
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    async with duckdb_house(contract) as house:
        await house.put(("a", NOON, '{"m":"2026-01-31T14:00:00+02:00"}', *order_row()[-4:]))
        page = await house.reader.select(ask(contract, ("doc.m", "eq", noon), select="id"))
        assert page.rows == [("a",)]


async def test_an_array_below_an_object_that_is_missing_holds_nothing() -> None:
    lines = Array(Object((Column("codes", Array(Scalar.STRING)), Column("name", Scalar.STRING))))
    nested = Object((Column("tags", Array(Scalar.STRING)), Column("lines", lines)))
    contract = declared(columns=(KEY, EVENT_TIME, Column("parcel", nested, nullable=True)))
    names = [place.name for place in places(contract)]
    assert "parcel.lines.name" in names
    assert "parcel.lines.codes" not in names
    async with duckdb_house(contract) as house:
        there = {"tags": ["x"], "lines": [{"codes": [], "name": "n"}]}
        await house.put(("a", NOON, None, *order_row()[-4:]), ("b", NOON, there, *order_row()[-4:]))
        for path, value in (("parcel.tags", "x"), ("parcel.lines.name", "n")):
            asked = ask(contract, (path, "has", value), select="id")
            assert (await house.reader.select(asked)).rows == [("b",)]
            without = dataclasses.replace(asked, filters=(Not(asked.filters[0]),))
            assert (await house.reader.select(without)).rows == [("a",)]


async def test_a_pattern_takes_time_in_proportion_to_the_text() -> None:
    async with duckdb_house(CONTRACT) as house:
        await house.put(order_row(currency="a" * 100_000))
        pattern = "%a" * (MAX_LIKE_WILDCARDS - 1) + "%b"
        page = await house.reader.select(ask(CONTRACT, ("currency", "like", pattern)))
        assert page.rows == []
