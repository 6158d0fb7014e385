"""Columns of few different texts, held once more as the numbers of those texts: groups are then made faster.

A column of numbers like these (DuckDB's ENUM) groups a million rows in a tenth of the time. They are given in
the order of the texts, so groups are sorted by them as well; nothing else is asked of them. A text that was
not there when the table was made has no number; rows with one need a new table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from exposure.contracts.model import Column
from exposure.query.aggregate import Aggregation
from exposure.warehouse.duckdb_aggregate_dialect import DuckDBAggregateDialect
from exposure.warehouse.duckdb_dialect import DuckDBDialect

# With more they are no longer few, and groups of them hardly faster.
MOST_TEXTS = 64
# Below it nothing takes long.
LEAST_ROWS = 10_000


class UnnumberedText(Exception):
    """Rows hold a text that has no number."""


@dataclass(frozen=True)
class FewTexts:
    """The columns of numbers, by the name of the column whose texts they number."""

    numbered: Mapping[str, str] = field(default_factory=dict)

    def dialect(self, question: Aggregation) -> DuckDBAggregateDialect:
        """Return how a question is written: by numbers where it only groups by a column."""
        measured = {one.column.name for one in question.computed if one.column is not None}
        grouped = {one.column.name for one in question.groups if not one.within and one.unit is None}
        names = {name: self.numbered[name] for name in (grouped & self.numbered.keys()) - measured}
        is_plain = question.apart or not names
        return DuckDBAggregateDialect(DuckDBDialect() if is_plain else _NumberedDialect(names))


@dataclass(frozen=True)
class _NumberedDialect(DuckDBDialect):
    """DuckDB's SQL, in which some columns are read as numbers of their texts."""

    names: Mapping[str, str]

    def output(self, column: Column) -> str:
        """Return the column of numbers, where there is one."""
        return self.identifier(self.names.get(column.name, column.name))
