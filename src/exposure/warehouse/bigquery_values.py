"""Values on their way into and out of BigQuery's query API."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, cast

from google.cloud.bigquery import ArrayQueryParameter, Row, ScalarQueryParameter

from exposure.contracts.model import Column
from exposure.contracts.types import Array, LogicalType, Scalar
from exposure.warehouse.bigquery_schema import STANDARD_SQL_TYPES
from exposure.warehouse.bindings import Parameter

Converter = Callable[[Any], object]
QueryParameter = ScalarQueryParameter | ArrayQueryParameter


def query_parameter(one: Parameter) -> QueryParameter:
    """Return the parameter with its type spelt out: the library's guesses differ for dates and decimals."""
    physical, value = STANDARD_SQL_TYPES[one.type], cast("Any", one.value)
    if one.is_array:
        return ArrayQueryParameter(one.name, physical, list(value))
    return ScalarQueryParameter(one.name, physical, value)


def row_values(row: Row, converts: Sequence[Converter | None]) -> tuple[object, ...]:
    """Return a row of the library's as a row of ours."""
    # By index: Row.values() copies deeply what nobody else holds.
    return tuple(
        row[index] if convert is None else convert(row[index]) for index, convert in enumerate(converts)
    )


def converters(columns: Sequence[Column]) -> tuple[Converter | None, ...]:
    """Return, for each column, what makes its value of the library's; None where they are the same.

    Top-level JSON is asked for as text; JSON within objects and arrays arrives parsed.
    """
    return tuple(None if column.type is Scalar.JSON else _converter(column.type) for column in columns)


def _converter(logical_type: LogicalType) -> Converter | None:
    if isinstance(logical_type, Scalar):
        return _json_text if logical_type is Scalar.JSON else None
    if isinstance(logical_type, Array):
        return _each(_converter(logical_type.of))
    fields = {field.name: _converter(field.type) for field in logical_type.fields}
    return _object({name: convert for name, convert in fields.items() if convert is not None})


def _json_text(value: Any) -> object:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _each(convert: Converter | None) -> Converter | None:
    return None if convert is None else lambda values: [convert(value) for value in values]


def _object(fields: dict[str, Converter]) -> Converter | None:
    if not fields:
        return None

    def convert(value: Any) -> object:
        return None if value is None else value | {name: fields[name](value[name]) for name in fields}

    return convert
