"""DuckDB's SQL as the compiler writes it, and the tables of the embedded warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exposure.contracts.model import Column
from exposure.contracts.types import DECIMAL_PRECISION, DECIMAL_SCALE, Array, LogicalType, Scalar
from exposure.warehouse.schema import Table

_SCALARS = {
    Scalar.STRING: "VARCHAR",
    Scalar.INTEGER: "BIGINT",
    Scalar.NUMBER: "DOUBLE",
    Scalar.DECIMAL: f"DECIMAL({DECIMAL_PRECISION},{DECIMAL_SCALE})",
    Scalar.BOOLEAN: "BOOLEAN",
    Scalar.DATE: "DATE",
    # Without time zone and always UTC: DuckDB's TIMESTAMPTZ needs pytz to reach Python.
    Scalar.TIMESTAMP: "TIMESTAMP",
    Scalar.JSON: "JSON",
    Scalar.BYTES: "BLOB",
}


@dataclass(frozen=True)
class DuckDBDialect:
    """DuckDB's SQL; a dataset is a schema of the one file."""

    def identifier(self, name: str) -> str:
        """Return the name in double quotes."""
        return '"' + name.replace('"', '""') + '"'

    def placeholder(self, name: str) -> str:
        """Return `$name`."""
        return f"${name}"

    def member(self, column: str, placeholder: str) -> str:
        """Return a membership whose text is the same for any number of values."""
        return f"{column} = ANY({placeholder})"

    def output(self, column: Column) -> str:
        """Return the column itself."""
        return self.identifier(column.name)

    def one_row_per_key(self, table: Table, columns: Sequence[Column], inner: str) -> str:
        """Return the table: its primary key already keeps one row per key."""
        del columns
        path = self.path(table)
        return path if not inner else f"(SELECT * FROM {path} WHERE {inner})"

    def path(self, table: Table) -> str:
        """Return the table's full name."""
        return f"{self.identifier(table.dataset)}.{self.identifier(table.name)}"

    def create(self, table: Table) -> str:
        """Return the statement that creates the table, one row per key, if it is not there."""
        columns = [
            f"{self.identifier(column.name)} {self.type(column.type)}{'' if column.nullable else ' NOT NULL'}"
            for column in table.columns
        ]
        columns.append(f"PRIMARY KEY ({self.identifier(table.key)})")
        return f"CREATE TABLE IF NOT EXISTS {self.path(table)} (\n  " + ",\n  ".join(columns) + "\n)"

    def insert(self, table: Table, source: str) -> str:
        """Return the statement that stores the rows of `source`.

        The first row stored under a key stays: what has been served never changes.
        """
        names = ", ".join(self.identifier(column.name) for column in table.columns)
        return f"INSERT INTO {self.path(table)} ({names}) SELECT {names} FROM {source} ON CONFLICT DO NOTHING"

    def type(self, logical_type: LogicalType) -> str:
        """Return the physical type of a logical type."""
        if isinstance(logical_type, Scalar):
            return _SCALARS[logical_type]
        if isinstance(logical_type, Array):
            return f"{self.type(logical_type.of)}[]"
        fields = (f"{self.identifier(field.name)} {self.type(field.type)}" for field in logical_type.fields)
        return f"STRUCT({', '.join(fields)})"
