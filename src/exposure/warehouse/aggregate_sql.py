"""SQL compiled from an `Aggregation`: its text depends on what that of `exposure.warehouse.sql` does.

The rows are those of `compile_stream`, so groups are made of served rows: one per key, after every filter.
Where the warehouses compute differently an `AggregateDialect` makes them agree; each says how.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from exposure.contracts.model import Column
from exposure.contracts.types import Scalar
from exposure.query.aggregate import Aggregation, Group, GroupOrder, Having, Measure, Unit
from exposure.query.buckets import label_is_date
from exposure.query.model import Operator, Order, Query
from exposure.warehouse.bindings import Parameter
from exposure.warehouse.predicates import inside
from exposure.warehouse.sql import Dialect, Statement, compile_select, compile_stream

GROUP_ROWS = "group_rows"
TIMEZONE = "timezone"
_NUMBER = Column("f", Scalar.INTEGER)
_COMPARISONS = {
    Operator.EQ: "=",
    Operator.NE: "!=",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.GT: ">",
    Operator.GTE: ">=",
}


class AggregateDialect(Protocol):
    """How one warehouse writes what differs between the warehouses; `column` is always quoted."""

    @property
    def rows(self) -> Dialect:
        """Return the dialect of the rows that are grouped."""

    def bucket(self, group: Group, column: str, timezone: str | None) -> str:
        """Return the label of the bucket a row is in: see `exposure.query.buckets`.

        `timezone` is the reference to the parameter that names the zone, None for UTC.
        """

    def measure(self, measure: Measure, column: str) -> str:
        """Return what computes the measure of a column."""

    def numbers(self, count: int, name: str) -> str:
        """Return what stands behind FROM and has one row for each number from 0 on, in a column `name`."""


def compile_aggregate(aggregation: Aggregation, dialect: AggregateDialect) -> Statement:
    """Return the statement whose rows are `group_columns`, one row more than the answer may hold."""
    compiler = _Compiler(aggregation, dialect)
    return compiler.apart() if aggregation.apart else compiler.statement()


def compile_question(question: Query | Aggregation, dialect: AggregateDialect) -> Statement:
    """Return the statement that answers either kind of question."""
    if isinstance(question, Aggregation):
        return compile_aggregate(question, dialect)
    return compile_select(question, dialect.rows)


def group_columns(aggregation: Aggregation) -> tuple[Column, ...]:
    """Return the columns of the statement: each group's label, then each computed measure.

    Of groups apart the first column is the number of the group that a row is of.
    """
    groups = (
        Column(f"g{index}", Scalar.DATE if label_is_date(group) else group.type, nullable=True)
        for index, group in enumerate(aggregation.groups)
    )
    measures = (
        Column(f"m{index}", measure.type, nullable=True) for index, measure in enumerate(aggregation.computed)
    )
    return (*((_NUMBER,) if aggregation.apart else ()), *groups, *measures)


class _Compiler:
    """Writes one statement; the names of its columns are those of `group_columns`."""

    def __init__(self, aggregation: Aggregation, dialect: AggregateDialect) -> None:
        self._aggregation = aggregation
        self._dialect = dialect
        used = (
            *(group.column for group in aggregation.groups),
            *(one.column for one in aggregation.computed if one.column is not None),
        )
        # Rows are counted by their key when nothing else of them is asked for.
        self._columns = tuple(dict.fromkeys(used)) or (aggregation.contract.key_column,)
        rows = Query(aggregation.contract, self._columns, aggregation.filters, (), 1)
        self._rows = compile_stream(replace(rows, snapshot=aggregation.snapshot), dialect.rows)
        self._parameters = list(self._rows.parameters)
        answered: tuple[Group | Measure, ...] = (*aggregation.groups, *aggregation.computed)
        columns = group_columns(aggregation)[1 if aggregation.apart else 0 :]
        self._answered = dict(zip(answered, columns, strict=True))

    def statement(self) -> Statement:
        asked = self._aggregation
        names = [self._dialect.rows.identifier(column.name) for column in self._answered.values()]
        grouped = names[: len(asked.groups)]
        source = self._labelled(grouped)
        computed = zip(asked.computed, names[len(grouped) :], strict=True)
        measures = [f"{self._measure(one)} AS {name}" for one, name in computed]
        conditions = [self._having(index, one) for index, one in enumerate(asked.having)]
        sorts = [self._order(one) for one in asked.order]
        lines = [
            f"SELECT {', '.join(names)}",
            "FROM (",
            f"SELECT {', '.join([*grouped, *measures])}",
            f"FROM (\n{source}\n)",
            *([f"GROUP BY {', '.join(grouped)}"] if grouped else []),
            ")",
            *([f"WHERE {' AND '.join(conditions)}"] if conditions else []),
            *([f"ORDER BY {', '.join(sorts)}"] if sorts else []),
            f"LIMIT {self._bind(GROUP_ROWS, Scalar.INTEGER, asked.top + 1)}",
        ]
        return Statement("\n".join(lines), tuple(self._parameters))

    def apart(self) -> Statement:
        """Return the statement that reads the rows once and groups each of them by each group in turn."""
        asked, quote = self._aggregation, self._dialect.rows.identifier
        *groups, count = [quote(column.name) for column in self._answered.values()]
        number, rank = quote(_NUMBER.name), quote("r")
        values = [
            f"CASE WHEN {number} = {index} THEN {self._group(one)} END AS {name}"
            for index, (one, name) in enumerate(zip(asked.groups, groups, strict=True))
        ]
        named = ", ".join([number, *groups])
        ranked = (
            f"ROW_NUMBER() OVER (PARTITION BY {number} ORDER BY {', '.join(map(self._order, asked.order))})"
        )
        lines = [
            f"SELECT {named}, {count}",
            f"FROM (\nSELECT {named}, {count}, {ranked} AS {rank}",
            f"FROM (\nSELECT {named}, COUNT(*) AS {count}",
            f"FROM (\nSELECT {', '.join([number, *values])}",
            f"FROM (\n{self._rows.text}\n)",
            f"CROSS JOIN {self._dialect.numbers(len(groups), number)}\n)",
            f"GROUP BY {named}\n)\n)",
            f"WHERE {rank} <= {self._bind(GROUP_ROWS, Scalar.INTEGER, asked.top + 1)}",
            f"ORDER BY {number}, {rank}",
        ]
        return Statement("\n".join(lines), tuple(self._parameters))

    def _labelled(self, names: Sequence[str]) -> str:
        """Return the rows with their labels, a level below the grouping, which so repeats no parameter."""
        if not names:
            return self._rows.text
        groups = zip(self._aggregation.groups, names, strict=True)
        labels = [f"{self._group(one)} AS {name}" for one, name in groups]
        return f"SELECT {', '.join(['*', *labels])}\nFROM (\n{self._rows.text}\n)"

    def _group(self, group: Group) -> str:
        column = self._operand(group.column, group.within)
        return column if group.unit is None else self._dialect.bucket(group, column, self._timezone(group))

    def _timezone(self, group: Group) -> str | None:
        zone = self._aggregation.timezone
        # Minutes begin at the same instants everywhere.
        if zone == "UTC" or not group.is_zoned or group.unit is Unit.MINUTE:
            return None
        if TIMEZONE in (one.name for one in self._parameters):
            return self._dialect.rows.placeholder(TIMEZONE)
        return self._bind(TIMEZONE, Scalar.STRING, zone)

    def _measure(self, measure: Measure) -> str:
        if measure.column is None:
            return "COUNT(*)"
        return self._dialect.measure(measure, self._operand(measure.column, measure.within))

    def _having(self, index: int, having: Having) -> str:
        rows, column = self._dialect.rows, self._answered[having.measure]
        bound = self._bind(f"h{index}", having.measure.type, having.value)
        operator = _COMPARISONS[having.operator]
        return rows.comparison(having.measure.type, rows.identifier(column.name), operator, bound)

    def _order(self, order: GroupOrder) -> str:
        return self._dialect.rows.order(Order(self._answered[order.by], order.descending))

    def _operand(self, column: Column, within: Sequence[Column]) -> str:
        # As `compile_stream` names its columns.
        name = self._dialect.rows.identifier(f"_{self._columns.index(column)}")
        return inside(self._dialect.rows, column, within, name)

    def _bind(self, name: str, scalar: Scalar, value: object) -> str:
        self._parameters.append(Parameter(name, scalar, value))
        return self._dialect.rows.placeholder(name)
