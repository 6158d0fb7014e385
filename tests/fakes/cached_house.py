"""The house of several tenants with a cache before it, whose versions and clock a test turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx2

from exposure.api.cache.answers import Answers, Cache
from exposure.api.cache.front import Front
from exposure.api.cache.shared import NothingShared, Shared
from exposure.api.cache.store import Store
from exposure.api.cache.versions import Version
from exposure.api.cache.windows import Windows
from fakes.guarded_house import GuardedHouse, guarded_house
from fakes.turned_clock import TurnedClock

WINDOWS = Windows(timedelta(seconds=20), timedelta(seconds=20), timedelta(seconds=30))
FRESH, STALE, STANDING_IN, PAST = 0.0, 25.0, 45.0, 60.0
ROOM = 4 * 2**20


class TurnedVersions:
    """Versions a test counts on; each begins when it was turned to."""

    def __init__(self, clock: TurnedClock) -> None:
        self._clock = clock
        self._versions: dict[str, Version] = {}

    def current(self, contract: str) -> Version:
        return self._versions.setdefault(contract, Version("1", self._clock()))

    def turn(self, *contracts: str) -> None:
        """Begin the next version of these tables."""
        for contract in contracts:
            mark = int(self.current(contract).mark) + 1
            self._versions[contract] = Version(str(mark), self._clock())


@dataclass(frozen=True)
class CachedHouse:
    """The house, what its cache holds, and what turns it."""

    house: GuardedHouse
    cache: Cache
    answers: Answers
    versions: TurnedVersions
    clock: TurnedClock = field(default_factory=TurnedClock)

    @property
    def asked(self) -> int:
        """Return how many questions the warehouse was asked."""
        return len(self.house.reader.questions)

    async def get(self, url: str, key: str | None = "bank", **headers: str) -> httpx2.Response:
        return await self.house.get(url, key, **headers)

    def age(self, seconds: float) -> None:
        """Let that much time pass, and every table change in it."""
        self.clock.turn(seconds)
        self.versions.turn("payments", "ledger", "rates")

    async def settle(self) -> None:
        """Return when nothing is being made behind the answers."""
        async with asyncio.timeout(20):
            while self.answers.is_busy:
                await asyncio.sleep(0.001)


@asynccontextmanager
async def cached_house(
    folder: Path,
    vault: duckdb.DuckDBPyConnection,
    *,
    shared: Shared | None = None,
    clock: TurnedClock | None = None,
    room: int = ROOM,
    windows: Windows = WINDOWS,
    patience: timedelta = timedelta(seconds=20),
    **changes: Any,
) -> AsyncIterator[CachedHouse]:
    """Open the house; `changes` are those of its door."""
    clock = clock or TurnedClock()
    versions = TurnedVersions(clock)
    cache = Cache(versions, windows, Store(room), shared or NothingShared(), patience, clock)
    async with guarded_house(folder, vault, cache=cache, **changes) as house:
        assert isinstance(house.app, Front)
        answers = house.app._answers
        yield CachedHouse(house, cache, answers, versions, clock)
        if house.reader.gate is not None:
            house.reader.gate.set()
        await answers.close()


def status_of(answer: httpx2.Response) -> str:
    """Return what an answer says of where it came from, without the name of who says it."""
    return answer.headers["cache-status"].removeprefix("exposure; ")


def rows_told(answer: httpx2.Response) -> Any:
    """Return what an answer tells of rows, without what no two makings of it have alike."""
    if answer.headers.get("content-type") != "application/json":
        return answer.text
    told = answer.json()
    return {name: told[name] for name in told if name not in ("stats", "as_of", "next_page_token")}
