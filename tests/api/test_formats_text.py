"""Rows as JSON in its shapes, as NDJSON and as CSV: any reader of the format finds what was stored."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.api.encode import RowEncoder, dumps
from exposure.api.formats.format import Options, Shape
from exposure.api.formats.offered import FORMATS
from exposure.contracts.model import Column
from exposure.contracts.types import Array, Object, Scalar
from exposure.query.model import Row

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
INNER = Object((Column("price", Scalar.DECIMAL, nullable=True), Column("note", Scalar.STRING)))
COLUMNS = (
    Column("id", Scalar.STRING, nullable=True),
    Column("count", Scalar.INTEGER, nullable=True),
    Column("weight", Scalar.NUMBER, nullable=True),
    Column("total", Scalar.DECIMAL, nullable=True),
    Column("paid", Scalar.BOOLEAN, nullable=True),
    Column("day", Scalar.DATE, nullable=True),
    Column("at", Scalar.TIMESTAMP, nullable=True),
    Column("extra", Scalar.JSON, nullable=True),
    Column("inner", INNER, nullable=True),
    Column("tags", Array(Scalar.STRING)),
)
ROWS = st.lists(
    st.tuples(
        st.none() | TEXT,
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(),
        st.none() | st.decimals(min_value=-(10**20), max_value=10**20, places=9),
        st.none() | st.booleans(),
        st.none() | st.dates(),
        st.none() | st.datetimes(timezones=st.just(UTC)),
        st.none() | st.builds(json.dumps, st.dictionaries(TEXT, st.none() | st.integers() | TEXT)),
        st.none() | st.builds(dict, price=st.none() | st.just(Decimal("1.50")), note=TEXT),
        st.lists(TEXT),
    ),
    max_size=6,
)
PARTS = st.integers(1, 4)
ENVELOPE = {"complete": False, "next_page_token": "abc", "stats": {"tier": "warehouse"}}


def written(
    name: str, rows: Sequence[Row], part: int = 100, columns: Sequence[Column] = COLUMNS, **options: Any
) -> bytes:
    """Return the answer in a format, its rows written `part` at a time."""
    [chosen] = [one for one in FORMATS if one.name == name]
    writer = chosen.writer(columns, Options(**options))
    parts = [writer.write(rows[at : at + part]) for at in range(0, len(rows), part)]
    return b"".join([writer.begin(), *parts, writer.end(ENVELOPE)])


def objects(rows: Sequence[Row]) -> Any:
    return json.loads(dumps(RowEncoder(COLUMNS).objects(rows)))


@given(rows=ROWS, part=PARTS)
def test_objects_are_the_rows_and_the_envelope_stands_behind_them(rows: list[Row], part: int) -> None:
    body = json.loads(written("json", rows, part))
    assert body == {"data": objects(rows), **ENVELOPE}
    assert next(iter(body)) == "data"


@given(rows=ROWS, part=PARTS)
def test_arrays_are_the_values_of_the_objects_below_their_names(rows: list[Row], part: int) -> None:
    body = json.loads(written("json", rows, part, shape=Shape.ARRAYS))
    assert body["columns"] == [column.name for column in COLUMNS]
    assert [dict(zip(body["columns"], row, strict=True)) for row in body["data"]] == objects(rows)
    assert {name: body[name] for name in ENVELOPE} == ENVELOPE


@given(rows=ROWS, part=PARTS)
def test_columns_are_the_values_of_the_objects_name_by_name(rows: list[Row], part: int) -> None:
    body = json.loads(written("json", rows, part, shape=Shape.COLUMNS))
    expected = {column.name: [one[column.name] for one in objects(rows)] for column in COLUMNS}
    assert body == {"data": expected, **ENVELOPE}


@given(rows=ROWS, part=PARTS)
def test_lines_are_the_objects_one_a_line(rows: list[Row], part: int) -> None:
    lines = written("ndjson", rows, part).split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line) for line in lines] == objects(rows)


@given(rows=ROWS, part=PARTS)
def test_the_end_record_counts_and_seals_the_lines_before_it(rows: list[Row], part: int) -> None:
    body = written("ndjson", rows, part, end_record=True)
    before, _, last = body[:-1].rpartition(b"\n")
    before += b"\n" if before else b""
    told = json.loads(last)["_end"]
    assert told == {
        "rows": len(rows),
        "sha256": hashlib.sha256(before).hexdigest(),
        "complete": False,
        "next_page_token": "abc",
    }
    assert before == written("ndjson", rows)


def csv_text(column: Column, value: Any) -> str:
    """Return a value as CSV holds it, made in another way than the writer's."""
    [told] = objects([tuple(value if one is column else _nothing(one) for one in COLUMNS)])
    if value is None:
        return ""
    if column.type is Scalar.JSON:
        return str(value)
    if not isinstance(column.type, Scalar):
        return json.dumps(told[column.name], ensure_ascii=False, separators=(",", ":"))
    text = told[column.name]
    return text if isinstance(text, str) else json.dumps(text)


