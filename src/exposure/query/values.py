"""Values as a URL writes them, read by the column's type. Strict: what is not surely meant is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

from exposure.contracts.decimals import exact_decimal
from exposure.contracts.types import INTEGER_MAX, INTEGER_MIN, Scalar

_INTEGER = re.compile(r"-?\d{1,19}", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,38}(\.\d{1,38})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIMESTAMP = re.compile(
    # Digits behind the microsecond only where they say nothing: no instant is rounded.
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(\.\d{1,6}0{0,3})?([Zz]|[+-]\d{2}:\d{2})",
    re.ASCII,
)
_BOOLEAN = re.compile(r"true|false")
_SLIP_CHARACTERS = 40

EXPECTED = {
    Scalar.STRING: "text without NUL",
    Scalar.INTEGER: f"an integer from {INTEGER_MIN} to {INTEGER_MAX}",
    Scalar.NUMBER: "a finite number such as -1.5 or 2e3",
    Scalar.DECIMAL: "a decimal such as 19.90, at most 29 digits before and 9 after the point",
    Scalar.BOOLEAN: "true or false",
    Scalar.DATE: "a date such as 2026-01-31",
    Scalar.TIMESTAMP: "an RFC 3339 time with its offset, such as 2026-01-31T12:00:00Z",
}


def parse_value(scalar: Scalar, text: str) -> object:
    """Return the Python value of the text; raises ValueError when it is not one of that type."""
    return _PARSERS[scalar](text)


def suggest_value(scalar: Scalar, text: str) -> str | None:
    """Return what was probably meant by a text that is no value of the type, as a URL writes it."""
    # A slip of the pen is short; what is long is not searched for one.
    for slip, mended in _SLIPS.get(scalar, ()) if len(text) <= _SLIP_CHARACTERS else ():
        match = slip.fullmatch(text)
        meant = match.expand(mended) if match else ""
        if _is_value(scalar, meant.replace("%2B", "+")):
            return meant
    return None


def _is_value(scalar: Scalar, text: str) -> bool:
    try:
        parse_value(scalar, text)
    except ValueError:
        return False
    return True


def _string(text: str) -> str:
    # A lone surrogate is what percent-encoded bytes that are no UTF-8 become.
    text.encode()
    if "\0" in text:
        raise ValueError("NUL")
    return text


def _integer(text: str) -> int:
    value = int(_matched(_INTEGER, text))
    if not INTEGER_MIN <= value <= INTEGER_MAX:
        raise ValueError("out of range")
    return value


def _number(text: str) -> float:
    value = float(_matched(_NUMBER, text))
    if value in (float("inf"), float("-inf")):
        raise ValueError("out of range")
    return value


def _decimal(text: str) -> Decimal:
    try:
        return exact_decimal(_matched(_DECIMAL, text))
    except ArithmeticError as error:
        raise ValueError("out of range") from error


def _boolean(text: str) -> bool:
    return _matched(_BOOLEAN, text) == "true"


def _date(text: str) -> date:
    return date.fromisoformat(_matched(_DATE, text))


def _timestamp(text: str) -> datetime:
    parts = _TIMESTAMP.fullmatch(text)
    if parts is None:
        raise ValueError("no RFC 3339 time")
    day, clock, fraction, offset = parts.groups()
    zone = "+00:00" if offset in "Zz" else offset
    try:
        return datetime.fromisoformat(f"{day}T{clock}{(fraction or '')[:7]}{zone}").astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of range") from error


def _matched(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError("malformed")
    return text


_PARSERS: dict[Scalar, Callable[[str], object]] = {
    Scalar.STRING: _string,
    Scalar.INTEGER: _integer,
    Scalar.NUMBER: _number,
    Scalar.DECIMAL: _decimal,
    Scalar.BOOLEAN: _boolean,
    Scalar.DATE: _date,
    Scalar.TIMESTAMP: _timestamp,
}

_SLIPS: dict[Scalar, tuple[tuple[re.Pattern[str], str], ...]] = {
    Scalar.BOOLEAN: (
        (re.compile(r"true|t|yes|1", re.IGNORECASE), "true"),
        (re.compile(r"false|f|no|0", re.IGNORECASE), "false"),
    ),
    Scalar.TIMESTAMP: (
        (re.compile(r"(\d{4}-\d{2}-\d{2})"), r"\1T00:00:00Z"),
        # A + that was not percent-encoded arrives as a blank.
        (re.compile(r"(.+[Tt ].+) (\d{2}:\d{2})"), r"\1%2B\2"),
        (re.compile(r"(.+)[Tt ](.+)"), r"\1T\2Z"),
    ),
}
