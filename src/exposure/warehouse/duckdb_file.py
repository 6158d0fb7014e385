"""The file of the embedded warehouse: opened by one process, its tables kept in step with the contracts.

It neither reads nor writes rows: `DuckDBReader` and `DuckDBWriter` do, on cursors of the connection. Who
opens the file closes the connection, after both are closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from exposure.contracts.types import Array
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.port import SchemaDrifted, WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.schema import Table

_DIALECT = DuckDBDialect()
# Everything used is compiled in; nothing may be fetched from the network in the middle of a question.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {"autoinstall_known_extensions": False}


def open_duckdb(path: Path | None, tables: Sequence[Table]) -> duckdb.DuckDBPyConnection:
    """Open the file (None: in memory), create the tables that are missing and add new nullable columns.

    Raises WarehouseUnavailable when another process has the file; WarehouseMisconfigured when it is no
    DuckDB file; SchemaDrifted when a table differs from its description in any other way.
    """
    connection = _connect(path)
    try:
        for table in tables:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_DIALECT.identifier(table.dataset)}")
            connection.execute(_DIALECT.create(table))
            _follow(connection, table)
    except BaseException:
        connection.close()
        raise
    return connection


def open_memory() -> duckdb.DuckDBPyConnection:
    """Open an empty database in memory."""
    return duckdb.connect(":memory:", config=_CONFIG)


def _connect(path: Path | None) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(":memory:" if path is None else str(path), config=_CONFIG)
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            raise WarehouseUnavailable(f"{path} is in use by another process") from error
        raise WarehouseMisconfigured(f"{path} cannot be opened as a DuckDB file: {error}") from error


@dataclass(frozen=True)
class _Stored:
    """A column as DuckDB's catalog has it."""

    type: str
    nullable: bool


def _follow(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Add the columns the contract has gained; refuse every other difference."""
    _add_columns(connection, table)
    if differences := list(_differences(connection, table)):
        raise SchemaDrifted(
            f"table {table.dataset}.{table.name}: {'; '.join(differences)}; "
            "mend the contract or start a new file"
        )


def _differences(connection: duckdb.DuckDBPyConnection, table: Table) -> Iterator[str]:
    declared, stored = _declared_columns(table), _stored_columns(connection, table)
    for name in declared | stored:
        if declared.get(name) != stored.get(name):
            yield (
                f"column '{name}' is {_described(stored.get(name))} in the file and "
                f"{_described(declared.get(name))} in the contract"
            )
    if _stored_key(connection, table) != [table.key]:
        yield f"column '{table.key}' is the contract's key, not the file's"


def _add_columns(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Add what rows already stored can have a value for: NULL, or the empty array."""
    path, stored = _DIALECT.path(table), _stored_columns(connection, table)
    for column in table.columns:
        is_array = isinstance(column.type, Array)
        name, kind = _DIALECT.identifier(column.name), _DIALECT.type(column.type)
        if column.name not in stored and (is_array or column.nullable):
            connection.execute(f"ALTER TABLE {path} ADD COLUMN {name} {kind}")
        if is_array and (column.name not in stored or stored[column.name].nullable):
            # Neither a default, which of an array numbers the rows anew and fails from 2048 rows on, nor an
            # update, which moves them: a row's number tells what a page walk may see.
            connection.execute(f"ALTER TABLE {path} ALTER {name} TYPE {kind} USING coalesce({name}, [])")
            connection.execute(f"ALTER TABLE {path} ALTER {name} SET NOT NULL")


def _declared_columns(table: Table) -> dict[str, _Stored]:
    """Return the columns as the catalog would have them, which spells types in its own way."""
    with duckdb.connect(":memory:", config=_CONFIG) as blank:
        blank.execute(f"CREATE SCHEMA {_DIALECT.identifier(table.dataset)}")
        blank.execute(_DIALECT.create(table))
        return _stored_columns(blank, table)


def _stored_columns(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, _Stored]:
    found = connection.execute(
        "SELECT column_name, data_type, is_nullable FROM duckdb_columns() "
        "WHERE database_name = current_database() AND schema_name = $dataset AND table_name = $name",
        {"dataset": table.dataset, "name": table.name},
    )
    return {name: _Stored(data_type, nullable) for name, data_type, nullable in found.fetchall()}


def _stored_key(connection: duckdb.DuckDBPyConnection, table: Table) -> list[str]:
    found = connection.execute(
        "SELECT constraint_column_names FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY' "
        "AND database_name = current_database() AND schema_name = $dataset AND table_name = $name",
        {"dataset": table.dataset, "name": table.name},
    ).fetchone()
    return [] if found is None else list(found[0])


def _described(column: _Stored | None) -> str:
    if column is None:
        return "missing"
    return f"{column.type}{'' if column.nullable else ' NOT NULL'}"
