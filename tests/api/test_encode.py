from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exposure.api.encode import RowEncoder, dumps, instant
from exposure.contracts.model import Column
from exposure.contracts.types import Array, Object, Scalar
from exposure.query.model import Row

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = Object((Column("a", Scalar.STRING), Column("b", Scalar.INTEGER, nullable=True)))
NESTED = Object(
    (
        Column("price", Scalar.DECIMAL, nullable=True),
        Column("plain", PLAIN),
        Column("extra", Scalar.JSON, nullable=True),
        Column("prices", Array(Scalar.DECIMAL)),
    )
)


def encoded(logical_type: Any, *values: object) -> list[Any]:
    """Return the values as a reader finds them, from objects and from lines, which must agree."""
    encoder = RowEncoder([Column("value", logical_type, nullable=not isinstance(logical_type, Array))])
    rows: list[Row] = [(value,) for value in values]
    from_objects = json.loads(dumps(encoder.objects(rows)))
    from_lines = [json.loads(line) for line in encoder.lines(rows).split(b"\n")[:-1]]
    assert from_objects == from_lines
    return [row["value"] for row in from_objects]


@given(st.lists(st.none() | TEXT))
def test_text_is_written_as_it_is(values: list[str | None]) -> None:
    assert encoded(Scalar.STRING, *values) == values


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
def test_integers_are_numbers_exact_to_the_last_digit(values: list[int | None]) -> None:
    assert encoded(Scalar.INTEGER, *values) == values


@given(st.decimals(min_value=-(10**29) + 1, max_value=10**29 - 1, places=9))
def test_decimals_are_plain_strings_that_lose_nothing(value: Decimal) -> None:
    [text] = encoded(Scalar.DECIMAL, value)
    assert Decimal(text) == value
    assert not set(text) & set("eE+")
    assert "." not in text or text[-1] not in "0."


def test_zeros_that_are_digits_of_a_whole_decimal_stay() -> None:
    decimals = [Decimal("100"), Decimal("100.000000000"), Decimal("1E+3"), Decimal("0E-9"), Decimal("0.1")]
    assert encoded(Scalar.DECIMAL, *decimals) == ["100", "100", "1000", "0", "0.1"]


@given(st.floats())
def test_numbers_are_exact_and_what_json_lacks_is_a_string(value: float) -> None:
    [written] = encoded(Scalar.NUMBER, value)
    if math.isfinite(value):
        assert float(written).hex() == value.hex()
    else:
        assert written == {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[repr(value)]


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_are_rfc_3339_in_utc_with_six_digits_or_none(value: datetime) -> None:
    [text] = encoded(Scalar.TIMESTAMP, value)
    assert text == value.strftime("%Y").zfill(4) + value.isoformat()[4:].replace("+00:00", "Z")
    assert text == instant(value)
    assert len(text) == (20 if value.microsecond == 0 else 27)


@given(st.dates())
def test_dates_are_iso_8601(value: date) -> None:
    assert encoded(Scalar.DATE, value) == [value.isoformat()]


@given(
    st.recursive(
        st.none() | st.integers() | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)
    )
)
def test_json_is_embedded_and_stays_on_its_line(value: object) -> None:
    for text in (
        json.dumps(value),
        json.dumps(value, indent=1),
        json.dumps(value, ensure_ascii=False, indent=1),
    ):
        assert encoded(Scalar.JSON, text, text.replace("\n", "\r\n")) == [value, value]


def test_a_number_in_json_keeps_the_digits_it_was_written_with() -> None:
    encoder = RowEncoder([Column("value", Scalar.JSON)])
    assert encoder.lines([('{"n": 123456789012345678901234567890.10}',)]) == (
        b'{"value":{"n": 123456789012345678901234567890.10}}\n'
    )


def test_objects_and_arrays_are_converted_to_their_depth() -> None:
    value = {
        "price": Decimal("1.50"), "plain": {"a": "x", "b": None}, "extra": "[1]", "prices": [Decimal("0.10")],
    }  # fmt: skip
    expected = {"price": "1.5", "plain": {"a": "x", "b": None}, "extra": [1], "prices": ["0.1"]}
    bare = value | {"price": None, "extra": None, "prices": []}
    assert encoded(NESTED, value, None) == [expected, None]
    assert encoded(Array(NESTED), [value], []) == [[expected], []]
    assert encoded(NESTED, bare) == [expected | {"price": None, "extra": None, "prices": []}]
    assert encoded(PLAIN, {"a": "x", "b": 1}) == [{"a": "x", "b": 1}]


def test_no_rows_are_no_lines() -> None:
    assert encoded(Scalar.DECIMAL) == []
