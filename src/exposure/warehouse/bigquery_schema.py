"""A `Table` as BigQuery's REST API describes it; plain JSON, so no client library is needed.

Source of the form: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables. The client library
reads it with `Table.from_api_repr` and `SchemaField.from_api_repr`. Nothing is created here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from exposure.contracts.model import Column
from exposure.contracts.types import Array, LogicalType, Scalar
from exposure.warehouse.schema import Table

STANDARD_SQL_TYPES = {
    Scalar.STRING: "STRING",
    Scalar.INTEGER: "INT64",
    Scalar.NUMBER: "FLOAT64",
    # 29 digits before the point and 9 after it: exactly NUMERIC, so it needs no precision of its own.
    Scalar.DECIMAL: "NUMERIC",
    Scalar.BOOLEAN: "BOOL",
    Scalar.DATE: "DATE",
    Scalar.TIMESTAMP: "TIMESTAMP",
    Scalar.JSON: "JSON",
    Scalar.BYTES: "BYTES",
}
# The REST API answers with the names of legacy SQL: so what is declared equals what is read back.
_REST_TYPES = STANDARD_SQL_TYPES | {
    Scalar.INTEGER: "INTEGER",
    Scalar.NUMBER: "FLOAT",
    Scalar.BOOLEAN: "BOOLEAN",
}

# The Storage API's name for one of them is its own.
_STORAGE_TYPES = STANDARD_SQL_TYPES | {Scalar.NUMBER: "DOUBLE"}


def table_resource(table: Table, project: str) -> dict[str, Any]:
    """Return the table's resource: reference, schema, partitioning, clustering and expiry."""
    partitioning = {"type": "DAY", "field": table.partitioned_by}
    if table.retention is not None:
        partitioning["expirationMs"] = str(table.retention // timedelta(milliseconds=1))
    resource: dict[str, Any] = {
        "tableReference": {"projectId": project, "datasetId": table.dataset, "tableId": table.name},
        "description": table.description,
        "schema": {"fields": schema_fields(table.columns)},
        "timePartitioning": partitioning,
    }
    if table.clustered_by:
        resource["clustering"] = {"fields": list(table.clustered_by)}
    return resource


def schema_fields(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return the columns as the list of fields that `bq` and Terraform call a JSON schema."""
    return [_field(column) for column in columns]


def storage_type(column: Column) -> tuple[str, bool]:
    """Return the name the Storage API has for the column's type, and whether it is repeated."""
    is_repeated = isinstance(column.type, Array)
    element = column.type.of if isinstance(column.type, Array) else column.type
    return (_STORAGE_TYPES[element] if isinstance(element, Scalar) else "STRUCT"), is_repeated


def _field(column: Column) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "type": _type(column.type), "mode": _mode(column)}
    if column.description:
        field["description"] = column.description
    element = column.type.of if isinstance(column.type, Array) else column.type
    if not isinstance(element, Scalar):
        field["fields"] = schema_fields(element.fields)
    return field


def _type(logical_type: LogicalType) -> str:
    if isinstance(logical_type, Array):
        return _type(logical_type.of)
    return _REST_TYPES[logical_type] if isinstance(logical_type, Scalar) else "RECORD"


def _mode(column: Column) -> str:
    if isinstance(column.type, Array):
        return "REPEATED"
    return "NULLABLE" if column.nullable else "REQUIRED"
