"""A process that appends to a DuckDB file until it is killed, naming each append once it is answered.

`append_until_killed` starts it and kills it. Argument: the file. Each line of its output is the number of an
answered append of ten rows.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
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


def append_until_killed(path: Path, number: int) -> int:
    """Append in a process that is killed when that append is answered; return the last that was answered."""
    roots = [str(Path(__file__).parents[2] / root) for root in ("src", "tests")]
    appender = subprocess.Popen(
        [sys.executable, __file__, str(path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(roots)},
        text=True,
    )
    assert appender.stdout is not None
    for line in appender.stdout:
        if int(line) == number:
            appender.kill()
            break
    return number + len(appender.communicate()[0].split())


if __name__ == "__main__":
    asyncio.run(append_for_ever(Path(sys.argv[1])))
