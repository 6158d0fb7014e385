"""SQL compiled from a `Query`: its text depends only on the shape of the question.

Every value is a parameter; every identifier comes from the contract and is quoted by the dialect. What
differs between the warehouses is a `Dialect` (`duckdb_dialect`, `bigquery_dialect`); nothing here runs SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from exposure.contracts.model import Column
from exposure.contracts.types import Scalar
from exposure.query.grammar import scalar_of
from exposure.query.model import Filter, Operator, Order, Query, Row
from exposure.warehouse.schema import Table, rows_table

_COMPARISONS = {
    Operator.EQ: "=",
    Operator.NE: "!=",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.GT: ">",
    Operator.GTE: ">=",
}
PAGE_ROWS = "page_rows"


@dataclass(frozen=True)
class Parameter:
    """One bound value. `is_array` says that `value` is a tuple of values of `type`."""

    name: str
    type: Scalar
    value: object
    is_array: bool = False


@dataclass(frozen=True)
class Statement:
    """One statement: its text and the values bound to its named parameters.

    Its rows are the query's columns and behind them the order's columns, from which the page goes on;
    one row more than the page holds tells whether rows remain.
    """

    text: str
    parameters: tuple[Parameter, ...]


class Dialect(Protocol):
    """How one warehouse writes what the compiler cannot write for all."""

    def identifier(self, name: str) -> str:
        """Return the name quoted, whatever it holds."""

    def placeholder(self, name: str) -> str:
        """Return the reference to a named parameter."""

    def member(self, column: str, placeholder: str) -> str:
        """Return the condition that the column equals one of the array parameter's values."""

    def output(self, column: Column) -> str:
        """Return the select item through which the adapter reads the column."""

    def one_row_per_key(self, table: Table, columns: Sequence[Column], inner: str) -> str:
        """Return what stands behind FROM: the earliest stored row of each key among those meeting `inner`.

        `inner` is a condition on the key and the event time, empty for none.
        """


def compile_select(query: Query, dialect: Dialect) -> Statement:
    """Return the statement that answers the query in one dialect."""
    return _Compiler(query, dialect).statement()


class _Compiler:
    """Collects parameters while it writes; one instance per statement."""

    def __init__(self, query: Query, dialect: Dialect) -> None:
        self._query = query
        self._dialect = dialect
        self._table = rows_table(query.contract)
        self._parameters: list[Parameter] = []

    def statement(self) -> Statement:
        query, dialect = self._query, self._dialect
        # A bound on the event time is what prunes partitions, and all rows of a key share the key: only
        # these may act before the rows of a key are made one. Any other condition could let a later
        # row of the key through where the first one fails it.
        early = {query.contract.event_time, query.contract.key}
        inner = [self._filter(one) for one in query.filters if one.column.name in early]
        outer = [self._filter(one) for one in query.filters if one.column.name not in early]
        if query.after is not None:
            outer.append(self._beyond(query.order, query.after))
        source = dialect.one_row_per_key(self._table, self._needed(), " AND ".join(inner))
        items = [*query.columns, *(order.column for order in query.order)]
        lines = [
            "SELECT " + ", ".join(self._item(index, column) for index, column in enumerate(items)),
            f"FROM {source}",
            *([f"WHERE {' AND '.join(outer)}"] if outer else []),
            *self._order_by(),
            f"LIMIT {self._bind(Scalar.INTEGER, query.page_size + 1, name=PAGE_ROWS)}",
        ]
        return Statement("\n".join(lines), tuple(self._parameters))

    def _item(self, index: int, column: Column) -> str:
        # Numbered, because a column may be both selected and ordered by; no declared column begins with _.
        return f"{self._dialect.output(column)} AS {self._dialect.identifier(f'_{index}')}"

    def _order_by(self) -> list[str]:
        query = self._query
        key_is_given = any(
            one.column.name == query.contract.key and one.operator is Operator.EQ for one in query.filters
        )
        # One row at most needs no order, and DuckDB finds it ten times faster without.
        return [] if key_is_given else ["ORDER BY " + ", ".join(self._order(one) for one in query.order)]

    def _needed(self) -> tuple[Column, ...]:
        query = self._query
        used: Iterable[Column] = (
            *query.columns,
            *(order.column for order in query.order),
            *(one.column for one in query.filters),
        )
        return tuple({column.name: column for column in used}.values())

    def _bind(self, scalar: Scalar, value: object, *, name: str = "", is_array: bool = False) -> str:
        name = name or f"p{len(self._parameters)}"
        self._parameters.append(Parameter(name, scalar, value, is_array))
        return self._dialect.placeholder(name)

    def _filter(self, one: Filter) -> str:
        name, scalar = self._dialect.identifier(one.column.name), scalar_of(one.column)
        if one.operator is Operator.IN:
            return self._dialect.member(name, self._bind(scalar, one.value, is_array=True))
        return f"{name} {_COMPARISONS[one.operator]} {self._bind(scalar, one.value)}"

    def _order(self, order: Order) -> str:
        name = self._dialect.identifier(order.column.name)
        return f"{name} DESC NULLS LAST" if order.descending else f"{name} ASC NULLS FIRST"

    def _beyond(self, order: Sequence[Order], after: Row) -> str:
        """Return the condition of the rows behind a position; a conjunction, an OR on top prunes nothing."""
        first, value = order[0], after[0]
        behind = self._behind(first, value)
        if len(order) == 1:
            return behind
        rest = self._beyond(order[1:], after[1:])
        return f"({self._not_before(first, value)} AND ({behind} OR {rest}))"

    def _behind(self, order: Order, value: object) -> str:
        name = self._dialect.identifier(order.column.name)
        if value is None:
            return "FALSE" if order.descending else f"{name} IS NOT NULL"
        bound = self._bind(scalar_of(order.column), value)
        if not order.descending:
            return f"{name} > {bound}"
        return f"({name} < {bound} OR {name} IS NULL)" if order.column.nullable else f"{name} < {bound}"

    def _not_before(self, order: Order, value: object) -> str:
        name = self._dialect.identifier(order.column.name)
        if value is None:
            return f"{name} IS NULL" if order.descending else "TRUE"
        bound = self._bind(scalar_of(order.column), value)
        if not order.descending:
            return f"{name} >= {bound}"
        return f"({name} <= {bound} OR {name} IS NULL)" if order.column.nullable else f"{name} <= {bound}"
