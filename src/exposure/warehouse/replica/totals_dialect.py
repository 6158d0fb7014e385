"""DuckDB's SQL of block totals: what makes their tables, and how a question about rows is asked of them.

Names are none of the contract's: `text`, `rows` and, of each measured column, `sum_0`, `min_0` and `max_0`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from exposure.contracts.model import Column
from exposure.contracts.types import Scalar
from exposure.query.aggregate import Function
from exposure.query.model import Snapshot
from exposure.warehouse.bindings import Bindings
from exposure.warehouse.duckdb_dialect import SNAPSHOT_ROWS, DuckDBDialect
from exposure.warehouse.replica.narrow_columns import ADDED_UP, NarrowDialect
from exposure.warehouse.schema import Table

# Few enough to be read beside the blocks, and enough that there are few blocks.
BLOCK_ROWS = 8192
TEXT, ROWS = "text", "rows"
# No declared name begins with an underscore.
_BLOCK, _NUMBER = "_block", "_row"


def total_name(function: Function, number: int) -> str:
    """Return what the total of one of the measured columns is called."""
    return f"{function}_{number}"


def create_totals(table: Table, text: str, measured: Sequence[str]) -> str:
    """Return the statement that makes the totals of all rows by a narrow column of texts."""
    dialect = DuckDBDialect()
    quote = dialect.identifier
    columns = [quote(text), f"CAST(rowid // {BLOCK_ROWS} AS INTEGER) AS {_BLOCK}", f"COUNT(*) AS {ROWS}"]
    for number, name in enumerate(measured):
        columns += [f"{one.upper()}({quote(name)}) AS {total_name(one, number)}" for one in ADDED_UP]
    totals = f"SELECT {', '.join(columns)} FROM {dialect.path(table)} GROUP BY {quote(text)}, {_BLOCK}"
    return f"CREATE TABLE {dialect.path(_totals(table, text))} AS {totals}"


@dataclass(frozen=True)
class TotalsDialect(NarrowDialect):
    """SQL in which the stored rows are the totals of whole blocks, and beside them the rows in none.

    `names` holds the narrow column of the texts, `added` what a row has in the place of each total, and
    `rows` the numbers of the rows in the blocks. With `is_all` there are no others.
    """

    added: Mapping[str, str]
    rows: range
    is_all: bool

    def stored(self, table: Table, snapshot: Snapshot | None, bindings: Bindings) -> str:
        """Return the rows with their numbers, which are no columns to whoever asks for all."""
        stored = f"SELECT *, rowid AS {_NUMBER} FROM {self.path(table)}"
        if snapshot is None:
            return f"({stored})"
        arrived = bindings.bind(Scalar.INTEGER, snapshot.rows, name=SNAPSHOT_ROWS)
        return f"({stored} WHERE rowid < {self.placeholder(arrived)})"

    def one_row_per_key(self, stored: str, table: Table, columns: Sequence[Column], inner: str) -> str:
        """Return the totals and, of the rows in no block, those that meet `inner`."""
        del columns
        text, begin, end = self.names[TEXT], self.rows.start, self.rows.stop
        names = ", ".join(map(self.identifier, (text, *self.added)))
        blocks = f"{_BLOCK} >= {begin // BLOCK_ROWS} AND {_BLOCK} * {BLOCK_ROWS} < {end}"
        totals = f"SELECT {names} FROM {self.path(_totals(table, text))} WHERE {blocks}"
        if self.is_all:
            return f"({totals})"
        added = ", ".join((self.identifier(text), *self.added.values()))
        conditions = [f"({_NUMBER} < {begin} OR {_NUMBER} >= {end})", *([inner] if inner else [])]
        return f"({totals} UNION ALL SELECT {added} FROM {stored} WHERE {' AND '.join(conditions)})"


def _totals(table: Table, text: str) -> Table:
    return replace(table, name=f"_totals{text}")
