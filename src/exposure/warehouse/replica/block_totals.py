"""Totals of a replica's rows, a block of rows at a time, from which groups are added up several times faster.

The rows a table is made of lie in it by event time, so a span of event times is whole blocks of them, and a
part of one at either end. For each narrow column of texts there is a table of how many rows of each block
have which text, and of the sum, the least and the greatest of their integers and 1024ths. A question that
asks of rows no more than a span, and groups them by one such text or not at all, is answered from it and from
the rows that are in no whole block: at the ends of the span, and what came later.

No total is ever changed. When a row is replaced, whoever holds the table makes no more use of any.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa

from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Scalar
from exposure.query.aggregate import Aggregation, Function, Group, Measure
from exposure.warehouse.aggregate_sql import compile_aggregate
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.replica.asked import Span, asked_of
from exposure.warehouse.replica.narrow_columns import ADDED_UP, NarrowAggregateDialect, NarrowColumns
from exposure.warehouse.replica.totals_dialect import (
    BLOCK_ROWS,
    ROWS,
    TEXT,
    TotalsDialect,
    create_totals,
    total_name,
)
from exposure.warehouse.schema import rows_table
from exposure.warehouse.sql import Statement

_ROWS = Column(ROWS, Scalar.INTEGER)
# What a total takes beside its measures, and what those of one column take.
_TOTAL_BYTES, _MEASURES_BYTES = 13, 32


@dataclass(frozen=True)
class Blocks:
    """So many rows by event time: the first event time of each block, and the last, in microseconds."""

    rows: int
    first: Sequence[int]
    last: Sequence[int]

    @classmethod
    def of(cls, times: pa.ChunkedArray) -> Blocks:
        """Return the blocks of rows with these event times, which are in order."""
        first = range(0, len(times), BLOCK_ROWS)
        last = [min(one + BLOCK_ROWS, len(times)) - 1 for one in first]
        return cls(
            len(times), times.take(pa.array(first)).to_pylist(), times.take(pa.array(last)).to_pylist()
        )

    def within(self, span: Span) -> range:
        """Return the numbers of the rows of all blocks that lie in the span."""
        begin, end = bisect_left(self.first, span.first), bisect_right(self.last, span.last)
        return range(begin * BLOCK_ROWS, min(end * BLOCK_ROWS, self.rows))


class BlockTotals:
    """The tables of totals beside the table of one copy."""

    def __init__(self, contract: Contract, narrow: NarrowColumns, blocks: Blocks) -> None:
        self._contract = contract
        self._narrow = narrow
        self._blocks = blocks
        integers = {one.name: one.name for one in contract.columns if one.type is Scalar.INTEGER}
        # The column that each is read from whose totals are kept.
        self._measured = {**integers, **narrow.numbers}
        self.size_bytes = 0

    def make(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Make the tables, of a table that was just made."""
        for text in self._narrow.texts.values():
            statement = create_totals(rows_table(self._contract), text, list(self._measured.values()))
            [(many,)] = cursor.execute(statement).fetchall()
            self.size_bytes += many * (_TOTAL_BYTES + _MEASURES_BYTES * len(self._measured))

    def statement(self, question: Aggregation, *, has_more: bool) -> Statement | None:
        """Return what answers the question, None where totals do not; `has_more` rows than the blocks'."""
        asked, text = asked_of(question), self._text(question)
        rows = self._blocks.within(asked.span)
        kept = {one: found for one in question.computed if (found := self._kept(one)) is not None}
        if asked.rest or text is None or not rows or len(kept) < len(question.computed):
            return None
        is_all = len(rows) == self._blocks.rows and not has_more
        added = {one.total.name: one.added for one in kept.values()}
        dialect = TotalsDialect({TEXT: text}, added, rows, is_all)
        parts = frozenset(one.total.name for one in kept.values() if one.is_parts)
        asked_of_totals = _of_totals(question, kept)
        if is_all:
            asked_of_totals = replace(asked_of_totals, filters=(), snapshot=None)
        return compile_aggregate(asked_of_totals, NarrowAggregateDialect(dialect, parts))

    def _text(self, question: Aggregation) -> str | None:
        """Return the one narrow column a question groups by; whichever, if it groups by none."""
        texts, groups = self._narrow.texts, question.groups
        if not groups:
            return next(iter(texts.values()))
        is_by_one = len(groups) == 1 and not question.apart
        return texts.get(groups[0].column.name) if is_by_one else None

    def _kept(self, measure: Measure) -> _Kept | None:
        if measure.column is None:
            return _Kept(Function.SUM, _ROWS, "1")
        name = measure.column.name
        if name not in self._measured or measure.function not in ADDED_UP:
            return None
        total = Column(total_name(measure.function, list(self._measured).index(name)), measure.column.type)
        added = DuckDBDialect().identifier(self._measured[name])
        return _Kept(measure.function, total, added, is_parts=name in self._narrow.numbers)


@dataclass(frozen=True)
class _Kept:
    """What a measure is made of: totals, and what a row in no block adds to them."""

    function: Function
    total: Column
    added: str
    is_parts: bool = False

    @property
    def measure(self) -> Measure:
        """Return the measure of totals."""
        return Measure(self.function, self.total)


def _of_totals(question: Aggregation, kept: Mapping[Measure, _Kept]) -> Aggregation:
    """Return the question as totals are asked, by names that are none of the contract's."""
    groups = tuple(replace(one, column=replace(one.column, name=TEXT)) for one in question.groups)
    measures = {one: found.measure for one, found in kept.items()}
    told: dict[Group | Measure, Group | Measure] = dict(zip(question.groups, groups, strict=True))
    told |= measures.items()
    return replace(
        question,
        groups=groups,
        measures=tuple(measures[one] for one in question.measures),
        having=tuple(replace(one, measure=measures[one.measure]) for one in question.having),
        order=tuple(replace(one, by=told[one.by]) for one in question.order),
    )
