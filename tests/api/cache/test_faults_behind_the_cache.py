"""The warehouse fails, is slow, hangs or is out of quota behind the cache, and the shared store fails too."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx2
import pytest

from exposure.api.cache.redis_entries import RedisEntries
from exposure.api.cache.sealed import EntrySealer
from exposure.identity.redis_connection import connect_redis
from exposure.warehouse.port import Unavailability, WarehouseUnavailable
from fakes.api_house import TOKEN_KEY
from fakes.cached_house import STALE, STANDING_IN, status_of
from fakes.fault_scene import FaultScene, assert_stale, opened, until
from fakes.faulty_reader import for_ever
from fakes.redis_server import RedisServer, running_redis

SECRET = "projects/secret/tables/hidden"
URLS = [
    "/v1/orders?page_size=3",
    "/v1/orders/ord-000001",
    "/v1/orders:aggregate?group=currency",
    "/v1/orders:facets?columns=currency",
]
ONE = URLS[0]
LAST, PAST = 49.9, 50.0
DOWN = WarehouseUnavailable(f"{SECRET} is gone")


@pytest.fixture
async def scene(warehouse: duckdb.DuckDBPyConnection) -> AsyncIterator[FaultScene]:
    async with opened(warehouse, None) as scene:
        yield scene


def problem(answer: httpx2.Response, status: int, code: str) -> Any:
    """Return the problem, which must be whole, kept by nobody, and say nothing of what is behind."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert not answer.headers.keys() & {"etag", "age"}
    assert SECRET not in answer.text
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "code", "retryable", "request_id"}
    assert (body["status"], body["code"], body["retryable"]) == (status, code, True)
    return body


def unavailable(answer: httpx2.Response) -> int:
    """Return for how many seconds it says asking again is in vain."""
    problem(answer, 503, "UPSTREAM_UNAVAILABLE")
    return int(answer.headers["retry-after"])


@pytest.mark.parametrize("url", URLS)
async def test_what_was_kept_outlasts_a_warehouse_that_fails_inside_its_windows_and_no_longer(
    scene: FaultScene, url: str
) -> None:
    [first] = await scene.begin(url)
    scene.inside.failure = DOWN
    scene.come_to(STALE)
    assert_stale(await scene.get(url), first, "stale-while-revalidate", STALE)
    await scene.settle()
    scene.come_to(STANDING_IN)
    for _ in range(12):
        assert_stale(await scene.get(url), first, "stale-if-error", STANDING_IN)
    # Five failures, one of them behind the stale answer, and the warehouse is left alone.
    asked = scene.inside.asked
    assert asked == 1 + 5
    scene.come_to(LAST)
    assert_stale(await scene.get(url), first, "stale-if-error", LAST)
    assert scene.inside.asked == asked
    scene.come_to(PAST)
    assert unavailable(await scene.get(url)) >= 1


@pytest.mark.parametrize("url", URLS)
async def test_a_warehouse_that_is_well_again_is_found_so_by_one_question_and_then_asked_once_a_step(
    scene: FaultScene, url: str
) -> None:
    [first] = await scene.begin(url)
    scene.inside.failure = DOWN
    scene.come_to(STANDING_IN)
    for _ in range(6):
        await scene.get(url)
    asked, scene.inside.failure = scene.inside.asked, None
    assert_stale(await scene.get(url), first, "stale-if-error", STANDING_IN)
    assert scene.inside.asked == asked
    scene.turn(5)
    assert [status_of(await scene.get(url)) for _ in range(3)] == ["fwd=miss; stored", "hit", "hit"]
    assert scene.inside.asked == asked + 1
    # Many at a time again: it is not left alone any more.
    others = [f"{ONE}&total.gt={number}" for number in range(5)]
    answers = await asyncio.gather(*(scene.client.get(other) for other in others))
    assert [answer.status_code for answer in answers] == [200] * 5


@pytest.mark.parametrize("url", URLS)
async def test_nobody_waits_for_a_slow_warehouse_while_what_was_kept_may_be_given(
    scene: FaultScene, url: str
) -> None:
    [first] = await scene.begin(url)
    scene.inside.wait = lambda: asyncio.sleep(3)
    scene.come_to(STALE)
    for _ in range(5):
        assert_stale(await scene.get(url), first, "stale-while-revalidate", STALE)
    await scene.settle(seconds=3)
    again = await scene.get(url)
    assert (status_of(again), scene.inside.asked) == ("hit", 2)
    assert int(again.headers["age"]) < STALE
    await scene.begin()
    scene.come_to(2 * STANDING_IN)
    late = await scene.get(url, seconds=3)
    assert (status_of(late), late.headers["x-tier"]) == ("fwd=miss; stored", "warehouse")


