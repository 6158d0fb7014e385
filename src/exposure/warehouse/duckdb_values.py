"""Values on their way into and out of DuckDB, which keeps instants without their zone, always in UTC.

DuckDB's zoned timestamps would follow the machine's time zone where they are nested in structs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa

from exposure.contracts.model import Column
from exposure.contracts.types import Array, LogicalType, Object, Scalar
from exposure.query.model import Row
from exposure.warehouse.arrow import arrow_schema

# By way of the epoch, because datetime.replace(tzinfo=...) takes ten times as long.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)


def unzoned_schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the Arrow schema of rows with these columns, as DuckDB takes them.

    Every field may hold NULL in it: the table refuses a row that lacks a value, not the conversion.
    """
    return pa.schema([_unzoned(field) for field in arrow_schema(columns)])


def bindable(value: object) -> object:
    """Return a parameter's value as DuckDB binds it."""
    if isinstance(value, tuple):
        return [bindable(one) for one in value]
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def in_utc(columns: Sequence[Column], rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows with their instants' zone given back."""
    naive = [index for index, column in enumerate(columns) if _holds_instants(column.type)]
    if not naive or not rows:
        return rows
    # Column by column: a call per value would cost more than the warehouse's answer.
    values = list(zip(*rows, strict=True))
    for index in naive:
        if columns[index].type is Scalar.TIMESTAMP:
            values[index] = tuple(
                [None if value is None else _EPOCH + (value - _NAIVE_EPOCH) for value in values[index]]
            )
        else:
            values[index] = tuple(map(_aware, values[index]))
    return list(zip(*values, strict=True))


def _unzoned(field: pa.Field) -> pa.Field:
    return pa.field(field.name, _unzoned_type(field.type), nullable=True)


def _unzoned_type(physical: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(physical):
        return pa.timestamp("us")
    if pa.types.is_list(physical):
        return pa.list_(_unzoned(physical.value_field))
    if pa.types.is_struct(physical):
        return pa.struct([_unzoned(field) for field in physical])
    return physical


def _holds_instants(logical_type: LogicalType) -> bool:
    if isinstance(logical_type, Array):
        return _holds_instants(logical_type.of)
    if isinstance(logical_type, Object):
        return any(_holds_instants(field.type) for field in logical_type.fields)
    return logical_type is Scalar.TIMESTAMP


def _aware(value: object) -> object:
    if isinstance(value, datetime):
        return _EPOCH + (value - _NAIVE_EPOCH)
    if isinstance(value, dict):
        return {name: _aware(one) for name, one in value.items()}
    return [_aware(one) for one in value] if isinstance(value, list) else value
