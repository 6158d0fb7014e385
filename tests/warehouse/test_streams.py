"""What every adapter promises of a stream: all rows of one moment, in parts of any size, or an error."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from exposure.contracts import orders
from exposure.query.model import Query, Row
from exposure.warehouse.arrow import readable_schema
from exposure.warehouse.port import Reader, RowStream, WarehouseMisconfigured, WarehouseUnavailable
from fakes.house import House
from fakes.questions import ask
from fakes.rows import NOON, order_row

CONTRACT = orders.CONTRACT
EVERY_COLUMN = ",".join(column.name for column in CONTRACT.stored_columns)
ROWS: Sequence[Row] = [
    order_row(
        order_id=f"ord-{number:03}",
        placed_at=NOON + timedelta(microseconds=number),
        total=Decimal(number) / 8,
        weight_kg=None if number % 3 else number / 4,
        shipping=None if number % 2 else {"street": "ñ", "city": "c", "postcode": None, "latitude": 1.5},
        items=[{"sku": "s", "quantity": number, "unit_price": Decimal("0.000000001")}] * (number % 3),
        tags=["gift", ""] if number % 2 else [],
        context=f'{{"number":{number}}}',
    )
    for number in range(25)
]


def unordered(house: House, *filters: tuple[str, str, object], select: str = "order_id") -> Query:
    return dataclasses.replace(ask(house.contract, *filters, select=select), order=())


async def rows_of(stream: RowStream, most: int = 10) -> list[Row]:
    found: list[Row] = []
    while part := await stream.next_rows(most):
        assert len(part) <= most
        found.extend(part)
    stream.close()
    return found


async def batches_of(stream: RowStream) -> pa.Table:
    found = []
    while (batch := await stream.next_batch()) is not None:
        found.append(batch)
    stream.close()
    return pa.Table.from_batches(found)


async def streamed(reader: Reader, query: Query, most: int = 10) -> list[Row]:
    return await rows_of(await reader.stream(query), most)


@pytest.mark.parametrize("most", [1, 7, 25, 1000])
async def test_a_stream_is_every_row_once_in_parts_of_any_size(house: House, most: int) -> None:
    await house.put(*ROWS)
    found = await streamed(house.reader, unordered(house), most)
    assert sorted(found) == [(row[0],) for row in ROWS]


async def test_rows_of_every_type_are_streamed_as_they_are_read_in_pages(house: House) -> None:
    await house.put(*ROWS)
    query = ask(house.contract, select=EVERY_COLUMN, order="order_id")
    page = await house.reader.select(query)
    assert await streamed(house.reader, query) == list(page.rows)


async def test_batches_hold_the_rows_in_the_types_they_are_served_in(house: House) -> None:
    await house.put(*ROWS)
    query = ask(house.contract, select=EVERY_COLUMN, order="order_id")
    page = await house.reader.select(query)
    table = await batches_of(await house.reader.stream(query))
    assert table.schema == readable_schema(query.columns)
    assert [tuple(row.values()) for row in table.to_pylist()] == list(page.rows)


async def test_a_stream_is_in_the_order_asked_for_whatever_the_page_size(house: House) -> None:
    await house.put(*ROWS)
    query = ask(house.contract, select="order_id", order="-weight_kg,order_id", page_size=2)
    walked = await house.reader.select(dataclasses.replace(query, page_size=1000))
    assert await streamed(house.reader, query, 3) == list(walked.rows)


async def test_a_stream_holds_what_the_filters_let_through(house: House) -> None:
    await house.put(*ROWS)
    found = await streamed(house.reader, unordered(house, ("total", "gt", Decimal(2)), ("paid", "eq", True)))
    assert sorted(found) == [(row[0],) for row in ROWS if row[3] > 2]  # type: ignore[operator]


async def test_a_stream_has_one_row_per_key_and_that_is_the_earliest(house: House) -> None:
    for seconds, currency in ((0, "EUR"), (1, "USD")):
        await house.put(order_row(currency=currency, _ingest_time=NOON + timedelta(seconds=seconds)))
    assert await streamed(house.reader, unordered(house, select="currency")) == [("EUR",)]


async def test_a_stream_of_nothing_ends_at_once(house: House) -> None:
    assert await streamed(house.reader, unordered(house)) == []
    assert (await (await house.reader.stream(unordered(house))).next_batch()) is None


async def test_a_stream_says_of_when_it_is_and_what_it_cost(house: House) -> None:
    await house.put(*ROWS)
    page = await house.reader.select(ask(house.contract))
    stream = await house.reader.stream(unordered(house))
    assert stream.as_of >= page.as_of
    assert stream.bytes_billed == page.bytes_billed
    stream.close()


async def test_rows_stored_while_it_is_read_are_not_in_a_stream(house: House) -> None:
    await house.put(*ROWS)
    stream = await house.reader.stream(unordered(house))
    first = await stream.next_rows(1)
    await house.put(order_row(order_id="later"))
    rest = await rows_of(stream)
    assert sorted([*first, *rest]) == [(row[0],) for row in ROWS]


async def test_a_stream_given_up_is_never_read_on(house: House) -> None:
    await house.put(*ROWS)
    stream = await house.reader.stream(unordered(house))
    await stream.next_rows(1)
    stream.close()
    stream.close()
    with pytest.raises(WarehouseUnavailable):
        await stream.next_rows(1)


async def test_so_many_streams_are_read_at_a_time_and_each_end_makes_room(house: House) -> None:
    await house.put(*ROWS)
    async with contextlib.AsyncExitStack() as open_ones:
        streams = []
        for _ in range(4):
            streams.append(await house.reader.stream(unordered(house)))
            open_ones.callback(streams[-1].close)
        with pytest.raises(WarehouseUnavailable, match="as many"):
            await house.reader.stream(unordered(house))
        # Pages are not kept from being read by streams.
        assert (await house.reader.select(ask(house.contract))).rows
        streams[0].close()
        assert len(await streamed(house.reader, unordered(house))) == len(ROWS)


async def test_a_stream_of_a_missing_table_is_a_fault_of_the_set_up(house: House) -> None:
    elsewhere = dataclasses.replace(unordered(house), contract=dataclasses.replace(house.contract, name="no"))
    with pytest.raises((WarehouseMisconfigured, WarehouseUnavailable)):
        await house.reader.stream(elsewhere)


async def test_a_reader_that_is_closed_ends_its_streams(house: House) -> None:
    await house.put(*ROWS)
    stream = await house.reader.stream(unordered(house))
    await house.reader.close()
    with pytest.raises(WarehouseUnavailable):
        await stream.next_rows(1)
