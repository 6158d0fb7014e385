"""SQL compiled from a `Query`: its text depends only on the shape of the question and on its snapshot.

Every value of a caller is a parameter; every identifier comes from the contract and is quoted by the
dialect. What differs between the warehouses is a `Dialect` (`duckdb_dialect`, `bigquery_dialect`); nothing
here runs SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from exposure.contracts.model import Column
from exposure.contracts.types import Scalar
from exposure.query.model import Condition, Order, Query, Snapshot, comparisons
from exposure.warehouse.bindings import Bindings, Parameter
from exposure.warehouse.predicates import PredicateDialect, Predicates
from exposure.warehouse.schema import Table, rows_table

PAGE_ROWS = "page_rows"


@dataclass(frozen=True)
class Statement:
    """One statement: its text and the values bound to its named parameters.

    Its rows are the query's columns and behind them the order's columns, from which the page goes on;
    one row more than the page holds tells whether rows remain.
    """

    text: str
    parameters: tuple[Parameter, ...]


class Dialect(PredicateDialect, Protocol):
    """How one warehouse writes what the compiler cannot write for all."""

    def order(self, order: Order) -> str:
        """Return the sort item: NaN is the least value, and NULL stands where the order says."""

    def output(self, column: Column) -> str:
        """Return the select item through which the adapter reads the column."""

    def stored(self, table: Table, snapshot: Snapshot | None, bindings: Bindings) -> str:
        """Return what stands behind FROM: the rows stored by now, or by the moment of the snapshot."""

    def one_row_per_key(self, stored: str, table: Table, columns: Sequence[Column], inner: str) -> str:
        """Return what stands behind FROM: the earliest stored row of each key among those meeting `inner`.

        `inner` is a condition on the key and the event time, empty for none.
        """


def compile_select(query: Query, dialect: Dialect) -> Statement:
    """Return the statement that answers the query in one dialect."""
    return _Compiler(query, dialect).statement()


def compile_stream(query: Query, dialect: Dialect) -> Statement:
    """Return the statement of all rows the query means: the query's columns, no position and no limit."""
    return _Compiler(replace(query, after=None), dialect).whole()


class _Compiler:
    """Collects parameters while it writes; one instance per statement."""

    def __init__(self, query: Query, dialect: Dialect) -> None:
        self._query = query
        self._dialect = dialect
        self._table = rows_table(query.contract)
        self._bindings = Bindings()
        self._predicates = Predicates(dialect, self._bindings)

    def statement(self) -> Statement:
        query = self._query
        lines = self._rows([*query.columns, *(order.column for order in query.order)])
        rows = self._bindings.bind(Scalar.INTEGER, query.page_size + 1, name=PAGE_ROWS)
        lines.append(f"LIMIT {self._dialect.placeholder(rows)}")
        return Statement("\n".join(lines), self._bindings.parameters)

    def whole(self) -> Statement:
        lines = self._rows(self._query.columns)
        return Statement("\n".join(lines), self._bindings.parameters)

    def _rows(self, items: Sequence[Column]) -> list[str]:
        query, dialect = self._query, self._dialect
        # A bound on the event time is what prunes partitions, and all rows of a key share the key: only
        # these may act before the rows of a key are made one. Any other condition could let a later
        # row of the key through where the first one fails it.
        inner = [self._predicates.condition(one) for one in query.filters if self._is_early(one)]
        outer = [self._predicates.condition(one) for one in query.filters if not self._is_early(one)]
        if query.after is not None:
            # Never before: a row of a key whose first one is on an earlier page would be served again.
            outer.append(self._predicates.beyond(query.order, query.after))
        stored = dialect.stored(self._table, query.snapshot, self._bindings)
        source = dialect.one_row_per_key(stored, self._table, self._needed(), " AND ".join(inner))
        return [
            "SELECT " + ", ".join(self._item(index, column) for index, column in enumerate(items)),
            f"FROM {source}",
            *([f"WHERE {' AND '.join(outer)}"] if outer else []),
            *self._order_by(),
        ]

    def _item(self, index: int, column: Column) -> str:
        # Numbered, because a column may be both selected and ordered by; no declared column begins with _.
        return f"{self._dialect.output(column)} AS {self._dialect.identifier(f'_{index}')}"

    def _order_by(self) -> list[str]:
        query = self._query
        # One row at most needs no order, and DuckDB finds it ten times faster without.
        if query.is_of_one_key or not query.order:
            return []
        return ["ORDER BY " + ", ".join(self._dialect.order(one) for one in query.order)]

    def _needed(self) -> tuple[Column, ...]:
        query = self._query
        used: Iterable[Column] = (
            *query.columns,
            *(order.column for order in query.order),
            *(one.column for one in comparisons(*query.filters)),
        )
        return tuple({column.name: column for column in used}.values())

    def _is_early(self, one: Condition) -> bool:
        early = {self._query.contract.event_time, self._query.contract.key}
        return all(part.column.name in early for part in comparisons(one))
