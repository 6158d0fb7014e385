"""How GoogleSQL computes groups and measures.

Functions: https://cloud.google.com/bigquery/docs/reference/standard-sql/aggregate_functions. Most of them
mean here what `exposure.query.aggregate` says; the exceptions have their comment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exposure.contracts.model import Column
from exposure.contracts.types import Scalar
from exposure.query.aggregate import Function, Group, Measure, Unit, WeekStart
from exposure.warehouse.bigquery_dialect import BigQueryDialect
from exposure.warehouse.schema import Table

_FUNCTIONS = {
    Function.COUNT: "COUNT({})",
    Function.DISTINCT: "COUNT(DISTINCT {})",
    Function.APPROX_DISTINCT: "APPROX_COUNT_DISTINCT({})",
    Function.SUM: "SUM({})",
    Function.AVG: "AVG({})",
    Function.MIN: "MIN({})",
    Function.MAX: "MAX({})",
}


@dataclass(frozen=True)
class BigQueryAggregateDialect:
    """GoogleSQL over the rows of one project."""

    rows: BigQueryDialect

    def bucket(self, group: Group, column: str, timezone: str | None) -> str:
        """Return a date by the zone's calendar, or an instant cut by the zone's offset."""
        zone = "" if timezone is None else f", {timezone}"
        if group.unit is Unit.MINUTE:
            return f"TIMESTAMP_TRUNC({column}, MINUTE)"
        if group.unit is Unit.HOUR:
            return f"TIMESTAMP_TRUNC({column}, HOUR{zone})"
        day = f"DATE({column}{zone})" if group.is_zoned else column
        if group.unit is Unit.WEEK:
            # DAYOFWEEK is 1 on Sundays.
            shift = 6 if group.week_start is WeekStart.SUNDAY else 5
            return f"DATE_SUB({day}, INTERVAL MOD(EXTRACT(DAYOFWEEK FROM {day}) + {shift}, 7) DAY)"
        # The cast changes nothing of a date; sqlglot, which emulators are made of, makes it an instant.
        return (
            day if group.unit is Unit.DAY else f"CAST(DATE_TRUNC({day}, {str(group.unit).upper()}) AS DATE)"
        )

    def measure(self, measure: Measure, column: str) -> str:
        """Return the function of that name; percentiles only exist as approximations that take all rows."""
        if measure.function is not Function.PERCENTILE:
            return _FUNCTIONS[measure.function].format(column)
        # NaN would be the least of all values.
        values = f"IF(IS_NAN({column}), NULL, {column})" if measure.type is Scalar.NUMBER else column
        return f"APPROX_QUANTILES({values}, 100)[OFFSET({measure.percentile})]"

    def numbers(self, count: int, name: str) -> str:
        """Return an array as rows."""
        return f"UNNEST(GENERATE_ARRAY(0, {count - 1})) AS {name}"


@dataclass(frozen=True)
class BigQueryStoredDialect(BigQueryDialect):
    """GoogleSQL on the rows as they are stored, a key's several times if it is: for estimates alone."""

    def one_row_per_key(self, stored: str, table: Table, columns: Sequence[Column], inner: str) -> str:
        """Return a subquery that chooses nothing."""
        del table
        names = ", ".join(self.identifier(column.name) for column in columns)
        return f"(\n  SELECT {names}\n  FROM {stored}\n  WHERE {inner or 'TRUE'}\n)"
