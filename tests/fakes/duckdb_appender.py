"""A process that appends to a DuckDB file until it is killed, naming each append once it is answered.

Arguments: the file. Each line of its output is the number of an answered append of ten rows.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from exposure.contracts import orders
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.schema import rows_table
from fakes.rows import order_row

ROWS = 10


async def append_for_ever(path: Path) -> None:
    """Append rows `<append>-<row>`, ten at a time."""
    table = rows_table(orders.CONTRACT)
    writer = DuckDBWriter(open_duckdb(path, [table]))
    for number in itertools.count():
        await writer.append(table, [order_row(order_id=f"{number}-{row}") for row in range(ROWS)])
        print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(append_for_ever(Path(sys.argv[1])))
