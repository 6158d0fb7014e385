"""What conditions and orders make of NaN and NULL, of patterns, and of what is inside JSON and objects."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exposure.contracts import orders
from exposure.contracts.model import Column
from exposure.contracts.types import Array, Object, Scalar
from exposure.query.grammar import LIST_OPERATORS, MAX_LIKE_WILDCARDS, places
from exposure.query.model import Not, Operator
from exposure.query.regular import mistake_in
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from fakes.declarations import EVENT_TIME, KEY, declared
from fakes.house import duckdb_house
from fakes.odd_values import NUMBERS, TEXTS, VALUES, walked_keys
from fakes.oracle import met, ordered
from fakes.questions import ask
from fakes.refilled_warehouse import RefilledWarehouse, refilled_warehouse
from fakes.rows import NOON, order_row

CONTRACT = orders.CONTRACT
PLACES = places(CONTRACT)
KEY_AT = CONTRACT.stored_columns.index(CONTRACT.key_column)


@pytest.fixture(scope="module")
def warehouse() -> Iterator[RefilledWarehouse]:
    with refilled_warehouse(CONTRACT) as warehouse:
        yield warehouse


def _shipped(latitude: float | None, street: str = "") -> dict[str, object]:
    return {"street": street, "city": "", "postcode": None, "latitude": latitude}


ODD = [
    order_row(order_id=f"{at:02}", weight_kg=value, shipping=_shipped(value))
    for at, value in enumerate((None, *NUMBERS, math.nan, None, *NUMBERS))
]


@pytest.mark.parametrize("path", ["weight_kg", "shipping.latitude"])
async def test_no_comparison_but_other_than_is_met_by_nan_and_none_by_null(
    warehouse: RefilledWarehouse, path: str
) -> None:
    await warehouse.fill(ODD)
    [place] = (place for place in PLACES if place.name == path)
    for operator, number in itertools.product(place.operators, VALUES[Scalar.NUMBER]):
        value: object = (number,) if operator in LIST_OPERATORS else number
        wanted = place.filter(operator, True if operator is Operator.ISNULL else value)
        for condition in (wanted, Not(wanted)):
            page = await warehouse.reader.select(ask(CONTRACT, condition, select="order_id"))
            expected = [row[KEY_AT] for row in met(CONTRACT, [condition], ODD)]
            assert [key for (key,) in page.rows] == expected, condition


@pytest.mark.parametrize("nulls", ["", ".nullsfirst", ".nullslast"])
@pytest.mark.parametrize("order", ["weight_kg", "-weight_kg", "paid,weight_kg", "-weight_kg,-order_id"])
async def test_a_walk_over_nan_null_infinities_and_zeros_goes_on_from_every_row(
    warehouse: RefilledWarehouse, order: str, nulls: str
) -> None:
    await warehouse.fill(ODD)
    order = order.replace("weight_kg", f"weight_kg{nulls}")
    query = ask(CONTRACT, select="order_id", order=order, page_size=1)
    expected = [row[KEY_AT] for row in ordered(CONTRACT, query.order, ODD)]
    assert await walked_keys(warehouse.reader, query) == expected


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("%", [*TEXTS]),
        ("_", ["a", "A", "b", "ñ", "Ñ", "🦜", "ß"]),
        ("a_b", ["a%b", "a_b", "a\\b", "a\nb"]),
        ("a%b", ["ab", "a%b", "a_b", "a\\b", "a\nb"]),
        ("a\\%b", ["a%b"]),
        ("a\\_b", ["a_b"]),
        ("a\\\\b", ["a\\b"]),
        ("a.b", []),
        ("'%", ["'\"`"]),
    ],
)
async def test_a_pattern_matches_the_whole_text_character_by_character(
    warehouse: RefilledWarehouse, pattern: str, meant: list[str]
) -> None:
    await warehouse.fill([order_row(order_id=str(at), currency=text) for at, text in enumerate(TEXTS)])
    page = await warehouse.reader.select(ask(CONTRACT, ("currency", "like", pattern), select="currency"))
    assert sorted(str(text) for (text,) in page.rows) == sorted(meant)


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("a", ["a", "ab", "a%b", "a_b", "a\\b", "a\nb"]),
        ("^a$", ["a"]),
        ("a.b", ["a%b", "a_b", "a\\b"]),
        ("^.$", ["a", "A", "b", "ñ", "Ñ", "🦜", "ß"]),
        ("^$", [""]),
        ("a|ß", ["a", "ab", "a%b", "a_b", "a\\b", "a\nb", "ß"]),
        ("^(?:a|b){1,2}$", ["a", "ab", "b"]),
        ("[%_]", ["a%b", "a_b"]),
    ],
)
async def test_an_expression_is_found_anywhere_in_the_text_and_a_point_is_no_line_break(
    warehouse: RefilledWarehouse, expression: str, meant: list[str]
) -> None:
    rows = [order_row(order_id=str(at), shipping=_shipped(None, text)) for at, text in enumerate(TEXTS)]
    await warehouse.fill(rows)
    asked = ask(CONTRACT, ("shipping.street", "match", expression), select="shipping")
    found = (await warehouse.reader.select(asked)).rows
    assert sorted(one["street"] for (one,) in found) == sorted(meant)  # type: ignore[index]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            ["a", "ñ", ".", "*", "+", "?", "{2}", "{1,3}", "{30,}", "{3,1}", "(", "(?:", ")", "|", "^", "$",
             "[a-z]", "[^ñ]", "[z-a]", "[\\]]", "\\d", "\\b", "\\.", "\\", "[", "]", "-", "{", "}", "?i", " "]
        )
    ).map("".join)
)  # fmt: skip
def test_every_expression_in_which_nothing_is_wrong_is_one_to_the_warehouse(
    warehouse: RefilledWarehouse, expression: str
) -> None:
    if mistake_in(expression) is None:
        bound = DuckDBDialect().pattern(Operator.MATCH, expression)
        warehouse.connection.execute(
            "SELECT regexp_full_match('añ', $p), regexp_matches('añ', $q)", {"p": bound, "q": expression}
        )


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
        expression = ask(CONTRACT, ("currency", "match", ".*a" * 60 + ".*b"))
        assert (await house.reader.select(expression)).rows == []
        pattern = "%a" * (MAX_LIKE_WILDCARDS - 1) + "%b"
        page = await house.reader.select(ask(CONTRACT, ("currency", "like", pattern)))
        assert page.rows == []
