"""A contract as an Avro schema of its rows, for files and consumers that speak Avro.

It is not attached to the topic: Avro's JSON form wants an optional value tagged with its type, so a topic
with this schema would refuse the plain JSON that producers publish.
Format: https://avro.apache.org/docs/1.12.0/specification/
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from exposure.contracts.model import Column, Contract
from exposure.contracts.types import DECIMAL_PRECISION, DECIMAL_SCALE, Array, LogicalType, Scalar

_NAMESPACE = "exposure"
_SCALARS: dict[Scalar, str | dict[str, Any]] = {
    Scalar.STRING: "string",
    Scalar.INTEGER: "long",
    Scalar.NUMBER: "double",
    Scalar.DECIMAL: {
        "type": "bytes",
        "logicalType": "decimal",
        "precision": DECIMAL_PRECISION,
        "scale": DECIMAL_SCALE,
    },
    Scalar.BOOLEAN: "boolean",
    Scalar.DATE: {"type": "int", "logicalType": "date"},
    Scalar.TIMESTAMP: {"type": "long", "logicalType": "timestamp-micros"},
    # Avro has no JSON; BigQuery marks its text this way when it exports and reads it back as JSON.
    Scalar.JSON: {"type": "string", "sqlType": "JSON"},
    Scalar.BYTES: "bytes",
}


def row_schema(contract: Contract) -> dict[str, Any]:
    """Return the Avro schema of a row's declared columns."""
    note = "Describes rows; not attached to the topic, whose messages are plain JSON."
    return _record(_NAMESPACE, contract.name, contract.columns) | {"doc": f"{contract.description} {note}"}


def _record(namespace: str, name: str, columns: Sequence[Column]) -> dict[str, Any]:
    # A record's full name must be unique in the whole schema: its namespace is the path that leads to it.
    path = f"{namespace}.{name}"
    fields = [_field(path, column) for column in columns]
    return {"type": "record", "namespace": namespace, "name": name, "fields": fields}


def _field(path: str, column: Column) -> dict[str, Any]:
    kind = _type(path, column.name, column.type)
    field: dict[str, Any] = {"name": column.name, "type": kind}
    if column.nullable:
        # A default must be of the union's first branch.
        field |= {"type": ["null", kind], "default": None}
    elif isinstance(column.type, Array):
        field["default"] = []
    if column.description:
        field["doc"] = column.description
    return field


def _type(path: str, name: str, logical_type: LogicalType) -> str | dict[str, Any]:
    if isinstance(logical_type, Scalar):
        scalar = _SCALARS[logical_type]
        return scalar if isinstance(scalar, str) else dict(scalar)
    if isinstance(logical_type, Array):
        return {"type": "array", "items": _type(path, name, logical_type.of)}
    return _record(path, name, logical_type.fields)
