from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.contracts.types import Scalar
from exposure.query.values import EXPECTED, parse_value, suggest_value

WRONG: dict[Scalar, tuple[str, ...]] = {
    Scalar.STRING: ("\0", "a\0", "\udcff", "a\ud800b"),
    Scalar.INTEGER: (
        "", "1.0", "1e3", "+1", " 1", "1 ", "1_000", "0x1", "٣", "9223372036854775808",
        "-9223372036854775809", "1" * 5000, "--1", "true", "1\n",
    ),
    Scalar.NUMBER: (
        "", "NaN", "nan", "inf", "-Infinity", "1e309", "-1e999", ".5", "5.", "1,5", "0x1p3", "1_0", "٣",
        "1\n",
    ),
    Scalar.DECIMAL: (
        "", "NaN", "Infinity", "1e3", ".5", "1.0000000001", "1" * 30, "-" + "9" * 30, "1,5", "sNaN", "٣",
        "1\n",
    ),
    Scalar.BOOLEAN: ("", "True", "TRUE", "1", "0", "yes", "null", "true\n"),
    Scalar.DATE: (
        "", "2026-02-30", "2026-1-1", "20260101", "2026-01-01T00:00:00Z", "0000-01-01", "2026-W01-1",
        "２０２６-01-01",
    ),
    Scalar.TIMESTAMP: (
        "", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00Z", "2026-01-31T25:00:00Z",
        "2026-01-31T12:00:60Z", "2026-01-31T12:00:00.1234567Z", "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00+2:00", "2026-01-31T12:00:00+25:00", "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00", "1769860800", "2026-01-31T12:00:00 02:00", "now",
        "2026-01-31T12:00:00Z\n", "2026-01-31T12:00:000000Z",
    ),
}  # fmt: skip
CASES = [(scalar, text) for scalar, texts in WRONG.items() for text in texts]


@pytest.mark.parametrize(("scalar", "text"), CASES)
def test_a_text_that_is_surely_no_value_is_refused(scalar: Scalar, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (any reason will do)
        parse_value(scalar, text)


def test_every_filterable_type_says_what_it_expects() -> None:
    assert set(EXPECTED) == set(WRONG)


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_integer_of_64_bits_is_read_exactly(value: int) -> None:
    assert parse_value(Scalar.INTEGER, str(value)) == value


@given(st.integers())
def test_an_integer_of_more_bits_is_refused(value: int) -> None:
    if not -(2**63) <= value < 2**63:
        with pytest.raises(ValueError):  # noqa: PT011 (any reason will do)
            parse_value(Scalar.INTEGER, str(value))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_is_read_exactly_as_python_writes_it(value: float) -> None:
    read = parse_value(Scalar.NUMBER, repr(value))
    assert isinstance(read, float)
    assert (read, math.copysign(1, read)) == (value, math.copysign(1, value))


@given(st.decimals(min_value=-(10**29) + 1, max_value=10**29 - 1, places=9))
def test_every_decimal_that_can_be_stored_is_read_exactly(value: Decimal) -> None:
    assert parse_value(Scalar.DECIMAL, format(value, "f")) == value


@given(st.dates())
def test_every_date_is_read(value: date) -> None:
    assert parse_value(Scalar.DATE, value.isoformat()) == value


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_instant_is_read_to_the_microsecond(value: datetime) -> None:
    assert parse_value(Scalar.TIMESTAMP, value.isoformat()) == value
    assert parse_value(Scalar.TIMESTAMP, value.isoformat().replace("+00:00", "Z")) == value


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_every_text_that_can_be_stored_is_read_as_it_is(value: str) -> None:
    assert parse_value(Scalar.STRING, value) == value


def test_digits_behind_the_microsecond_are_taken_where_they_say_nothing() -> None:
    expected = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
    assert parse_value(Scalar.TIMESTAMP, "2026-01-31T12:00:00.123456000Z") == expected


@pytest.mark.parametrize(
    ("scalar", "text", "meant"),
    [
        (Scalar.TIMESTAMP, "2026-01-31T12:00:00", "2026-01-31T12:00:00Z"),
        (Scalar.TIMESTAMP, "2026-01-31 12:00:00", "2026-01-31T12:00:00Z"),
        (Scalar.TIMESTAMP, "2026-01-31", "2026-01-31T00:00:00Z"),
        (Scalar.TIMESTAMP, "2026-01-31T12:00:00 02:00", "2026-01-31T12:00:00%2B02:00"),
        (Scalar.TIMESTAMP, "yesterday", None),
        (Scalar.TIMESTAMP, "2026-13-31", None),
        (Scalar.BOOLEAN, "True", "true"),
        (Scalar.BOOLEAN, "0", "false"),
        (Scalar.BOOLEAN, "maybe", None),
        (Scalar.INTEGER, "1.0", None),
    ],
)
def test_a_slip_of_the_pen_is_told_from_nonsense(scalar: Scalar, text: str, meant: str | None) -> None:
    assert suggest_value(scalar, text) == meant


@given(st.sampled_from(list(EXPECTED)), st.text())
def test_a_suggestion_is_always_a_value(scalar: Scalar, text: str) -> None:
    meant = suggest_value(scalar, text)
    if meant is not None:
        parse_value(scalar, meant.replace("%2B", "+"))
