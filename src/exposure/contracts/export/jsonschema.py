"""A contract as JSON Schema 2020-12: of the messages producers publish, and of the rows readers get.

They differ: a message may leave out what is nullable, may write a decimal as a number and may hold
undeclared fields, which are kept; a row has every column, and decimals are strings. Whatever the schema of
messages accepts, ingest stores, up to the limits its `$comment` names.
Format: https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from exposure.contracts.model import Column, Contract
from exposure.contracts.types import (
    DECIMAL_PRECISION,
    DECIMAL_SCALE,
    INTEGER_MAX,
    INTEGER_MIN,
    JSON_DEPTH,
    KEY_CHARACTERS,
    Array,
    LogicalType,
    Object,
    Scalar,
)

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_WHOLE_DIGITS = DECIMAL_PRECISION - DECIMAL_SCALE
# Not \d, which is any script's digit to some validators.
_DECIMAL = rf"^-?[0-9]{{1,{_WHOLE_DIGITS}}}(\.[0-9]{{1,{DECIMAL_SCALE}}})?$"
_WITHIN = {"exclusiveMinimum": -(10**_WHOLE_DIGITS), "exclusiveMaximum": 10**_WHOLE_DIGITS}
_SCALARS: dict[Scalar, Schema] = {
    Scalar.STRING: {"type": "string"},
    Scalar.INTEGER: {"type": "integer", "format": "int64", "minimum": INTEGER_MIN, "maximum": INTEGER_MAX},
    Scalar.NUMBER: {"type": "number", "format": "double"},
    Scalar.DECIMAL: {"type": "string", "format": "decimal", "pattern": _DECIMAL},
    Scalar.BOOLEAN: {"type": "boolean"},
    Scalar.DATE: {"type": "string", "format": "date"},
    Scalar.TIMESTAMP: {"type": "string", "format": "date-time"},
    Scalar.JSON: {},
}
_COMMENT = (
    "What this vocabulary cannot say: no string holds NUL (U+0000) or half of a surrogate pair; no field is "
    "given twice; an integer is written without fraction and exponent; a decimal given as a number has at "
    f"most {DECIMAL_SCALE} digits after the point; JSON nests {JSON_DEPTH} levels at most; the event time is "
    "between 10 years past and 1 year ahead of its arrival. Fields not listed are kept in the column _extra."
)


def message_schema(contract: Contract) -> Schema:
    """Return the schema of a message as a producer publishes it."""
    schema: Schema = {
        "$schema": DIALECT,
        "$id": f"urn:exposure:{contract.name}:{contract.version}",
        "title": contract.name,
        "description": contract.description,
        "$comment": _COMMENT,
    }
    schema |= _object(contract.columns, published=True)
    if contract.key_column.type is Scalar.STRING:
        schema["properties"] = _with_bounded_key(schema["properties"], contract.key)
    return schema


def row_schema(columns: Sequence[Column]) -> Schema:
    """Return the schema of a row as the API answers it with these columns."""
    return _object(columns, published=False) | {"additionalProperties": False}


def scalar_schema(scalar: Scalar) -> Schema:
    """Return the schema of one value."""
    return dict(_SCALARS[scalar])


def _with_bounded_key(properties: Any, key: str) -> Schema:
    return {**properties, key: {**properties[key], "minLength": 1, "maxLength": KEY_CHARACTERS}}


def _object(columns: Sequence[Column], *, published: bool) -> Schema:
    required = [column.name for column in columns if not (published and _may_be_absent(column))]
    properties = {column.name: _column(column, published=published) for column in columns}
    schema: Schema = {"type": "object", "properties": properties}
    if published:
        schema["additionalProperties"] = True
    return schema | ({"required": required} if required else {})


def _may_be_absent(column: Column) -> bool:
    return column.nullable or isinstance(column.type, Array)


def _column(column: Column, *, published: bool) -> Schema:
    schema = _type(column.type, published=published)
    may_be_null = column.nullable or (published and isinstance(column.type, Array))
    if may_be_null and "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        schema["type"] = [*kinds, "null"]
    if column.description:
        schema["description"] = column.description
    if column.example is not None:
        schema["examples"] = [column.example]
    return schema


def _type(logical_type: LogicalType, *, published: bool) -> Schema:
    if isinstance(logical_type, Object):
        return _object(logical_type.fields, published=published)
    if isinstance(logical_type, Array):
        return {"type": "array", "items": _type(logical_type.of, published=published)}
    schema = scalar_schema(logical_type)
    if published and logical_type is Scalar.DECIMAL:
        schema |= {"type": ["string", "number"], **_WITHIN}
    return schema
