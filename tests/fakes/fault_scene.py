"""The API with its cache over a warehouse that fails as a test says, all in time that a test lets pass.

Everything is as a deployment has it: steps of the clock, the windows it promises by, and the guarded reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import duckdb
import httpx2

from exposure.api.access.door import Door
from exposure.api.app import build_api
from exposure.api.cache.answers import Cache
from exposure.api.cache.front import Front
from exposure.api.cache.shared import NothingShared, Shared
from exposure.api.cache.store import Store
from exposure.api.cache.versions import TimeSteps
from exposure.api.seal import TokenSealer
from exposure.contracts.catalog import CATALOG
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.limited_reader import LimitedReader, ReaderLimits
from fakes.api_house import TOKEN_KEY
from fakes.cached_house import ROOM, WINDOWS, status_of
from fakes.faulty_reader import FaultyReader
from fakes.rows import NOON
from fakes.turned_clock import TurnedClock
from fakes.virtual_time import VirtualTime

CONTRACT = "orders"
PATIENCE_SECONDS = 20


class FaultScene:
    """The API with its cache, the warehouse behind both, and the time in which all of it happens."""

    def __init__(self, warehouse: duckdb.DuckDBPyConnection, time: VirtualTime, shared: Shared) -> None:
        self._time = time
        self._clock = TurnedClock()
        self.inside = FaultyReader(DuckDBReader(warehouse, clock=lambda: NOON))
        self.versions = TimeSteps(WINDOWS.lifetime, self._clock)
        limits = ReaderLimits(per_second=1000, burst=1000)
        cache = Cache(self.versions, WINDOWS, Store(ROOM), shared, limits.deadline * 2, self._clock)
        reader = LimitedReader(self.inside, limits, self._clock)
        app = build_api(CATALOG, reader, TokenSealer([TOKEN_KEY]), Door(clock=lambda: NOON), cache)
        assert isinstance(app, Front)
        self.answers = app._answers
        self.client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api")
        self._begun = 0.0

    async def begin(self, *urls: str) -> list[httpx2.Response]:
        """Return the answers that are kept of a step that has just begun."""
        self.turn(self.versions.current(CONTRACT).at + WINDOWS.lifetime.total_seconds() - self._clock())
        self._begun = self.versions.current(CONTRACT).at
        answers = [await self.client.get(url) for url in urls]
        assert [status_of(answer) for answer in answers] == ["fwd=miss; stored"] * len(urls)
        await self.settle()
        return answers

    def turn(self, seconds: float) -> None:
        """Let time pass, of the clocks and of what waits."""
        self._clock.turn(seconds)
        self._time.advance(seconds)

    def come_to(self, age: float) -> None:
        """Let time pass until those answers are so many seconds old."""
        self.turn(self._begun + age - self._clock())

    async def get(self, url: str, seconds: float = 0) -> httpx2.Response:
        """Return the answer; with seconds, one that the warehouse is asked for and that takes so long."""
        asking = asyncio.ensure_future(self.client.get(url))
        if seconds:
            await until(lambda: self.inside.under_way)
            assert not asking.done()
            self.turn(seconds)
        return await asking

    async def settle(self, seconds: float = 0) -> None:
        """Return when nothing is being made behind the answers; with seconds, what then takes so long."""
        if seconds:
            await until(lambda: self.inside.under_way)
            self.turn(seconds)
        await until(lambda: not self.answers.is_busy)


async def until(condition: Callable[[], object]) -> None:
    for _ in range(PATIENCE_SECONDS * 1000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never came to that")


@asynccontextmanager
async def opened(warehouse: duckdb.DuckDBPyConnection, shared: Shared | None) -> AsyncIterator[FaultScene]:
    with VirtualTime() as time:
        scene = FaultScene(warehouse, time, shared or NothingShared())
        async with scene.client:
            yield scene
        await scene.answers.close()
        await scene.inside.close()


def assert_stale(answer: httpx2.Response, first: httpx2.Response, why: str, age: float) -> None:
    """Assert that it is the first answer again, and says why and how old it is."""
    assert (answer.status_code, answer.content) == (200, first.content)
    assert (status_of(answer), answer.headers["x-tier"]) == (f"hit; detail={why}", "stale")
    assert (answer.headers["etag"], answer.headers["x-as-of"]) == (
        first.headers["etag"],
        first.headers["x-as-of"],
    )
    assert int(answer.headers["age"]) == int(age)
