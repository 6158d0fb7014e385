"""The typed pass over a message: contract columns as msgspec structs, and their values as a row wants them.

msgspec checks types, bounds and syntax in C; what it cannot say (exact decimals, depth of JSON, instants
in UTC) is checked here, column by column. Fields the contract does not know are `careful`'s concern.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Annotated, Any

import msgspec

from exposure.contracts.model import Column
from exposure.contracts.types import (
    DECIMAL_PRECISION,
    DECIMAL_SCALE,
    INTEGER_MAX,
    INTEGER_MIN,
    JSON_DEPTH,
    Array,
    LogicalType,
    Object,
    Scalar,
)
from exposure.ingest.rejection import Reason, Rejected

_SCALARS: dict[Scalar, Any] = {
    Scalar.STRING: str,
    Scalar.INTEGER: Annotated[int, msgspec.Meta(ge=INTEGER_MIN, le=INTEGER_MAX)],
    Scalar.NUMBER: float,
    Scalar.DECIMAL: Decimal,
    Scalar.BOOLEAN: bool,
    Scalar.DATE: date,
    Scalar.TIMESTAMP: Annotated[datetime, msgspec.Meta(tz=True)],
    Scalar.JSON: msgspec.Raw,
}
_JSON_NULL = msgspec.Raw(b"null")
_EXACT = Context(prec=DECIMAL_PRECISION, traps=[InvalidOperation, Inexact])
_DECIMAL_STEP = Decimal(1).scaleb(-DECIMAL_SCALE)

# A converter takes a decoded value and its path, and returns the row's value and how many keys it held.
Converter = Callable[[Any, str], tuple[object, int]]


@dataclass(frozen=True)
class Shape:
    """The fields of a message or of a nested object, compiled once."""

    columns: tuple[Column, ...]
    struct: type[msgspec.Struct]
    converters: tuple[tuple[int, Column, Converter], ...]
    nested: Mapping[int, Shape]

    def values(self, decoded: msgspec.Struct, path: str) -> tuple[list[object], int]:
        """Return one value per column, and how many distinct keys the JSON object held. Raises Rejected."""
        values: list[object] = list(msgspec.structs.astuple(decoded))
        keys = len(values)
        if msgspec.UNSET in values:
            keys -= self._fill(values, path)
        for index, column, convert in self.converters:
            if column.nullable and values[index] == _JSON_NULL:
                values[index] = None
            elif values[index] is None and isinstance(column.type, Array):
                values[index] = []
            elif values[index] is not None:
                values[index], nested = convert(values[index], f"{path}.{column.name}")
                keys += nested
        return values, keys

    def _fill(self, values: list[object], path: str) -> int:
        """Put NULL or the empty list where a field is absent; return how many were."""
        absent = 0
        for index, column in enumerate(self.columns):
            if values[index] is not msgspec.UNSET:
                continue
            absent += 1
            if not (column.nullable or isinstance(column.type, Array)):
                raise Rejected(Reason.MISSING_FIELD, f"`{path}.{column.name}` is required and absent")
            values[index] = [] if isinstance(column.type, Array) else None
        return absent


def compile_shape(name: str, columns: Sequence[Column]) -> Shape:
    """Return the shape of an object with these columns as fields."""
    fields: list[tuple[str, Any, Any]] = []
    converters: list[tuple[int, Column, Converter]] = []
    nested: dict[int, Shape] = {}
    for index, column in enumerate(columns):
        decoded, convert, inner = _compile(f"{name}_{index}", column.type)
        if inner is not None:
            nested[index] = inner
        fields.append((f"f{index}", _accepted(column, decoded), msgspec.UNSET))
        if convert is not None:
            converters.append((index, column, convert))
    # Positions for names, because a column may be called like a Python keyword.
    rename = {f"f{index}": column.name for index, column in enumerate(columns)}
    struct = msgspec.defstruct(name, fields, rename=rename, gc=False)
    return Shape(tuple(columns), struct, tuple(converters), nested)


def _accepted(column: Column, decoded: Any) -> Any:
    """Return what the field may hold: for an array, `null` means what its absence means."""
    if decoded is msgspec.Raw:
        return decoded  # takes `null` by itself, and msgspec forgets it inside a union
    optional = column.nullable or isinstance(column.type, Array)
    return decoded | None | msgspec.UnsetType if optional else decoded | msgspec.UnsetType


def _compile(name: str, logical_type: LogicalType) -> tuple[Any, Converter | None, Shape | None]:
    """Return what msgspec decodes, what makes a row's value of it, and the shape of objects within."""
    if isinstance(logical_type, Scalar):
        return _SCALARS[logical_type], _SCALAR_CONVERTERS.get(logical_type), None
    if isinstance(logical_type, Object):
        shape = compile_shape(name, logical_type.fields)
        return shape.struct, _object(shape), shape
    element, convert, inner = _compile(name, logical_type.of)
    return types.GenericAlias(list, (element,)), _array(convert), inner


def _object(shape: Shape) -> Converter:
    names = tuple(column.name for column in shape.columns)

    def convert(decoded: msgspec.Struct, path: str) -> tuple[object, int]:
        values, keys = shape.values(decoded, path)
        return dict(zip(names, values, strict=True)), keys

    return convert


def _array(element: Converter | None) -> Converter:
    def convert(decoded: list[Any], path: str) -> tuple[object, int]:
        if element is None:
            return decoded, 0
        pairs = [element(value, f"{path}[{index}]") for index, value in enumerate(decoded)]
        return [value for value, _ in pairs], sum(keys for _, keys in pairs)

    return convert


def _instant(value: datetime, path: str) -> tuple[object, int]:
    try:
        return value.astimezone(UTC), 0
    except OverflowError as error:
        raise Rejected(Reason.OUT_OF_RANGE, f"`{path}` is outside the years 1 to 9999 in UTC") from error


def _decimal(value: Decimal, path: str) -> tuple[object, int]:
    try:
        exact = _EXACT.quantize(value, _DECIMAL_STEP)
    except (InvalidOperation, Inexact) as error:
        digits = DECIMAL_PRECISION - DECIMAL_SCALE
        raise Rejected(
            Reason.OUT_OF_RANGE,
            f"`{path}` needs more than {digits} digits before or {DECIMAL_SCALE} after the point",
        ) from error
    if not exact.is_finite():
        raise Rejected(Reason.WRONG_TYPE, f"`{path}` is no finite number")
    return exact, 0


def _json(value: msgspec.Raw, path: str) -> tuple[object, int]:
    text = bytes(value).decode()
    if "{" not in text and "[" not in text:
        return text, 0
    return text, _count_keys(msgspec.json.decode(text), path, JSON_DEPTH)


def _count_keys(value: object, path: str, depth: int) -> int:
    if not isinstance(value, dict | list):
        return 0
    if depth == 0:
        raise Rejected(Reason.TOO_DEEP, f"`{path}` is nested deeper than {JSON_DEPTH} levels")
    inner = value.values() if isinstance(value, dict) else value
    own = len(value) if isinstance(value, dict) else 0
    return own + sum(_count_keys(one, path, depth - 1) for one in inner)


_SCALAR_CONVERTERS: dict[Scalar, Converter] = {
    Scalar.TIMESTAMP: _instant,
    Scalar.DECIMAL: _decimal,
    Scalar.JSON: _json,
}
