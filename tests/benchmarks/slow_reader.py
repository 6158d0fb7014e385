"""A warehouse as slow as BigQuery is said to be: a Reader around another, later by a drawn latency.

Latencies are log-normal, as times of services that wait for many others are. The figures are a guess until
somebody measures them: no source publishes any for short queries.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import TypeVar

from exposure.contracts.model import Contract
from exposure.query.aggregate import Aggregation
from exposure.query.model import Query, Snapshot
from exposure.warehouse.port import Groups, Page, Plan, RowStream
from exposure.warehouse.replica.source import Warehouse

A = TypeVar("A", Page, Groups)
# Of each query and table at least 10 MB are billed. https://cloud.google.com/bigquery/pricing#on_demand_pricing
LEAST_BYTES = 10 * 2**20
DOLLARS_PER_TIB = 6.25
# The 95th percentile of a standard normal distribution.
_Z95 = 1.6448536269514722


@dataclass(frozen=True)
class Latency:
    """A log-normal distribution, by its median and its 95th percentile, in seconds."""

    median: float = 0.7
    p95: float = 2.0

    @property
    def sigma(self) -> float:
        """Return the standard deviation of its logarithm."""
        return math.log(self.p95 / self.median) / _Z95

    def draw(self, source: random.Random) -> float:
        """Return one latency."""
        return source.lognormvariate(math.log(self.median), self.sigma)


def dollars(calls: float) -> float:
    """Return what so many questions cost that are billed the least."""
    return calls * LEAST_BYTES / 2**40 * DOLLARS_PER_TIB


class SlowReader:
    """Is a Warehouse; `calls` counts questions, answered or not, and `readings` those of whole tables."""

    def __init__(self, reader: Warehouse, latency: Latency, seed: int) -> None:
        self._reader = reader
        self._latency = latency
        self._random = random.Random(seed)
        self.calls = 0
        self.readings = 0

    async def select(self, query: Query) -> Page:
        return await self._late(self._reader.select(query))

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        return await self._late(self._reader.aggregate(aggregation))

    async def estimate(self, counted: Aggregation) -> Groups:
        return await self._late(self._reader.estimate(counted))

    async def stream(self, query: Query) -> RowStream:
        self.calls += 1
        return await self._reader.stream(query)

    async def newest(self, contract: Contract) -> Snapshot:
        return await self._reader.newest(contract)

    async def stored(self, query: Query) -> RowStream:
        self.readings += 1
        await asyncio.sleep(self._latency.draw(self._random))
        return await self._reader.stored(query)

    async def explain(self, question: Query | Aggregation) -> Plan:
        return await self._reader.explain(question)

    async def close(self) -> None:
        await self._reader.close()

    async def _late(self, answer: Awaitable[A]) -> A:
        self.calls += 1
        found = await answer
        await asyncio.sleep(self._latency.draw(self._random))
        return replace(found, bytes_billed=LEAST_BYTES)
