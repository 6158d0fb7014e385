"""What every adapter promises, on DuckDB and on BigQuery's own protocol."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from exposure.contracts import orders
from exposure.contracts.model import Column
from exposure.contracts.types import INTEGER_MAX, INTEGER_MIN, Array, Object, Scalar
from exposure.query.model import Row
from exposure.warehouse.schema import quarantine_table, rows_table
from fakes.house import Build, House
from fakes.questions import ask
from fakes.rows import NOON, order_row
from fakes.walk import in_order, walk, walk_rows

CONTRACT = orders.CONTRACT
EVERY_COLUMN = ",".join(column.name for column in CONTRACT.stored_columns)
MOST = Decimal("99999999999999999999999999999.999999999")
LEAST = MOST.copy_negate()  # unary minus would round to 28 digits
ITEM = {"sku": "SKU-1", "quantity": 2, "unit_price": Decimal("0.000000001")}
SHAPES = {
    "usual": order_row(
        shipping={"street": "Calle Mayor 1", "city": "Madrid", "postcode": "28013", "latitude": 40.4154},
        items=[ITEM, ITEM | {"quantity": INTEGER_MIN, "unit_price": LEAST}],
        tags=["gift", "", "gift"],
        context='{"channel":"web","seen":[1,2.5,null,true]}',
        deliver_on=date(2026, 11, 27),
        _extra='{"campaign":"black friday"}',
    ),
    "nothing": order_row(weight_kg=None, deliver_on=None, shipping=None, context=None, _extra=None),
    "nulls within": order_row(
        shipping={"street": "", "city": "", "postcode": None, "latitude": None},
        context="null",
        _extra='{"a":null}',
    ),
    "unicode": order_row(
        order_id="ñ 🦜 \u202e\n\t\"'`\\%_$p0 @p0 -- ;",
        tags=["日本語", "e\u0301", "\U0010ffff"],
        context='{"ñ":"🦜","quote":"\\"","newline":"\\n"}',
    ),
    "least": order_row(
        order_id="",
        placed_at=datetime.min.replace(tzinfo=UTC),
        customer_id=INTEGER_MIN,
        total=LEAST,
        weight_kg=-1.7976931348623157e308,
        deliver_on=date.min,
        paid=False,
        context="[]",
    ),
    "most": order_row(
        placed_at=datetime.max.replace(tzinfo=UTC),
        customer_id=INTEGER_MAX,
        total=MOST,
        weight_kg=1.7976931348623157e308,
        deliver_on=date.max,
        context='{"deep":' + "[" * 90 + "]" * 90 + "}",
    ),
    "smallest steps": order_row(
        placed_at=datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
        total=Decimal("0.000000001"),
        weight_kg=5e-324,
        context="0.1",
    ),
}


@pytest.mark.parametrize("row", SHAPES.values(), ids=SHAPES.keys())
async def test_a_row_of_every_type_is_read_as_it_was_written(house: House, row: Row) -> None:
    await house.put(row)
    page = await house.reader.select(ask(house.contract, select=EVERY_COLUMN))
    assert [_comparable(one) for one in page.rows] == [_comparable(row)]
    assert [type(value) for value in page.rows[0]] == [type(value) for value in row]


async def test_instants_and_decimals_in_objects_and_arrays_are_read_as_they_were_written(
    build: Build,
) -> None:
    visit = Object((Column("seen", Scalar.TIMESTAMP), Column("cost", Scalar.DECIMAL, nullable=True)))
    columns = (
        Column("id", Scalar.INTEGER),
        Column("time", Scalar.TIMESTAMP),
        Column("first", visit, nullable=True),
        Column("visits", Array(visit)),
        Column("times", Array(Scalar.TIMESTAMP)),
        Column("days", Array(Scalar.DATE)),
    )
    contract = dataclasses.replace(
        CONTRACT, name="visits", columns=columns, key="id", event_time="time", clustered_by=()
    )
    late = NOON + timedelta(microseconds=1)
    visits = [{"seen": NOON, "cost": None}, {"seen": late, "cost": MOST}]
    row = (7, NOON, visits[1], visits, [late, NOON], [date(2026, 1, 31)])
    async with build(contract) as house:
        await house.put((*row, *order_row()[-4:]))
        assert (await house.reader.select(ask(house.contract))).rows == [row]


async def test_columns_named_like_words_of_sql_are_stored_and_read(build: Build) -> None:
    names = ("select", "from", "order", "group", "null", "end", "limit", "page_rows", "p0")
    contract = dataclasses.replace(
        CONTRACT,
        name="words",
        columns=(Column("timestamp", Scalar.TIMESTAMP), *(Column(name, Scalar.STRING) for name in names)),
        key="select",
        event_time="timestamp",
        clustered_by=("group",),
    )
    async with build(contract) as house:
        await house.put((NOON, *names, *order_row()[-4:]))
        query = ask(house.contract, ("null", "eq", "null"), ("limit", "in", ("limit",)), order="-end,from")
        assert (await house.reader.select(query)).rows == [(NOON, *names)]


WALKED = [
    order_row(order_id="ord-1", weight_kg=None, deliver_on=None, customer_id=1),
    order_row(order_id="ord-2", weight_kg=None, deliver_on=date(2026, 1, 2), customer_id=1),
    order_row(order_id="ord-3", weight_kg=1.0, deliver_on=None, customer_id=1, paid=False),
    order_row(order_id="ord-4", weight_kg=1.0, deliver_on=date(2026, 1, 1), customer_id=2),
    order_row(order_id="ñ", weight_kg=1.0, deliver_on=date(2026, 1, 1), placed_at=NOON - timedelta(days=1)),
    order_row(order_id="🦜", weight_kg=-2.0, deliver_on=date(2026, 1, 2), total=Decimal("-0.5")),
    order_row(order_id="Z", weight_kg=None, deliver_on=None, placed_at=NOON + timedelta(microseconds=1)),
]


@pytest.mark.parametrize(
    "order",
    [
        "order_id", "-order_id", "weight_kg", "-weight_kg", "weight_kg,-deliver_on", "-weight_kg,deliver_on",
        "-weight_kg,-deliver_on,-order_id", "deliver_on,weight_kg,-placed_at", "-paid,-total", "-placed_at",
        "customer_id,-_ingest_time,weight_kg,currency",
    ],
)  # fmt: skip
async def test_a_page_walk_is_the_ordered_set_with_nulls_smallest(house: House, order: str) -> None:
    await house.put(*WALKED)
    query = ask(house.contract, select="order_id", order=order, page_size=2)
    pages = await walk(house.reader, query)
    assert [row for page in pages for row in page.rows] == [
        (row[0],) for row in in_order(query.order, WALKED)
    ]
    assert [len(page.rows) for page in pages] == [2, 2, 2, 1]


async def test_a_page_that_holds_the_last_row_is_complete(house: House) -> None:
    await house.put(*WALKED[:2])
    page = await house.reader.select(ask(house.contract, page_size=2))
    assert (page.complete, page.last) == (True, None)


async def test_a_walk_goes_on_from_columns_that_were_not_selected(house: House) -> None:
    await house.put(*WALKED)
    query = ask(house.contract, select="currency", order="weight_kg", page_size=3)
    pages = await walk(house.reader, query)
    assert [len(page.rows) for page in pages] == [3, 3, 1]
    assert [page.last for page in pages] == [(None, "ord-2"), (1.0, "ord-4"), None]


async def test_an_empty_table_answers_with_an_empty_page(house: House) -> None:
    page = await house.reader.select(ask(house.contract))
    assert (list(page.rows), page.complete, page.last) == ([], True, None)


async def test_a_row_is_found_by_its_key(house: House) -> None:
    await house.put(*WALKED)
    page = await house.reader.select(ask(house.contract, ("order_id", "eq", "🦜"), page_size=1))
    assert page.rows == [WALKED[5][:-4]]
    assert page.complete


async def test_the_system_columns_can_be_selected(house: House) -> None:
    row = order_row(_message_id="17", _publish_time=NOON, _ingest_time=NOON + timedelta(seconds=1))
    await house.put(row)
    query = ask(house.contract, select="_message_id,_publish_time,_ingest_time,_extra")
    assert (await house.reader.select(query)).rows == [row[-4:]]


async def test_of_the_rows_of_a_key_the_earliest_is_served(house: House) -> None:
    first, again, later = (
        order_row(currency=currency, _message_id=message_id, _ingest_time=NOON + timedelta(seconds=seconds))
        for currency, message_id, seconds in (("EUR", "1", 0), ("USD", "2", 0), ("GBP", "1", 1))
    )
    await house.put(first, again)
    await house.put(later, first)
    assert await walk_rows(house.reader, ask(house.contract, select="currency", page_size=1)) == [("EUR",)]


@pytest.mark.parametrize("question", [("currency", "eq", "USD"), ("weight_kg", "gt", 5.0)])
async def test_a_later_row_of_a_key_is_not_served_when_the_earliest_fails_the_filter(
    house: House, question: tuple[str, str, object]
) -> None:
    await house.put(order_row(currency="EUR", weight_kg=1.0))
    await house.put(order_row(currency="USD", weight_kg=9.0, _ingest_time=NOON + timedelta(seconds=1)))
    assert await _ids(house, question) == []


async def test_rows_of_other_keys_and_contracts_are_left_alone(build: Build) -> None:
    async with build(CONTRACT) as mine, build(dataclasses.replace(CONTRACT, dataset="other")) as other:
        await mine.put(*WALKED)
        assert await _ids(other) == []
        assert len(await _ids(mine)) == len(WALKED)


async def test_a_refused_message_is_kept_byte_for_byte(house: House) -> None:
    table = quarantine_table(house.contract)
    row = ("NOT_JSON", "byte 3", b"\x00\xff{", '{"origin":"ñ"}', "1.0.0", "17", NOON, NOON)
    assert await house.writer.append(table, [row]) == {}
    (stored,) = house.stored(table)
    assert stored[:3] == row[:3]
    assert stored[4:6] == row[4:6]


async def test_a_writer_whose_tables_exist_is_ready(house: House) -> None:
    await house.writer.ready()


async def test_an_append_of_nothing_stores_nothing(house: House) -> None:
    assert await house.writer.append(rows_table(house.contract), []) == {}
    assert await _ids(house) == []


async def _ids(house: House, *filters: tuple[str, str, object]) -> list[object]:
    page = await house.reader.select(ask(house.contract, *filters, select="order_id"))
    return [row[0] for row in page.rows]


def _comparable(row: Row) -> Row:
    """Return the row with JSON parsed: a warehouse may write the same value with other blanks."""
    return tuple(
        json.loads(value) if column.type is Scalar.JSON and isinstance(value, str) else value
        for column, value in zip(CONTRACT.stored_columns, row, strict=True)
    )
