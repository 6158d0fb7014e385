"""What the warehouse's tests share: the emulator, and each adapter as a house with empty tables."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from exposure.contracts import orders
from exposure.warehouse.bigquery_reader import BigQueryReader, BigQueryReaderLimits
from fakes.bigquery_emulator import BigQueryEmulator, running_emulator
from fakes.bigquery_rest import BigQueryRest, running_rest
from fakes.gate import Gate
from fakes.house import Build, House, bigquery_house, duckdb_house, rest_reader
from fakes.replicated import replica_house


@pytest.fixture(scope="session")
def bigquery_emulator() -> Iterator[BigQueryEmulator]:
    with running_emulator() as emulator:
        yield emulator


@pytest.fixture(params=["duckdb", "bigquery", "replica"])
def build(request: pytest.FixtureRequest) -> Build:
    """Return what builds a house of a contract on the adapter; the emulator starts when first needed."""
    if request.param == "duckdb":
        return duckdb_house
    if request.param == "replica":
        return replica_house
    emulator = request.getfixturevalue("bigquery_emulator")
    return lambda contract: bigquery_house(emulator, contract)


@pytest.fixture
async def house(build: Build) -> AsyncIterator[House]:
    """Return an empty house of the contract that uses every type."""
    async with build(orders.CONTRACT) as house:
        yield house


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Return a call that waits; it is let go at the end at the latest."""
    gate = Gate()
    yield gate
    gate.open.set()


@pytest.fixture
def rest() -> Iterator[BigQueryRest]:
    with running_rest() as rest:
        yield rest


@pytest.fixture
async def reader(rest: BigQueryRest) -> AsyncIterator[BigQueryReader]:
    """Return a reader of the canned service."""
    reader = rest_reader(rest, BigQueryReaderLimits(threads=2))
    yield reader
    await reader.close()


@pytest.fixture
async def hasty(rest: BigQueryRest) -> AsyncIterator[BigQueryReader]:
    """Return a reader of the canned service whose questions may take a second."""
    reader = rest_reader(rest, BigQueryReaderLimits(timedelta(seconds=1), threads=2))
    yield reader
    await reader.close()
