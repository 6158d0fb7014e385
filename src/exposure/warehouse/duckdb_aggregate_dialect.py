"""How DuckDB computes groups and measures so that it answers as GoogleSQL does.

Where its own functions differ:

- the sum of integers is wider than 64 bits, in GoogleSQL an error: the reader refuses it on both;
- the average of decimals is a double, in GoogleSQL a decimal rounded half away from zero: computed exactly;
- the approximate count of distinct values errs for small numbers too, where GoogleSQL's does not: exact here;
- a percentile lies between values, in GoogleSQL on one: the discrete one here;
- NaN is the greatest value and equals itself, in GoogleSQL the least and unequal to all;
- weeks begin on Mondays, in GoogleSQL on Sundays: both are computed from the day of the week;
- a local time that comes twice means the later one, in GoogleSQL the earlier: never converted back.

A sum of decimals beyond 38 digits is an error on both, on the way to a small sum perhaps on DuckDB alone.
Sums and averages of numbers may differ in their last bits even between two runs on one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from exposure.contracts.types import Scalar
from exposure.query.aggregate import Function, Group, Measure, Unit, WeekStart
from exposure.warehouse.duckdb_dialect import DuckDBDialect

_FUNCTIONS = {
    Function.COUNT: "COUNT({})",
    Function.DISTINCT: "COUNT(DISTINCT {})",
    Function.APPROX_DISTINCT: "COUNT(DISTINCT {})",
    Function.SUM: "SUM({})",
    Function.AVG: "AVG({})",
    Function.MIN: "MIN({})",
    Function.MAX: "MAX({})",
}


@dataclass(frozen=True)
class DuckDBAggregateDialect:
    """DuckDB's SQL over the rows of the one file."""

    rows: DuckDBDialect

    def bucket(self, group: Group, column: str, timezone: str | None) -> str:
        """Return a date by the zone's calendar, or an instant cut by the zone's offset."""
        local = column if timezone is None else f"timezone({timezone}, timezone('UTC', {column}))"
        if group.unit is Unit.MINUTE:
            return f"date_trunc('minute', {column})"
        if group.unit is Unit.HOUR:
            hour = f"date_trunc('hour', {local})"
            return hour if timezone is None else f"{hour} - ({local} - {column})"
        day = f"CAST({local} AS DATE)" if group.is_zoned else column
        if group.unit is Unit.WEEK:
            back = f"isodow({day}) % 7" if group.week_start is WeekStart.SUNDAY else f"(isodow({day}) - 1)"
            return f"{day} - CAST({back} AS INTEGER)"
        return day if group.unit is Unit.DAY else f"CAST(date_trunc('{group.unit}', {day}) AS DATE)"

    def measure(self, measure: Measure, column: str) -> str:
        """Return what computes the measure as GoogleSQL does."""
        function, scalar = measure.function, measure.type
        if function is Function.PERCENTILE:
            values = f"CASE WHEN NOT isnan({column}) THEN {column} END" if scalar is Scalar.NUMBER else column
            return f"quantile_disc({values}, {measure.percentile / 100})"
        if function is Function.AVG and scalar is Scalar.DECIMAL:
            return _decimal_average(column)
        computed = _FUNCTIONS[function].format(column)
        if function is Function.MIN and scalar is Scalar.NUMBER:
            return f"CASE WHEN bool_or(isnan({column})) THEN CAST('NaN' AS DOUBLE) ELSE {computed} END"
        return computed

    def numbers(self, count: int, name: str) -> str:
        """Return a list as rows."""
        return f"(SELECT unnest(range({count})) AS {name})"


def _decimal_average(column: str) -> str:
    """Return the average as a decimal: in steps of the ninth digit, as integers, rounded half away from zero.

    The text of a DECIMAL(38,9) has all nine digits, so without its point it counts those steps.
    """
    steps, rows = f"CAST(replace(CAST(SUM({column}) AS VARCHAR), '.', '') AS HUGEINT)", f"COUNT({column})"
    size = f"(abs({steps}) + {rows} // 2) // {rows}"
    signed = f"CASE WHEN {steps} < 0 THEN -({size}) ELSE {size} END"
    return f"CAST({signed} AS DECIMAL(38,0)) * 0.000000001"
