"""Rows as an Arrow stream and as a Parquet file, read back by pyarrow."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from exposure.api.formats import arrow_formats
from exposure.api.formats.arrow_formats import arrow_writer, parquet_writer
from exposure.api.formats.format import BatchWriter, Options
from exposure.contracts import orders
from exposure.contracts.model import Column
from exposure.query.model import Row
from exposure.warehouse.arrow import readable_batch, readable_schema, record_batch
from fakes.rows import NOON, order_row

COLUMNS = orders.CONTRACT.stored_columns
ROWS: Sequence[Row] = [
    order_row(
        order_id=f"ñ-{number}",
        shipping=None if number % 2 else {"street": "s", "city": "c", "postcode": None, "latitude": 1.5},
        items=[{"sku": "s", "quantity": number, "unit_price": order_row()[3]}] * (number % 3),
        tags=["x"] * (number % 2),
        context='{"a":1}' if number % 2 else None,
    )
    for number in range(10)
]
Make = Callable[[Sequence[Column], Options], BatchWriter]


def read_arrow(body: bytes) -> pa.Table:
    return pa.ipc.open_stream(io.BytesIO(body)).read_all()


def read_parquet(body: bytes) -> pa.Table:
    return parquet.read_table(io.BytesIO(body))


BOTH = pytest.mark.parametrize(
    ("make", "read"), [(arrow_writer, read_arrow), (parquet_writer, read_parquet)], ids=["arrow", "parquet"]
)
Read = Callable[[bytes], pa.Table]


def written(make: Make, parts: Sequence[Sequence[Row]]) -> bytes:
    writer = make(COLUMNS, Options())
    return b"".join([writer.begin(), *(writer.write(rows) for rows in parts), writer.end({})])


def rows_of(table: pa.Table) -> list[Row]:
    return [tuple(row.values()) for row in table.to_pylist()]


@BOTH
def test_rows_are_read_back_in_their_native_types(make: Make, read: Read) -> None:
    table = read(written(make, [ROWS[:3], [], ROWS[3:]]))
    assert rows_of(table) == ROWS
    assert table.schema.names == [column.name for column in COLUMNS]
    assert table.schema.field("placed_at").type == pa.timestamp("us", "UTC")
    assert table.schema.field("total").type == pa.decimal128(38, 9)
    assert table.schema.field("order_id").nullable is False


@BOTH
def test_an_answer_without_rows_has_its_columns(make: Make, read: Read) -> None:
    table = read(written(make, []))
    assert (table.num_rows, table.schema.names) == (0, [column.name for column in COLUMNS])


@BOTH
def test_batches_are_written_like_the_rows_in_them(make: Make, read: Read) -> None:
    writer = make(COLUMNS, Options())
    schema = readable_schema(COLUMNS)
    body = writer.begin() + writer.write_batch(record_batch(schema, ROWS)) + writer.end({})
    assert rows_of(read(body)) == ROWS


@BOTH
def test_nothing_before_the_end_is_a_whole_answer(make: Make, read: Read) -> None:
    body = written(make, [ROWS])
    mark = b"\xff\xff\xff\xff\0\0\0\0" if make is arrow_writer else b"PAR1"
    assert body.endswith(mark)
    if make is parquet_writer:
        for length in range(0, len(body), 97):
            with pytest.raises((pa.ArrowException, OSError)):
                read(body[:length])


def test_an_arrow_stream_is_sent_batch_by_batch() -> None:
    writer = arrow_writer(COLUMNS, Options())
    assert all(len(part) > 0 for part in (writer.write(ROWS[:5]), writer.write(ROWS[5:])))


def test_a_parquet_file_has_a_group_for_so_many_rows_and_not_one_a_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arrow_formats, "_GROUP_ROWS", 6)
    file = parquet.ParquetFile(
        io.BytesIO(written(parquet_writer, [ROWS[at : at + 2] for at in range(0, 10, 2)]))
    )
    assert [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)] == [6, 4]


def test_a_parquet_group_never_grows_beyond_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_formats, "_GROUP_BYTES", 1)
    file = parquet.ParquetFile(io.BytesIO(written(parquet_writer, [[row] for row in ROWS])))
    assert file.num_row_groups == len(ROWS)


def test_a_warehouse_s_own_batch_gets_the_names_and_types_rows_are_served_in() -> None:
    columns = (orders.CONTRACT.column("placed_at"), orders.CONTRACT.column("shipping"))
    nothing: dict[str, Any] = {"street": None, "city": None, "postcode": None, "latitude": None}
    own = pa.RecordBatch.from_arrays(
        [
            pa.array([NOON.replace(tzinfo=None)] * 2, pa.timestamp("us")),
            pa.array([None, nothing], readable_schema(columns).field(1).type),
        ],
        names=["_0", "_1"],
    )
    served = readable_batch(readable_schema(columns), own)
    assert served.to_pylist() == [
        {"placed_at": NOON, "shipping": None},
        {"placed_at": NOON, "shipping": nothing},
    ]
