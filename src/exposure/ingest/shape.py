"""The typed pass over a message: contract columns as msgspec structs, and their values as a row wants them.

msgspec checks types, bounds and syntax in C; what it cannot say (exact decimals, depth of JSON, instants
in UTC) is checked here, column by column. Beside the values it counts the quotes that their names and
texts need, by which `validate` knows whether anything else is in the message. What that is, is `careful`'s
concern.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

from exposure.contracts.decimals import exact_decimal
from exposure.contracts.model import Column
from exposure.contracts.types import (
    DECIMAL_PRECISION,
    DECIMAL_SCALE,
    INTEGER_MAX,
    INTEGER_MIN,
    Array,
    LogicalType,
    Object,
    Scalar,
)
from exposure.ingest.document import is_null, json_text
from exposure.ingest.rejection import Reason, Rejected

# Decimals and JSON stay raw: msgspec would take "1_000" and " 1 " for decimals, and rebuild JSON's numbers.
_SCALARS: dict[Scalar, Any] = {
    Scalar.STRING: str,
    Scalar.INTEGER: Annotated[int, msgspec.Meta(ge=INTEGER_MIN, le=INTEGER_MAX)],
    Scalar.NUMBER: float,
    Scalar.DECIMAL: msgspec.Raw,
    Scalar.BOOLEAN: bool,
    Scalar.DATE: date,
    Scalar.TIMESTAMP: Annotated[datetime, msgspec.Meta(tz=True)],
    Scalar.JSON: msgspec.Raw,
}
_TEXTS = (Scalar.STRING, Scalar.DATE, Scalar.TIMESTAMP)
_STRINGS = msgspec.json.Decoder(str)
_DECIMAL_TEXT = re.compile(r"-?[0-9]+(\.[0-9]+)?")

# Takes a decoded value; returns the row's value and how many quotes it held. Raises Rejected.
Converter = Callable[[Any], tuple[object, int]]


@dataclass(frozen=True)
class _Value:
    """How one type is decoded; `convert` is None when the decoded value is the row's, without quotes."""

    decoded: Any
    convert: Converter | None
    shape: Shape | None = None


@dataclass(frozen=True)
class Shape:
    """The fields of a message or of a nested object, compiled once.

    `quotes` are those of a message with every field given; `nested` holds the shapes of objects, and of
    arrays of objects, by the column's index.
    """

    columns: tuple[Column, ...]
    struct: type[msgspec.Struct]
    quotes: int
    instants: tuple[int, ...]
    converters: tuple[tuple[int, Converter], ...]
    nested: Mapping[int, Shape]

    def values(self, decoded: msgspec.Struct) -> tuple[list[Any], int]:
        """Return one value per column, and the quotes of all names and texts. Raises Rejected."""
        values: list[Any] = list(astuple(decoded))
        quotes = self.quotes
        if UNSET in values or None in values:
            quotes -= self._fill(values)
        for index in self.instants:
            if values[index] is not None and values[index].tzinfo is not UTC:
                values[index] = self._convert(index, _instant, values[index])[0]
        for index, convert in self.converters:
            if values[index] is not None:
                values[index], found = self._convert(index, convert, values[index])
                quotes += found
        return values, quotes

    def _convert(self, index: int, convert: Converter, value: Any) -> tuple[object, int]:
        try:
            return convert(value)
        except Rejected as rejected:
            raise rejected.under(f".{self.columns[index].name}") from rejected.__cause__

    def _fill(self, values: list[Any]) -> int:
        """Put NULL or the empty list where there is no value; return the quotes that are not there."""
        missing = 0
        for index, column in enumerate(self.columns):
            value = values[index]
            if value is not UNSET and value is not None:
                continue
            is_array = isinstance(column.type, Array)
            if value is UNSET:
                missing += 2
                if not (column.nullable or is_array):
                    raise Rejected(Reason.MISSING_FIELD, "is required and absent").under(f".{column.name}")
            if column.type in _TEXTS:
                missing += 2
            values[index] = [] if is_array else None
        return missing


