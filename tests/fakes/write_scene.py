"""A BigQuery writer and the fake server it writes to, with time moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from exposure.contracts import orders
from exposure.query.model import Row
from exposure.warehouse.bigquery_writer import BigQueryWriter
from exposure.warehouse.schema import Table, rows_table
from exposure.warehouse.write_limits import Timing, WriteLimits
from fakes.bigquery_write import FakeBigQueryWrite
from fakes.rows import order_row
from fakes.virtual_time import VirtualTime

TABLE = rows_table(orders.CONTRACT)
_TURNS = 5000


@dataclass(frozen=True)
class Scene:
    """Both ends of the wire. Waits for another try take no time, and their dice always show 1."""

    server: FakeBigQueryWrite
    writer: BigQueryWriter
    time: VirtualTime

    async def append(self, *names: str) -> dict[int, str]:
        """Append rows of these order ids."""
        return dict(await self.writer.append(TABLE, orders_of(names)))

    def stored(self) -> list[object]:
        """Return the order ids of the rows stored."""
        return [row[0] for row in self.server.rows(TABLE)]


def orders_of(names: Sequence[str]) -> list[Row]:
    """Return one row per order id."""
    return [order_row(order_id=name) for name in names]


async def until(condition: Callable[[], bool]) -> None:
    """Return once the condition holds; AssertionError when it never does."""
    for _ in range(_TURNS):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never came to that")


@asynccontextmanager
async def writing(
    limits: WriteLimits | None = None, tables: Sequence[Table] = (TABLE,)
) -> AsyncIterator[Scene]:
    """Start the server with the tables and a writer to it."""
    with VirtualTime() as time:
        async with FakeBigQueryWrite(tables) as server:
            timing = Timing(sleep=time.sleep, dice=lambda: 1.0)
            writer = BigQueryWriter("local", tables, endpoint=server.address, limits=limits, timing=timing)
            try:
                yield Scene(server, writer, time)
            finally:
                await writer.close()
