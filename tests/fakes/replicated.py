"""A replica in front of a house's reader, and what it passes on; it reads when it is told to."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from exposure.api.hiding import HidingReader
from exposure.contracts.hot_window import WHOLE_TABLE
from exposure.contracts.model import Contract
from exposure.query.model import Row
from exposure.warehouse.port import Writer
from exposure.warehouse.replica.follower import Follower, Timing
from exposure.warehouse.replica.limits import ReplicaLimits
from exposure.warehouse.replica.replica_reader import ReplicaReader
from exposure.warehouse.replica.source import StoredRows
from exposure.warehouse.schema import Table
from fakes.house import House, duckdb_house
from fakes.rows import NOON
from fakes.watched_reader import WatchedReader

# For rows that bear stamps of long ago: each reading is of all of them.
ALL_AGAIN = ReplicaLimits(overlap=timedelta(days=36_500))


class TurnedHands:
    """A clock that is turned by hand, and that sleeping turns."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclasses.dataclass(frozen=True)
class Replicated:
    """`reader` asks the replica and, behind it, `behind`; nothing is read until `follower` is told to."""

    house: House
    follower: Follower
    reader: HidingReader
    behind: WatchedReader
    clock: TurnedHands


@asynccontextmanager
async def replicated(
    house: House, window: timedelta = WHOLE_TABLE, limits: ReplicaLimits | None = None
) -> AsyncIterator[Replicated]:
    """Build a replica over the house, which it does not close; it follows only on demand."""
    clock = TurnedHands()
    contract = dataclasses.replace(house.contract, replica=window, retention=None)
    source: StoredRows = house.reader  # type: ignore[assignment]  # both adapters are sources as well
    follower = Follower(contract, source, limits, Timing(clock, clock.sleep))
    behind = WatchedReader(house.reader)
    replicas = ReplicaReader(behind, [follower])
    replicas._has_begun = True
    try:
        yield Replicated(house, follower, HidingReader(replicas), behind, clock)
    finally:
        await follower.close()


class _LoadingWriter:
    """Loads the replica anew after each append."""

    def __init__(self, writer: Writer, load: Callable[[], Awaitable[None]]) -> None:
        self._writer = writer
        self._load = load

    async def append(self, table: Table, rows: Sequence[Row]) -> Mapping[int, str]:
        refused = await self._writer.append(table, rows)
        await self._load()
        return refused

    async def ready(self) -> None:
        await self._writer.ready()

    async def close(self) -> None:
        await self._writer.close()


@asynccontextmanager
async def replica_house(contract: Contract) -> AsyncIterator[House]:
    """Build a house in memory whose reader is a replica that always holds all rows."""
    async with duckdb_house(contract) as house, replica_house_of(house) as replica:
        yield replica


@asynccontextmanager
async def replica_house_of(house: House) -> AsyncIterator[House]:
    """Build the same house with a replica in front of its reader, which always holds all rows."""
    async with replicated(house) as replica:
        await replica.follower.load()
        writer = _LoadingWriter(house.writer, replica.follower.load)
        yield dataclasses.replace(house, reader=replica.reader, writer=writer)
