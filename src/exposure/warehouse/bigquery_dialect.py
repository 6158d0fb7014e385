"""GoogleSQL as the compiler writes it: https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exposure.contracts.model import INGEST_TIME, MESSAGE_ID, Column
from exposure.contracts.types import Scalar
from exposure.warehouse.schema import Table


@dataclass(frozen=True)
class BigQueryDialect:
    """GoogleSQL on the tables of one project."""

    project: str

    def identifier(self, name: str) -> str:
        """Return the name in backticks; inside them GoogleSQL reads the escapes of string literals."""
        escaped = name.replace("\\", "\\\\").replace("`", "\\`")
        return f"`{escaped}`"

    def placeholder(self, name: str) -> str:
        """Return `@name`."""
        return f"@{name}"

    def member(self, column: str, placeholder: str) -> str:
        """Return a membership whose text is the same for any number of values."""
        return f"{column} IN UNNEST({placeholder})"

    def output(self, column: Column) -> str:
        """Return the column; JSON as its text, which the client library would otherwise parse."""
        name = self.identifier(column.name)
        if column.type is not Scalar.JSON:
            return name
        # TO_JSON_STRING makes the text "null" of a missing value and of the JSON value null alike.
        return f"IF({name} IS NULL, NULL, TO_JSON_STRING({name}))"

    def one_row_per_key(self, table: Table, columns: Sequence[Column], inner: str) -> str:
        """Return a subquery: appends happen at least once, so the table may hold a key several times."""
        names = ", ".join(self.identifier(column.name) for column in columns)
        first = ", ".join(self.identifier(column.name) for column in (INGEST_TIME, MESSAGE_ID))
        window = f"PARTITION BY {self.identifier(table.key)} ORDER BY {first}"
        # QUALIFY must stand beside a WHERE, GROUP BY or HAVING clause.
        return (
            f"(\n  SELECT {names}\n  FROM {self.path(table)}\n  WHERE {inner or 'TRUE'}\n"
            f"  QUALIFY ROW_NUMBER() OVER ({window}) = 1\n)"
        )

    def path(self, table: Table) -> str:
        """Return the table's full name."""
        return ".".join(self.identifier(part) for part in (self.project, table.dataset, table.name))