def _nothing(column: Column) -> object:
    return [] if isinstance(column.type, Array) else None


@given(rows=ROWS, part=PARTS)
def test_csv_read_by_the_standard_library_is_the_rows_below_their_names(rows: list[Row], part: int) -> None:
    text = written("csv", rows, part).decode()
    header, *lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert header == [column.name for column in COLUMNS]
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        for text, column, value in zip(line, COLUMNS, row, strict=True):
            if isinstance(value, float) and math.isfinite(value):
                assert float(text).hex() == value.hex()
            elif isinstance(column.type, Scalar):
                assert text == csv_text(column, value)
            else:
                assert (json.loads(text) if text else None) == (
                    None if value is None else json.loads(csv_text(column, value))
                )


def test_csv_ends_every_line_with_crlf_and_quotes_what_needs_it_only() -> None:
    columns = (Column("a", Scalar.STRING, nullable=True), Column("b", Scalar.INTEGER, nullable=True))
    rows: list[Row] = [("plain text", 1), ('with "quotes"', 2), ("a,b", None), ("two\r\nlines", 3), (" ", 4)]
    assert written("csv", rows, columns=columns).decode() == (
        'a,b\r\nplain text,1\r\n"with ""quotes""",2\r\n"a,b",\r\n"two\r\nlines",3\r\n ,4\r\n'
    )


def test_csv_tells_null_from_the_empty_text() -> None:
    columns = (Column("a", Scalar.STRING, nullable=True), Column("b", Scalar.STRING, nullable=True))
    assert written("csv", [(None, ""), ("", None)], columns=columns) == b'a,b\r\n,""\r\n"",\r\n'
    assert written("csv", [("", "x"), ("x", "x")], columns=columns) == b'a,b\r\n"",x\r\nx,x\r\n'


@pytest.mark.parametrize("scalar", [Scalar.STRING, Scalar.INTEGER, Scalar.JSON])
def test_csv_with_one_column_has_a_line_for_every_row_in_every_reader(scalar: Scalar) -> None:
    body = written("csv", [(None,), (None,)], columns=[Column("a", scalar, nullable=True)])
    assert body == b'a\r\n""\r\n""\r\n'


def test_csv_without_rows_is_its_names() -> None:
    assert written("csv", [], columns=COLUMNS[:2]) == b"id,count\r\n"


def test_csv_begins_with_a_byte_order_mark_where_it_was_asked_for() -> None:
    assert written("csv", [], columns=COLUMNS[:1], bom=True) == b"\xef\xbb\xbfid\r\n"
    assert not written("csv", [], columns=COLUMNS[:1]).startswith(b"\xef\xbb\xbf")


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", '=HYPERLINK("http://x","y")']


@pytest.mark.parametrize("text", FORMULAS)
def test_csv_safe_leaves_no_text_a_spreadsheet_would_run(text: str) -> None:
    columns = (Column("a", Scalar.STRING), Column("b", Scalar.INTEGER), Column("c", Scalar.JSON))
    row: Row = (text, -1, "-7")
    [_, read] = csv.reader(
        io.StringIO(written("csv", [row], columns=columns, csv_safe=True).decode(), newline="")
    )
    assert read == [f"'{text}", "-1", "'-7"]
    [_, plain] = csv.reader(io.StringIO(written("csv", [row], columns=columns).decode(), newline=""))
    assert plain == [text, "-1", "-7"]


@given(text=TEXT)
def test_csv_safe_changes_nothing_else(text: str) -> None:
    columns = (Column("a", Scalar.STRING), Column("b", Scalar.STRING))
    rows: list[Row] = [("'" + text, "x" + text)]
    assert written("csv", rows, columns=columns, csv_safe=True) == written("csv", rows, columns=columns)


def test_what_came_before_the_end_is_no_whole_json() -> None:
    [chosen] = [one for one in FORMATS if one.name == "json"]
    for shape in (Shape.OBJECTS, Shape.ARRAYS):
        writer = chosen.writer(COLUMNS, Options(shape=shape))
        sofar = writer.begin()
        row: Row = (
            "a",
            1,
            1.0,
            None,
            True,
            date(2026, 1, 1),
            datetime(2026, 1, 1, tzinfo=UTC),
            None,
            None,
            [],
        )
        for _ in range(3):
            with pytest.raises(ValueError, match="Expecting"):
                json.loads(sofar)
            sofar += writer.write([row])
