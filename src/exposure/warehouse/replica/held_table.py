"""A replica's rows as a table of DuckDB's in memory, for whatever is not asked by key or by time alone.

It has one row per key because `Copy` puts in no other. Several questions run side by side, each on one
thread, so that they slow one another down no more than they must.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import duckdb
import pyarrow as pa

from exposure.contracts.model import Contract
from exposure.contracts.types import Scalar
from exposure.query.aggregate import Aggregation
from exposure.warehouse.aggregate_sql import compile_aggregate
from exposure.warehouse.duckdb_file import open_memory
from exposure.warehouse.duckdb_reader import DuckDBReader, DuckDBReaderLimits
from exposure.warehouse.port import Groups
from exposure.warehouse.replica.asked import Key
from exposure.warehouse.replica.block_totals import Blocks, BlockTotals
from exposure.warehouse.replica.narrow_columns import LEAST_ROWS, MOST_TEXTS, NarrowColumns, UnnumberedText
from exposure.warehouse.replica.table_dialect import TableDialect
from exposure.warehouse.schema import rows_table
from exposure.warehouse.sql import Statement

_READING = DuckDBReaderLimits(deadline=timedelta(seconds=4), threads=2, queue=64, streams=1)
# Sums of whole 1024ths below this are exact in a double, in whatever order they are made.
_EXACT_BELOW = 2.0**43


@dataclass
class PlainNumbers:
    """The columns of numbers whose sum, least and greatest do not depend on who computes them, or how.

    All are whole 1024ths, which add up to less than 2^43; there is no NaN and no negative zero. `sizes` holds
    the sum of their absolute values.
    """

    sizes: dict[str, float]

    @property
    def names(self) -> frozenset[str]:
        """Return their names."""
        return frozenset(self.sizes)

    def add(self, name: str, size: float | None) -> None:
        """Take more values into account; a size of None says that they are not plain."""
        if name in self.sizes:
            total = self.sizes.pop(name) + (0.0 if size is None else size)
            if size is not None and total < _EXACT_BELOW:
                self.sizes[name] = total


class HeldTable:
    """The table of one copy, and the reader that asks it."""

    def __init__(self, contract: Contract, rows: pa.Table, *, narrows: bool = True) -> None:
        """Make the table of rows that are by event time; this takes seconds."""
        self._contract = contract
        self._dialect = TableDialect()
        self._table = rows_table(contract)
        self._connection = open_memory()
        self._connection.execute("SET threads = 1")
        self._connection.execute(self._dialect.create_schema(self._table))
        self._cursor = self._connection.cursor()
        self._adding = threading.Lock()
        self.plain_numbers = PlainNumbers(
            {column.name: 0.0 for column in contract.columns if column.type is Scalar.NUMBER}
        )
        is_worth_it = narrows and rows.num_rows >= LEAST_ROWS
        self.narrow = self._narrowed(rows) if is_worth_it else NarrowColumns()
        self._put(rows, self._dialect.create_from(self._table, "rows", self.narrow))
        self._has_more = False
        # Until one of its rows is replaced.
        self._totals = self._totalled(rows) if self.narrow.texts else None
        self.size_bytes = self.narrow.row_bytes * rows.num_rows
        self.size_bytes += self._totals.size_bytes if self._totals else 0
        self.reader = DuckDBReader(self._connection, _READING, compile_groups=self._compile_groups)

    async def aggregate(self, question: Aggregation) -> Groups:
        """Return the groups; see `Reader`."""
        totals = self._totals
        groups = await self.reader.aggregate(question)
        # A row of theirs was replaced while they were read.
        return groups if totals is self._totals else await self.reader.aggregate(question)

    def add(self, rows: pa.Table, replaced: Sequence[Key]) -> None:
        """Put rows in and take others out, both at once to whoever reads; raises UnnumberedText."""
        with self._adding:
            # Before the rows can be read, for whoever has asked without them.
            self._has_more = True
            if replaced:
                self._totals = None
            self._exchange(rows, replaced)

    def close(self) -> None:
        """Give the memory back as soon as no thread is at the table; a question under way fails."""
        self.reader.release()
        # Not here: what a thread is at when its caller is cancelled goes on, and DuckDB does not survive
        # a connection that is closed under it.
        threading.Thread(target=self._close, name=f"replica-close-{self._contract.name}").start()

    def _close(self) -> None:
        self.reader.join()
        with self._adding:
            self._cursor.close()
            self._connection.close()

    def _exchange(self, rows: pa.Table, replaced: Sequence[Key]) -> None:
        self._cursor.execute("BEGIN")
        try:
            if replaced:
                self._cursor.execute(self._dialect.delete(self._table), {"keys": list(replaced)})
            self._put(rows, self._dialect.insert_from(self._table, "rows", self.narrow))
        except BaseException as error:
            self._cursor.execute("ROLLBACK")
            if isinstance(error, duckdb.ConversionException) and self.narrow.texts:
                raise UnnumberedText(str(error).splitlines()[0]) from error
            raise
        self._cursor.execute("COMMIT")

    def _put(self, rows: pa.Table, statement: str) -> None:
        self._cursor.register("rows", rows)
        try:
            # Before the rows can be read: whoever has read them finds it said.
            for name in self.plain_numbers.names:
                self.plain_numbers.add(name, self._plain_size("rows", name))
            self._cursor.execute(statement)
        finally:
            self._cursor.unregister("rows")

    def _narrowed(self, rows: pa.Table) -> NarrowColumns:
        """Return which columns have a narrow form, the types of which are then there."""
        texts, numbers = {}, {}
        self._cursor.register("rows", rows)
        for column in self._contract.columns:
            name = column.name
            if column.type is Scalar.STRING and name != self._contract.key:
                if not self._tells(self._dialect.has_more_texts("rows", name, MOST_TEXTS)):
                    # No declared name begins with an underscore.
                    texts[name] = f"_number_{name}"
                    self._cursor.execute(self._dialect.create_numbers("rows", name, texts[name]))
            elif column.type is Scalar.NUMBER and self._tells(self._dialect.fits_parts("rows", name)):
                numbers[name] = f"_parts_{name}"
        self._cursor.unregister("rows")
        return NarrowColumns(texts, numbers)

    def _totalled(self, rows: pa.Table) -> BlockTotals:
        """Return the totals of the rows, which are in the table."""
        blocks = Blocks.of(rows.column(self._contract.event_time).cast(pa.int64()))
        totals = BlockTotals(self._contract, self.narrow, blocks)
        totals.make(self._cursor)
        return totals

    def _compile_groups(self, question: Aggregation) -> Statement:
        totals = self._totals and self._totals.statement(question, has_more=self._has_more)
        return totals or compile_aggregate(question, self.narrow.dialect(question))

    def _tells(self, question: str) -> bool:
        return self._cursor.execute(question).fetchone() == (True,)

    def _plain_size(self, source: str, name: str) -> float | None:
        found = self._cursor.execute(self._dialect.plain_size(source, name)).fetchone()
        is_plain, size = found or (True, 0.0)
        # Whoever asks just now may be asking the narrow form.
        is_missed = name in self.narrow.numbers and not self._tells(self._dialect.fits_parts(source, name))
        return float(size) if is_plain and not is_missed else None