def compile_shape(name: str, columns: Sequence[Column]) -> Shape:
    """Return the shape of an object with these columns as fields."""
    values = [_compile(f"{name}_{index}", column.type) for index, column in enumerate(columns)]
    # Positions for names, because a column may be called like a Python keyword.
    fields = [
        (f"f{index}", _accepted(column, value.decoded), UNSET)
        for index, (column, value) in enumerate(zip(columns, values, strict=True))
    ]
    rename = {f"f{index}": column.name for index, column in enumerate(columns)}
    return Shape(
        columns=tuple(columns),
        struct=msgspec.defstruct(name, fields, rename=rename, gc=False),
        quotes=2 * len(columns) + 2 * sum(column.type in _TEXTS for column in columns),
        instants=tuple(i for i, column in enumerate(columns) if column.type is Scalar.TIMESTAMP),
        converters=tuple(
            (index, _nullable(value.convert) if columns[index].nullable else value.convert)
            for index, value in enumerate(values)
            if value.convert is not None and columns[index].type not in _TEXTS
        ),
        nested={index: value.shape for index, value in enumerate(values) if value.shape is not None},
    )


def _accepted(column: Column, decoded: Any) -> Any:
    """Return what the field may hold: for an array, `null` means what its absence means."""
    if decoded is msgspec.Raw:
        return decoded  # takes `null` by itself, and msgspec forgets it inside a union
    optional = column.nullable or isinstance(column.type, Array)
    return decoded | None | msgspec.UnsetType if optional else decoded | msgspec.UnsetType


def _compile(name: str, logical_type: LogicalType) -> _Value:
    if isinstance(logical_type, Scalar):
        return _Value(_SCALARS[logical_type], _SCALAR_CONVERTERS.get(logical_type))
    if isinstance(logical_type, Object):
        shape = compile_shape(name, logical_type.fields)
        return _Value(shape.struct, _object(shape), shape)
    element = _compile(name, logical_type.of)
    return _Value(types.GenericAlias(list, (element.decoded,)), _array(element.convert), element.shape)


def _nullable(convert: Converter) -> Converter:
    def convert_or_null(value: Any) -> tuple[object, int]:
        return (None, 0) if isinstance(value, msgspec.Raw) and is_null(value) else convert(value)

    return convert_or_null


def _object(shape: Shape) -> Converter:
    names = tuple(column.name for column in shape.columns)

    def convert(decoded: msgspec.Struct) -> tuple[object, int]:
        values, quotes = shape.values(decoded)
        return dict(zip(names, values, strict=True)), quotes

    return convert


def _array(convert: Converter | None) -> Converter:
    if convert is None:
        return lambda decoded: (decoded, 0)

    def convert_each(decoded: list[Any]) -> tuple[object, int]:
        values, quotes = [], 0
        for index, element in enumerate(decoded):
            try:
                value, found = convert(element)
            except Rejected as rejected:
                raise rejected.under(f"[{index}]") from rejected.__cause__
            values.append(value)
            quotes += found
        return values, quotes

    return convert_each


def _text(value: object) -> tuple[object, int]:
    return value, 2


def _instant(value: datetime) -> tuple[object, int]:
    try:
        return value.astimezone(UTC), 2
    except OverflowError as error:
        raise Rejected(Reason.OUT_OF_RANGE, "is outside the years 1 to 9999 in UTC") from error


def _decimal(raw: msgspec.Raw) -> tuple[object, int]:
    text, quotes = bytes(raw).decode("utf-8", "replace"), 0
    if text.startswith('"'):
        text, quotes = _STRINGS.decode(raw), 2
        is_decimal = _DECIMAL_TEXT.fullmatch(text) is not None
    else:
        is_decimal = text.startswith(tuple("-0123456789"))
    if not is_decimal:
        raise Rejected(Reason.WRONG_TYPE, 'is no decimal: expected a number, or a text like "-12.34"')
    try:
        return exact_decimal(text), quotes
    except ArithmeticError as error:
        digits = DECIMAL_PRECISION - DECIMAL_SCALE
        raise Rejected(
            Reason.OUT_OF_RANGE,
            f"needs more than {digits} digits before or {DECIMAL_SCALE} after the point",
        ) from error


# Only where the value is not the row's already, or, in an array, has quotes to be counted.
_SCALAR_CONVERTERS: dict[Scalar, Converter] = {
    Scalar.STRING: _text,
    Scalar.DATE: _text,
    Scalar.TIMESTAMP: _instant,
    Scalar.DECIMAL: _decimal,
    Scalar.JSON: json_text,
}
