"""Rows as bytes. Decimals become strings, instants RFC 3339 with Z, JSON columns stay JSON.

A number JSON cannot write (NaN, infinities; no message can carry one, but another writer of the table
might) becomes the string "NaN", "Infinity" or "-Infinity", never null.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import orjson

from exposure.contracts.model import Column
from exposure.contracts.types import LogicalType, Object, Scalar
from exposure.query.model import Row

JSON = "application/json"
NDJSON = "application/x-ndjson"
Converter = Callable[[Any], object]


class RowEncoder:
    """Encodes rows of one selection of columns; made once per question."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._names = [column.name for column in columns]
        self._converters = [
            (index, convert)
            for index, column in enumerate(columns)
            if (convert := _converter(column.type)) is not None
        ]

    def objects(self, rows: Sequence[Row]) -> list[dict[str, object]]:
        """Return one dict per row, ready for `dumps`."""
        if not self._converters:
            return [dict(zip(self._names, row, strict=True)) for row in rows]
        return [dict(zip(self._names, self._converted(row), strict=True)) for row in rows]

    def lines(self, rows: Sequence[Row]) -> bytes:
        """Return one JSON object a line."""
        return b"".join(dumps(one) + b"\n" for one in self.objects(rows))

    def _converted(self, row: Row) -> list[object]:
        values = list(row)
        for index, convert in self._converters:
            if values[index] is not None:
                values[index] = convert(values[index])
        return values


def dumps(value: object) -> bytes:
    """Return the JSON text of a value."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


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


_SCALARS: dict[Scalar, Converter] = {
    Scalar.DECIMAL: _decimal,
    Scalar.NUMBER: _number,
    Scalar.JSON: orjson.Fragment,
}
