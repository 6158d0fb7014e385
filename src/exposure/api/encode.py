"""Values as JSON, which every text format writes them in; the formats are in `exposure.api.formats`.

How each type is written:

| type      | JSON                                                                                       |
|-----------|--------------------------------------------------------------------------------------------|
| integer   | number, exact to 64 bits                                                                   |
| number    | number; NaN and infinities, which JSON lacks, the strings "NaN", "Infinity", "-Infinity"   |
| decimal   | string without zeros at the end: "39.8"                                                    |
| timestamp | RFC 3339 in UTC with Z: six digits of fraction, or none when it is a whole second          |
| date      | ISO 8601                                                                                   |
| json      | the value itself, its text as stored                                                       |

A NaN comes from no message, but another writer of the table might store one; it never becomes null.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from exposure.contracts.model import Column
from exposure.contracts.types import LogicalType, Object, Scalar
from exposure.query.model import Row

JSON = "application/json"
Converter = Callable[[Any], object]


class RowEncoder:
    """Encodes rows of one selection of columns."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._names = [column.name for column in columns]
        self._converters = [
            (index, convert)
            for index, column in enumerate(columns)
            if (convert := _converter(column.type)) is not None
        ]

    def objects(self, rows: Sequence[Row]) -> list[dict[str, object]]:
        """Return one dict per row, ready for `dumps`."""
        return [dict(zip(self._names, row, strict=True)) for row in self.arrays(rows)]

    def arrays(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Return one tuple per row, ready for `dumps`."""
        if not self._converters or not rows:
            return rows
        return list(zip(*self.columns(rows), strict=True))

    def columns(self, rows: Sequence[Row]) -> list[Sequence[object]]:
        """Return one sequence per column, ready for `dumps`."""
        columns: list[Sequence[object]] = list(zip(*rows, strict=True)) or [()] * len(self._names)
        # Column by column: most columns need no conversion and are not looked at.
        for index, convert in self._converters:
            columns[index] = [None if value is None else convert(value) for value in columns[index]]
        return columns

    def lines(self, rows: Sequence[Row]) -> bytes:
        """Return one JSON object a line."""
        return b"".join(
            orjson.dumps(one, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
            for one in self.objects(rows)
        )


def dumps(value: object) -> bytes:
    """Return the JSON text of a value."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


def instant(time: datetime) -> str:
    """Return an aware time as a timestamp in a row is written."""
    return dumps(time).decode().strip('"')


def _converter(logical_type: LogicalType) -> Converter | None:
    if isinstance(logical_type, Scalar):
        return _SCALARS.get(logical_type)
    if isinstance(logical_type, Object):
        return _object(logical_type)
    element = _converter(logical_type.of)
    return None if element is None else lambda values: [element(value) for value in values]


def _object(nested: Object) -> Converter | None:
    converters = {
        field.name: convert for field in nested.fields if (convert := _converter(field.type)) is not None
    }
    if not converters:
        return None

    def convert_fields(value: dict[str, object]) -> object:
        changed = {name: converters[name](value[name]) for name in converters if value[name] is not None}
        return value | changed

    return convert_fields


def _decimal(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _number(value: float) -> object:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _json(text: str) -> object:
    # Between the tokens of JSON a line break is a blank like any other, but it would end a line of NDJSON.
    if "\n" in text or "\r" in text:
        text = text.replace("\n", " ").replace("\r", " ")
    return orjson.Fragment(text)


_SCALARS: dict[Scalar, Converter] = {
    Scalar.DECIMAL: _decimal,
    Scalar.NUMBER: _number,
    Scalar.JSON: _json,
}
