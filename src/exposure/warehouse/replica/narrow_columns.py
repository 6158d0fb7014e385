"""Columns held once more in a narrow form, by which groups are made several times faster.

Few different texts are held as their numbers (DuckDB's ENUM), which are given in the order of the texts, so
that groups are sorted by them as well. Numbers that are whole 1024ths and not large are held as how many, in
four bytes; what is summed of them is exact. Nothing else is asked of either form. A text that has none was
not there when the table was made: rows with one need a new table. A number that has none is missing in the
narrow form; what is made of its column is then not asked of it any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from exposure.contracts.model import Column
from exposure.contracts.types import Scalar
from exposure.query.aggregate import Aggregation, Function, Measure
from exposure.warehouse.duckdb_aggregate_dialect import DuckDBAggregateDialect
from exposure.warehouse.duckdb_dialect import DuckDBDialect

# With more they are no longer few, and groups of them hardly faster.
MOST_TEXTS = 64
# Below it nothing takes long.
LEAST_ROWS = 10_000
PARTS = 1024
# What is made of such numbers, and of the totals of blocks.
ADDED_UP = (Function.SUM, Function.MIN, Function.MAX)


class UnnumberedText(Exception):
    """Rows hold a text that has no number."""


@dataclass(frozen=True)
class NarrowColumns:
    """The columns in narrow form, by the name of the column whose values they hold."""

    texts: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)

    @property
    def row_bytes(self) -> int:
        """Return how many bytes of memory they take in each row."""
        return len(self.texts) + 4 * len(self.numbers)

    def dialect(self, question: Aggregation) -> DuckDBAggregateDialect:
        """Return how a question is written: by narrow columns where it only groups, or adds up and compares.

        What it measures of numbers has to be exact whatever the order: see `PlainNumbers`.
        """
        grouped = {one.column.name for one in question.groups if not one.within and one.unit is None}
        measured = {one.column.name for one in question.computed if one.column is not None}
        others = {one.column.name for one in question.computed if one.column and one.function not in ADDED_UP}
        texts = {name: self.texts[name] for name in (grouped & self.texts.keys()) - measured}
        numbers = {name: self.numbers[name] for name in (measured & self.numbers.keys()) - others}
        if question.apart or not (texts or numbers):
            return DuckDBAggregateDialect(DuckDBDialect())
        return NarrowAggregateDialect(NarrowDialect(texts | numbers), frozenset(numbers))


@dataclass(frozen=True)
class NarrowDialect(DuckDBDialect):
    """DuckDB's SQL, in which some columns are read in their narrow form."""

    names: Mapping[str, str]

    def output(self, column: Column) -> str:
        """Return the narrow column, where there is one."""
        return self.identifier(self.names.get(column.name, column.name))


@dataclass(frozen=True)
class NarrowAggregateDialect(DuckDBAggregateDialect):
    """Measures of columns some of which hold 1024ths."""

    parts: frozenset[str]

    def measure(self, measure: Measure, column: str) -> str:
        """Return the measure, of 1024ths as the number it is: no larger than a double holds exactly."""
        if measure.column is None or measure.column.name not in self.parts:
            return super().measure(measure, column)
        whole = super().measure(Measure(measure.function, _WHOLE), column)
        return f"CAST({whole} AS DOUBLE) / {PARTS}"


# Measured as integers are: there is no NaN among them.
_WHOLE = Column("whole", Scalar.INTEGER)
