"""Rows as Arrow record batches: the one wire form both writers speak.

BigQuery's types for Arrow rows: https://cloud.google.com/bigquery/docs/supported-data-types. Validation
is not done here; a value of the wrong Python type raises pyarrow's own error.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from exposure.contracts.model import Column
from exposure.contracts.types import DECIMAL_PRECISION, DECIMAL_SCALE, Array, LogicalType, Scalar
from exposure.query.model import Row

_SCALARS: dict[Scalar, pa.DataType] = {
    Scalar.STRING: pa.utf8(),
    Scalar.INTEGER: pa.int64(),
    Scalar.NUMBER: pa.float64(),
    Scalar.DECIMAL: pa.decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
    Scalar.BOOLEAN: pa.bool_(),
    Scalar.DATE: pa.date32(),
    Scalar.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    Scalar.JSON: pa.utf8(),
    Scalar.BYTES: pa.binary(),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SINCE_EPOCH = pa.duration("us")


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the Arrow schema of rows with these columns."""
    return pa.schema([_field(column) for column in columns])


def readable_schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the Arrow schema rows with these columns are served in.

    Within objects every field may hold NULL: Arrow would look for a value inside an absent object too.
    """
    return pa.schema([field.with_type(_open_type(field.type)) for field in arrow_schema(columns)])


def readable_batch(schema: pa.Schema, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a warehouse's own batch, column by column, with the names and types of a readable schema.

    Instants without a zone are UTC. Raises pyarrow's own error for a value its type cannot hold.
    """
    arrays = [column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def record_batch(schema: pa.Schema, rows: Sequence[Row]) -> pa.RecordBatch:
    """Return the rows, each as long as the schema, as one batch."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    arrays = [_array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: Sequence[Any], physical: pa.DataType) -> pa.Array:
    """Return the values as an array; instants as durations since 1970, which takes a quarter of the time."""
    if pa.types.is_timestamp(physical) and physical.unit == "us":
        if _is_one(values):
            return pa.repeat(_array(values[:1], physical)[0], len(values))
        try:
            since = [value if value is None else value - _EPOCH for value in values]
        except TypeError:  # no instants with a zone, which pyarrow judges in its own words
            return pa.array(values, type=physical)
        return pa.array(since, type=_SINCE_EPOCH).view(physical)
    return pa.array(values, type=physical)


def _is_one(values: Sequence[Any]) -> bool:
    """Tell whether all are one value, as the moment of decoding is in a batch that was decoded together."""
    return len(values) > 1 and values[0] is values[-1] and values.count(values[0]) == len(values)


def _field(column: Column) -> pa.Field:
    return pa.field(column.name, _type(column.type), nullable=column.nullable)


def _type(logical_type: LogicalType) -> pa.DataType:
    if isinstance(logical_type, Scalar):
        return _SCALARS[logical_type]
    if isinstance(logical_type, Array):
        return pa.list_(_type(logical_type.of))
    return pa.struct([_field(field) for field in logical_type.fields])


def _open_type(physical: pa.DataType) -> pa.DataType:
    if pa.types.is_list(physical):
        return pa.list_(_open_type(physical.value_type))
    if pa.types.is_struct(physical):
        return pa.struct([pa.field(field.name, _open_type(field.type)) for field in physical])
    return physical
