"""The logical types a column can have. Pure: no warehouse, no wire format, no third party.

Each adapter (JSON decoder, Arrow, BigQuery, DuckDB, JSON Schema, ODCS, Avro) maps these types itself;
none of those mappings lives here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exposure.contracts.model import Column


class Scalar(StrEnum):
    """A type with one value per cell.

    | member    | Python value                             | range                                 |
    |-----------|------------------------------------------|---------------------------------------|
    | STRING    | str without NUL and lone surrogates      | any length a row can hold             |
    | INTEGER   | int                                      | -2^63 .. 2^63-1                       |
    | NUMBER    | float, never NaN or infinite             | IEEE 754 double                       |
    | DECIMAL   | decimal.Decimal, exact                   | 29 digits before, 9 after the point   |
    | BOOLEAN   | bool                                     |                                       |
    | DATE      | datetime.date                            | 0001-01-01 .. 9999-12-31              |
    | TIMESTAMP | datetime.datetime, aware, UTC            | microseconds, years 1 .. 9999         |
    | JSON      | str: the text of one JSON value          | nesting of 500 at most                |
    | BYTES     | bytes; only in the platform's own tables | JSON has no bytes to publish          |
    """

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    JSON = "json"
    BYTES = "bytes"


@dataclass(frozen=True)
class Object:
    """A nested record with named fields; its Python value is a dict with every field present."""

    fields: tuple[Column, ...]


@dataclass(frozen=True)
class Array:
    """A list without NULL elements; its Python value is a list, and the absent list is the empty one.

    BigQuery stores no NULL array and no array of arrays, so neither exists here.
    """

    of: Scalar | Object


LogicalType = Scalar | Object | Array

DECIMAL_PRECISION = 38
DECIMAL_SCALE = 9
JSON_DEPTH = 500
# A key stands in URLs and page tokens, which have to stay short whatever script it is written in.
KEY_CHARACTERS = 256
INTEGER_MIN = -(2**63)
INTEGER_MAX = 2**63 - 1


def describe(logical_type: LogicalType) -> str:
    """Return the type as a person writes it: `string`, `array of object`, `object`."""
    if isinstance(logical_type, Scalar):
        return logical_type.value
    if isinstance(logical_type, Array):
        return f"array of {describe(logical_type.of)}"
    return "object"
