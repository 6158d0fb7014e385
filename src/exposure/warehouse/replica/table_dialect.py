"""The statements that fill a replica's table in DuckDB; values are bound or come as Arrow."""

from __future__ import annotations

from dataclasses import dataclass

from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.replica.narrow_columns import PARTS, NarrowColumns
from exposure.warehouse.schema import Table

_LEAST_LARGE = 2**31 // PARTS


@dataclass(frozen=True)
class TableDialect(DuckDBDialect):
    """DuckDB's SQL over a table without a key of its own: an index of a million keys would only cost."""

    def create_schema(self, table: Table) -> str:
        """Return the statement that makes room for the table."""
        return f"CREATE SCHEMA {self.identifier(table.dataset)}"

    def has_more_texts(self, source: str, name: str, most: int) -> str:
        """Return the question whether a column has more different texts than that."""
        column = self.identifier(name)
        return f"SELECT count(*) > {most} FROM (SELECT DISTINCT {column} FROM {source} LIMIT {most + 1})"

    def create_numbers(self, source: str, name: str, number: str) -> str:
        """Return the statement that numbers the texts of a column in their order, as a type of that name."""
        column = self.identifier(name)
        texts = f"SELECT DISTINCT {column} FROM {source} WHERE {column} IS NOT NULL ORDER BY 1"
        return f"CREATE TYPE {self.identifier(number)} AS ENUM ({texts})"

    def fits_parts(self, source: str, name: str) -> str:
        """Return the question whether four bytes of 1024ths hold each number of a column."""
        column = self.identifier(name)
        fits = f"{column} * {PARTS} = floor({column} * {PARTS}) AND abs({column}) < {_LEAST_LARGE}"
        return f"SELECT coalesce(bool_and({fits}), TRUE) FROM {source}"

    def create_from(self, table: Table, source: str, narrow: NarrowColumns) -> str:
        """Return the statement that makes the table of what is registered as `source`, in its order."""
        return f"CREATE TABLE {self.path(table)} AS {self._rows(table, source, narrow)}"

    def insert_from(self, table: Table, source: str, narrow: NarrowColumns) -> str:
        """Return the statement that puts the rows of `source` behind the others."""
        return f"INSERT INTO {self.path(table)} {self._rows(table, source, narrow)}"

    def delete(self, table: Table) -> str:
        """Return the statement that takes the rows of `$keys` out."""
        return f"DELETE FROM {self.path(table)} WHERE {self.member(self.identifier(table.key), '$keys')}"

    def plain_size(self, source: str, name: str) -> str:
        """Return the question whether a column's numbers are plain, and for the sum of their sizes."""
        column = self.identifier(name)
        whole = f"{column} * 1024 = floor({column} * 1024)"
        plain = f"isfinite({column}) AND {whole} AND NOT ({column} = 0 AND signbit({column}))"
        return f"SELECT coalesce(bool_and({plain}), TRUE), coalesce(sum(abs({column})), 0.0) FROM {source}"

    def _rows(self, table: Table, source: str, narrow: NarrowColumns) -> str:
        """Return the rows with their narrow columns; a text without a number is an error."""
        names = [self.identifier(column.name) for column in table.columns]
        texts = [
            f"CAST({self.identifier(name)} AS {self.identifier(number)}) AS {self.identifier(number)}"
            for name, number in narrow.texts.items()
        ]
        numbers = [
            f"TRY_CAST({self._parts(name)} AS INTEGER) AS {self.identifier(parts)}"
            for name, parts in narrow.numbers.items()
        ]
        return f"SELECT {', '.join([*names, *texts, *numbers])} FROM {source}"

    def _parts(self, name: str) -> str:
        parts = f"{self.identifier(name)} * {PARTS}"
        # A part of a part would be rounded off.
        return f"CASE WHEN {parts} = floor({parts}) THEN {parts} END"
