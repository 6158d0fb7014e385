"""GoogleSQL as the compiler writes it: https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC

from exposure.contracts.model import INGEST_TIME, MESSAGE_ID, Column
from exposure.contracts.types import Scalar
from exposure.query.model import Operator, Order, Snapshot
from exposure.warehouse.bigquery_schema import STANDARD_SQL_TYPES
from exposure.warehouse.bindings import Bindings
from exposure.warehouse.predicates import WRITTEN, order_item
from exposure.warehouse.schema import Table

_ELEMENT = "`_e`"
_TEXT_MATCHES = {
    Operator.PREFIX: "STARTS_WITH({}, {})",
    Operator.CONTAINS: "STRPOS({}, {}) > 0",
    Operator.ICONTAINS: "STRPOS(LOWER({}), LOWER({})) > 0",
    Operator.LIKE: "{} LIKE {}",
    Operator.MATCH: "REGEXP_CONTAINS({}, {})",
}


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

    def member(self, operand: str, placeholder: str) -> str:
        """Return a membership whose text is the same for any number of values."""
        return f"{operand} IN UNNEST({placeholder})"

    def comparison(self, scalar: Scalar, operand: str, operator: str, placeholder: str) -> str:
        """Return the comparison itself: NaN meets none but !=."""
        del scalar
        return f"{operand} {operator} {placeholder}"

    def text_match(self, operator: Operator, operand: str, placeholder: str) -> str:
        """Return the function of that meaning; a backslash escapes in LIKE without being told to."""
        return _TEXT_MATCHES[operator].format(operand, placeholder)

    def pattern(self, operator: Operator, text: str) -> str:
        """Return the pattern itself."""
        del operator
        return text

    def json_member(self, operand: str, path: Sequence[str], scalar: Scalar) -> str:
        """Return the member, which counts as of its type by how it is written; JSON itself as it is."""
        where = f"{operand}, '$.{'.'.join(path)}'"
        if scalar is Scalar.JSON:
            return f"JSON_QUERY({where})"
        text = f"JSON_VALUE({where})"
        if scalar is Scalar.STRING:
            return text
        written = f"REGEXP_CONTAINS({text}, r'^(?:{WRITTEN[scalar]})$')"
        return f"IF({written}, SAFE_CAST({text} AS {STANDARD_SQL_TYPES[scalar]}), NULL)"

    def has(self, array: str, value_of: Callable[[str], str], placeholder: str) -> str:
        """Return a subquery, which is FALSE of no array and of the empty one."""
        return self._any_element(array, f"{value_of(_ELEMENT)} = {placeholder}")

    def has_any(self, array: str, value_of: Callable[[str], str], placeholder: str) -> str:
        """Return the same of memberships."""
        return self._any_element(array, self.member(value_of(_ELEMENT), placeholder))

    def is_nan(self, operand: str) -> str:
        """Return `IS_NAN`."""
        return f"IS_NAN({operand})"

    def order(self, order: Order) -> str:
        """Return the sort item: NaN is the least number by itself."""
        return order_item(self, order)

    def output(self, column: Column) -> str:
        """Return the column; JSON as its text, which the client library would otherwise parse."""
        name = self.identifier(column.name)
        if column.type is not Scalar.JSON:
            return name
        # TO_JSON_STRING makes the text "null" of a missing value and of the JSON value null alike.
        return f"IF({name} IS NULL, NULL, TO_JSON_STRING({name}))"

    def stored(self, table: Table, snapshot: Snapshot | None, bindings: Bindings) -> str:
        """Return the table, as it was at the snapshot's instant.

        The clause takes a constant alone: the instant is of our own clock, never a caller's text.
        https://cloud.google.com/bigquery/docs/access-historical-data
        """
        del bindings
        if snapshot is None:
            return self.path(table)
        instant = snapshot.at.astimezone(UTC).isoformat(sep=" ", timespec="microseconds")
        return f"{self.path(table)} FOR SYSTEM_TIME AS OF TIMESTAMP '{instant}'"

    def one_row_per_key(self, stored: str, table: Table, columns: Sequence[Column], inner: str) -> str:
        """Return a subquery: appends happen at least once, so the table may hold a key several times."""
        names = ", ".join(self.identifier(column.name) for column in columns)
        # QUALIFY must stand beside a WHERE, GROUP BY or HAVING clause.
        return (
            f"(\n  SELECT {names}\n  FROM {stored}\n  WHERE {inner or 'TRUE'}\n"
            f"  QUALIFY {self.is_first_of(table.key)}\n)"
        )

    def is_first_of(self, *names: str) -> str:
        """Return the condition that a row is the one served of those that agree in these columns."""
        alike = ", ".join(map(self.identifier, names))
        first = ", ".join(self.identifier(column.name) for column in (INGEST_TIME, MESSAGE_ID))
        return f"ROW_NUMBER() OVER (PARTITION BY {alike} ORDER BY {first}) = 1"

    def _any_element(self, array: str, condition: str) -> str:
        return f"EXISTS (SELECT 1 FROM UNNEST({array}) AS {_ELEMENT} WHERE {condition})"

    def path(self, table: Table) -> str:
        """Return the table's full name."""
        return ".".join(self.identifier(part) for part in (self.project, table.dataset, table.name))
