"""Whatever state the cache is in, nobody gets a byte of what another may see and they may not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import fakeredis
import httpx2
import pytest
from duckdb import DuckDBPyConnection

from exposure.api.cache.redis_entries import RedisEntries
from exposure.api.cache.sealed import EntrySealer
from exposure.warehouse.port import WarehouseUnavailable
from fakes.cached_house import STALE, STANDING_IN, CachedHouse, cached_house, rows_told, status_of
from fakes.guarded_house import TENANTS, guarded_house, secret_of
from fakes.turned_clock import TurnedClock

KEYS = ("bank", "nothing", None, *(f"{scope}-{tenant}" for tenant in TENANTS for scope in ("open", "blind")))
URLS = (
    "/v1/payments?page_size=1000",
    "/v1/payments?tenant.in=acme,bolt,coop&page_size=1000",
    "/v1/payments?where=amount gte 0 or amount lt 0&page_size=2",
    "/v1/payments?count=exact&format=csv",
    "/v1/payments/pay-acme-1",
    "/v1/payments/pay-bolt-1",
    "/v1/payments:aggregate?group=note&measures=count,sum:amount",
    "/v1/payments:facets?columns=note",
    "/v1/ledger?page_size=2",
    "/v1/rates?page_size=2",
)
State = Callable[[CachedHouse], Awaitable[str | None]]
Told = dict[tuple[str | None, str], httpx2.Response]


ASKED = tuple((key, url) for key in KEYS for url in URLS)


async def ask_all(house: Any, asked: Iterable[tuple[str | None, str]] = ASKED) -> Told:
    return {(key, url): await house.get(url, key) for key, url in asked}


async def cold(_: CachedHouse) -> str | None:
    return None


async def hit(house: CachedHouse) -> str | None:
    await ask_all(house)
    await ask_all(house)
    return "hit"


async def stale(house: CachedHouse) -> str | None:
    await ask_all(house)
    house.age(STALE)
    return "hit; detail=stale-while-revalidate"


async def revalidating(house: CachedHouse) -> str | None:
    await ask_all(house)
    house.age(STALE)
    house.house.reader.gate = asyncio.Event()
    return "hit; detail=stale-while-revalidate"


async def failing(house: CachedHouse) -> str | None:
    await ask_all(house)
    house.age(STANDING_IN)
    house.house.reader.failure = WarehouseUnavailable("down")
    return "hit; detail=stale-if-error"


STATES = (cold, hit, stale, revalidating, failing)


def is_isolated(told: Told, alone: Told, status: str | None) -> None:
    """Compare with what an API that keeps nothing tells, and look for what is somebody else's."""
    for (key, url), answer in told.items():
        expected = alone[key, url]
        assert answer.status_code == expected.status_code, (key, url, answer.text)
        if answer.status_code != 200:
            continue
        assert rows_told(answer) == rows_told(expected), (key, url)
        # Two keys of one view share what the first of them has fetched.
        assert status is None or status_of(answer) in (status, "hit"), (key, url)
        tenant = key.partition("-")[2] if key and "-" in key else None
        for other in set(TENANTS) - {tenant} if key != "bank" else ():
            said = (answer.text + repr(answer.headers)).replace(url, "")
            assert f"pay-{other}" not in said, (key, url)
            assert secret_of(other) not in said, (key, url)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_no_key_gets_a_byte_of_another_in_any_state(
    tmp_path: Path, vault: DuckDBPyConnection, state: State
) -> None:
    async with guarded_house(tmp_path, vault) as plain:
        alone = await ask_all(plain)
    async with cached_house(tmp_path, vault) as house:
        status = await state(house)
        # What was refused is not kept, and waits or fails with the warehouse.
        kept = [one for one in ASKED if state in (cold, hit) or alone[one].status_code == 200]
        is_isolated(await ask_all(house, kept), alone, status)


async def test_no_key_gets_a_byte_of_another_when_only_the_shared_store_has_any(
    tmp_path: Path, vault: DuckDBPyConnection
) -> None:
    async with guarded_house(tmp_path, vault) as plain:
        alone = await ask_all(plain)
    store, clock = fakeredis.FakeServer(), TurnedClock()
    shared = [
        RedisEntries(fakeredis.FakeAsyncRedis(server=store), EntrySealer([bytes(32)])) for _ in range(2)
    ]
    for one in shared:
        one._is_there = True
    async with cached_house(tmp_path, vault, shared=shared[0], clock=clock) as first:
        await ask_all(first)
        await first.settle()
    async with cached_house(tmp_path, vault, shared=shared[1], clock=clock) as house:
        told = await ask_all(house)
        # Nobody's row that is not theirs was kept; who has no grant is refused without a question.
        refused = [one for one in told if told[one].status_code == 404 and one[0] not in ("nothing", None)]
        assert house.asked == sum("/pay-" in url for _, url in refused)
        is_isolated(told, alone, "hit; detail=shared")
