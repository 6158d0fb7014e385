"""Where a table of BigQuery is not as its contract declares it, told before the first append and by name.

Compared is what decides whether rows can be stored: columns, their types, and what must have a value. How the
table is partitioned and clustered the Write API does not tell; `pulumi preview` does. Nothing is mended here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from google.cloud.bigquery_storage_v1.types import table as table_types

from exposure.contracts.model import Column
from exposure.contracts.types import Array, Object
from exposure.warehouse.bigquery_schema import storage_type
from exposure.warehouse.schema import Table

_MODES = table_types.TableFieldSchema.Mode


def differences(table: Table, fields: Sequence[Any]) -> tuple[str, ...]:
    """Return a phrase for each difference of the fields of the table found; none when they are not told."""
    return tuple(_differences(table.columns, fields, "")) if fields else ()


def _differences(columns: Iterable[Column], fields: Iterable[Any], prefix: str) -> Iterator[str]:
    # BigQuery's names have no case.
    found = {field.name.lower(): field for field in fields}
    for column in columns:
        field = found.pop(column.name.lower(), None)
        if field is None:
            yield f"lacks the column {prefix}{column.name}"
        else:
            yield from _of_column(column, field, f"{prefix}{column.name}")
    for field in found.values():
        if field.mode is _MODES.REQUIRED:
            yield f"requires {prefix}{field.name}, which no row has"


def _of_column(column: Column, field: Any, name: str) -> Iterator[str]:
    kind, is_repeated = storage_type(column)
    if field.type_ and (field.type_.name, field.mode is _MODES.REPEATED) != (kind, is_repeated):
        wanted = f"REPEATED {kind}" if is_repeated else kind
        yield f"has {name} as {field.mode.name} {field.type_.name}, not {wanted}"
    elif field.mode is _MODES.REQUIRED and column.nullable:
        # The other way round every row fits, and a column can be relaxed before its contract is.
        yield f"requires {name}, which may be null"
    element = column.type.of if isinstance(column.type, Array) else column.type
    if isinstance(element, Object) and field.fields:
        yield from _differences(element.fields, field.fields, f"{name}.")