@pytest.mark.parametrize("url", URLS)
async def test_what_was_kept_stands_in_at_the_deadline_of_a_warehouse_that_hangs(
    scene: FaultScene, url: str
) -> None:
    [first] = await scene.begin(url)
    scene.inside.wait = for_ever
    scene.come_to(STALE)
    assert_stale(await scene.get(url), first, "stale-while-revalidate", STALE)
    await scene.settle(seconds=8)
    scene.come_to(41)
    assert_stale(await scene.get(url, seconds=8), first, "stale-if-error", 49)
    # In time when it was asked for, and not any more when it is given.
    problem(await scene.get(url, seconds=8), 504, "DEADLINE_EXCEEDED")
    assert (scene.inside.cancelled, scene.inside.under_way) == (3, 0)


async def test_once_a_hanging_warehouse_is_left_alone_what_was_kept_stands_in_at_once(
    scene: FaultScene,
) -> None:
    kept = await scene.begin(*URLS)
    scene.inside.wait = for_ever
    scene.come_to(41)
    asking = [asyncio.ensure_future(scene.client.get(f"{ONE}&total.gt={number}")) for number in range(5)]
    await until(lambda: scene.inside.under_way == 5)
    scene.turn(8)
    for answer in await asyncio.gather(*asking):
        problem(answer, 504, "DEADLINE_EXCEEDED")
    asked = scene.inside.asked
    for url, first in zip(URLS, kept, strict=True):
        assert_stale(await scene.get(url), first, "stale-if-error", 49)
    assert scene.inside.asked == asked
    assert unavailable(await scene.get(f"{ONE}&total.gt=9")) == 5


@pytest.mark.parametrize(
    ("reason", "pause"), [(Unavailability.QUOTA, 600), (Unavailability.RATE, 20)], ids=["quota", "rate"]
)
@pytest.mark.parametrize("url", URLS)
async def test_a_quota_that_is_used_up_is_tried_once_and_what_was_kept_given_as_long_as_it_may(
    scene: FaultScene, url: str, reason: Unavailability, pause: int
) -> None:
    [first] = await scene.begin(url)
    scene.inside.failure = WarehouseUnavailable(SECRET, reason, timedelta(seconds=pause))
    scene.come_to(STANDING_IN)
    for _ in range(5):
        assert_stale(await scene.get(url), first, "stale-if-error", STANDING_IN)
    assert scene.inside.asked == 2
    scene.come_to(PAST)
    assert unavailable(await scene.get(url)) == pause - 5
    scene.inside.failure = None
    assert scene.inside.asked == 2
    scene.turn(pause - 5)
    assert status_of(await scene.get(url)) == "fwd=miss; stored"


async def test_a_failure_is_not_kept(scene: FaultScene) -> None:
    await scene.begin()
    scene.inside.failure = DOWN
    problem(await scene.get(ONE), 503, "UPSTREAM_UNAVAILABLE")
    scene.inside.failure = None
    assert [status_of(await scene.get(ONE)) for _ in range(2)] == ["fwd=miss; stored", "hit"]


async def _goes_down(server: RedisServer) -> None:
    server.process.kill()
    server.process.wait()


async def _hangs(server: RedisServer) -> None:
    os.kill(server.process.pid, signal.SIGSTOP)


async def _is_full(server: RedisServer) -> None:
    redis = connect_redis(server.url)
    await redis.config_set("maxmemory", "1")
    await redis.flushall()
    await redis.aclose()


async def _stays(_: RedisServer) -> None:
    """Leave the server alone."""


@pytest.mark.parametrize("policy", ["noeviction", "allkeys-lru"])
@pytest.mark.parametrize("strike", [_stays, _goes_down, _hangs, _is_full])
async def test_whatever_becomes_of_the_shared_store_too_the_answers_are_the_same(
    warehouse: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    strike: Callable[[RedisServer], Awaitable[None]],
    policy: str,
) -> None:
    with running_redis(tmp_path, "--maxmemory-policy", policy) as server:
        entries = RedisEntries(connect_redis(server.url), EntrySealer([TOKEN_KEY]))
        async with opened(warehouse, entries) as scene:
            assert await entries.get(b"") is None
            await until(lambda: entries._is_there)
            [first] = await scene.begin(ONE)
            await strike(server)
            scene.inside.failure = DOWN
            scene.come_to(STALE)
            assert_stale(await scene.get(ONE), first, "stale-while-revalidate", STALE)
            await scene.settle()
            scene.come_to(STANDING_IN)
            for _ in range(5):
                assert_stale(await scene.get(ONE), first, "stale-if-error", STANDING_IN)
            assert scene.inside.asked == 6
            scene.come_to(PAST)
            scene.inside.failure = None
            assert [status_of(await scene.get(ONE)) for _ in range(2)] == ["fwd=miss; stored", "hit"]
