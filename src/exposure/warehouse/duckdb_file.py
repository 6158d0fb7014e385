"""The file of the embedded warehouse: opened by one process, its tables kept in step with the contracts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from exposure.contracts.types import Array
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.schema import Table

_DIALECT = DuckDBDialect()


def open_duckdb(path: Path | None, tables: Sequence[Table]) -> duckdb.DuckDBPyConnection:
    """Open the file (None: in memory), create the tables that are missing and add new nullable columns.

    Raises WarehouseUnavailable when another process has the file, WarehouseMisconfigured when it is no
    DuckDB file or when a table differs from its description in any other way.
    """
    connection = _connect(path)
    for table in tables:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_DIALECT.identifier(table.dataset)}")
        connection.execute(_DIALECT.create(table))
        _follow(connection, table)
    return connection


def _connect(path: Path | None) -> duckdb.DuckDBPyConnection:
    if path is None:
        return duckdb.connect(":memory:")
    try:
        return duckdb.connect(str(path))
    except duckdb.IOException as error:
        if "lock" in str(error):
            raise WarehouseUnavailable(f"{path} is in use by another process") from error
        raise WarehouseMisconfigured(f"{path} cannot be opened as a DuckDB file: {error}") from error


def _follow(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Add the columns the contract has gained; refuse every other difference."""
    stored = _stored_types(connection, table)
    with duckdb.connect(":memory:") as blank:
        blank.execute(f"CREATE SCHEMA {_DIALECT.identifier(table.dataset)}")
        blank.execute(_DIALECT.create(table))
        declared = _stored_types(blank, table)
    for column in table.columns:
        if column.name not in stored and (column.nullable or isinstance(column.type, Array)):
            default = " DEFAULT []" if isinstance(column.type, Array) else ""
            connection.execute(
                f"ALTER TABLE {_DIALECT.path(table)} ADD COLUMN {_DIALECT.identifier(column.name)} "
                f"{_DIALECT.type(column.type)}{default}"
            )
        elif stored.get(column.name) != declared[column.name]:
            raise WarehouseMisconfigured(
                f"table {table.dataset}.{table.name}: column '{column.name}' is "
                f"{stored.get(column.name, 'missing')}, the contract says {declared[column.name]}"
            )


def _stored_types(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, str]:
    catalog = "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = $dataset"
    names = {"dataset": table.dataset, "name": table.name}
    return dict(connection.execute(f"{catalog} AND table_name = $name", names).fetchall())
