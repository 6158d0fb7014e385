"""DuckDB's SQL as the compiler writes it, and the tables of the embedded warehouse."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exposure.contracts.model import Column
from exposure.contracts.types import DECIMAL_PRECISION, DECIMAL_SCALE, Array, LogicalType, Scalar
from exposure.query.model import Operator, Order, Snapshot
from exposure.warehouse.bindings import Bindings
from exposure.warehouse.predicates import WRITTEN, order_item
from exposure.warehouse.schema import Table

SNAPSHOT_ROWS = "snapshot_rows"
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
_TEXT_MATCHES = {
    Operator.PREFIX: "starts_with({}, {})",
    Operator.CONTAINS: "contains({}, {})",
    Operator.ICONTAINS: "contains(lower({}), lower({}))",
    Operator.LIKE: "regexp_full_match({}, {})",
    Operator.MATCH: "regexp_full_match({}, {})",
}
_ELEMENT = '"_e"'
_PARTS = re.compile(r"\\(.)|(%+)|(_)|([^\\%_]+)", re.DOTALL)


@dataclass(frozen=True)
class DuckDBDialect:
    """DuckDB's SQL; a dataset is a schema of the one file."""

    def identifier(self, name: str) -> str:
        """Return the name in double quotes."""
        return '"' + name.replace('"', '""') + '"'

    def placeholder(self, name: str) -> str:
        """Return `$name`."""
        return f"${name}"

    def member(self, operand: str, placeholder: str) -> str:
        """Return a membership whose text is the same for any number of values."""
        return f"{operand} = ANY({placeholder})"

    def comparison(self, scalar: Scalar, operand: str, operator: str, placeholder: str) -> str:
        """Return the comparison; to DuckDB alone NaN is greater than every value."""
        compared = f"{operand} {operator} {placeholder}"
        is_above = scalar is Scalar.NUMBER and operator in (">", ">=")
        return f"({compared} AND NOT {self.is_nan(operand)})" if is_above else compared

    def text_match(self, operator: Operator, operand: str, placeholder: str) -> str:
        """Return the condition; LIKE as a regular expression, which takes linear time.

        DuckDB's LIKE tries every split of a text at every %, and so does what it makes of
        `regexp_matches`. In lower case its letters stay single: of İ GoogleSQL makes two.
        """
        return _TEXT_MATCHES[operator].format(operand, placeholder)

    def pattern(self, operator: Operator, text: str) -> str:
        """Return the regular expression of the whole text: https://github.com/google/re2/wiki/Syntax."""
        if operator is Operator.MATCH:
            return f"(?s:.*)(?:{text})(?s:.*)"
        return f"(?s:{_PARTS.sub(_regular, text)})"

    def json_member(self, operand: str, path: Sequence[str], scalar: Scalar) -> str:
        """Return the member, which counts as of its type by how it is written; JSON itself as its text."""
        where = f"{operand}, '$.{'.'.join(path)}'"
        if scalar is Scalar.JSON:
            return f"json_extract({where})"
        text = (
            f"CASE WHEN json_type({where}) NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string({where}) END"
        )
        if scalar is Scalar.STRING:
            return f"({text})"
        value = f"TRY_CAST({text} AS {_SCALARS[scalar]})"
        if scalar is Scalar.TIMESTAMP:
            # Only the zoned type minds the offset.
            value = f"make_timestamp(epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)))"
        return f"(CASE WHEN regexp_full_match({text}, '{WRITTEN[scalar]}') THEN {value} END)"

    def has(self, array: str, value_of: Callable[[str], str], placeholder: str) -> str:
        """Return whether a list of comparisons has one that holds."""
        return self._any_element(array, f"{value_of(_ELEMENT)} = {placeholder}")

    def has_any(self, array: str, value_of: Callable[[str], str], placeholder: str) -> str:
        """Return the same of memberships; `= ANY` is a subquery, which no list is made of."""
        return self._any_element(array, f"list_contains({placeholder}, {value_of(_ELEMENT)})")

    def is_nan(self, operand: str) -> str:
        """Return `isnan`."""
        return f"isnan({operand})"

    def order(self, order: Order) -> str:
        """Return the sort item; to DuckDB alone NaN is the greatest number."""
        item = order_item(self, order)
        if order.column.type is not Scalar.NUMBER:
            return item
        nan = f"{self.is_nan(self.identifier(order.column.name))} {'ASC' if order.descending else 'DESC'}"
        return f"{nan} NULLS {'FIRST' if order.nulls_first else 'LAST'}, {item}"

    def output(self, column: Column) -> str:
        """Return the column itself."""
        return self.identifier(column.name)

    def stored(self, table: Table, snapshot: Snapshot | None, bindings: Bindings) -> str:
        """Return the table, up to the number of rows it held at the snapshot.

        One thread stores rows and none is ever deleted or changed, so rows are numbered in the order they
        were committed, without gaps, in memory and in the file: a later row has a greater number.
        """
        path = self.path(table)
        if snapshot is None:
            return path
        rows = self.placeholder(bindings.bind(Scalar.INTEGER, snapshot.rows, name=SNAPSHOT_ROWS))
        return f"(SELECT * FROM {path} WHERE rowid < {rows})"

    def count_stored(self, table: Table) -> str:
        """Return the statement of how many rows the table holds, by the number of its last one."""
        return f"SELECT coalesce(max(rowid) + 1, 0) FROM {self.path(table)}"

    def one_row_per_key(self, stored: str, table: Table, columns: Sequence[Column], inner: str) -> str:
        """Return the table: its primary key already keeps one row per key."""
        del table, columns
        return stored if not inner else f"(SELECT * FROM {stored} WHERE {inner})"

    def _any_element(self, array: str, condition: str) -> str:
        return f"coalesce(list_contains([{condition} FOR {_ELEMENT} IN {array}], TRUE), FALSE)"

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


def _regular(part: re.Match[str]) -> str:
    escaped, several, one, plain = part.groups()
    if several:
        return ".*"
    return "." if one else re.escape(escaped or plain)
