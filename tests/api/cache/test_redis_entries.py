"""Answers that instances share: a real server, and everything that can be wrong with one."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given
from hypothesis import strategies as st

from exposure.api.cache.entry import Entry
from exposure.api.cache.redis_entries import RedisEntries
from exposure.api.cache.sealed import EntrySealer
from exposure.api.cache.versions import Version
from exposure.identity.redis_connection import connect_redis
from fakes.cached_house import STALE, STANDING_IN, cached_house, rows_told, status_of
from fakes.redis_server import RedisServer, SilentServer, running_redis
from fakes.turned_clock import TurnedClock

URL = "/v1/payments?page_size=3"
SECRET, OTHER_SECRET = bytes(32), bytes([1]) * 32
DIGEST, OTHER_DIGEST = b"d" * 32, b"e" * 32
ENTRY = Entry(Version("7", 1.5), ((b"content-type", b"text/plain"),), b"body")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as running:
        yield running


@asynccontextmanager
async def entries_at(
    url: str, *secrets: bytes, clock: TurnedClock | None = None
) -> AsyncIterator[RedisEntries]:
    """Open the shared answers and look for the server once."""
    entries = RedisEntries(connect_redis(url), EntrySealer(secrets or (SECRET,)), clock or TurnedClock())
    assert await entries.get(DIGEST) is None
    await looked(entries)
    yield entries
    await entries.close()


async def looked(entries: RedisEntries) -> None:
    """Return when the look for the server that is under way has ended."""
    if entries._looking is not None:
        await asyncio.wait((entries._looking,))


def same(one: Entry | None, other: Entry) -> bool:
    return one is not None and (one.version, one.fields, one.body) == (
        other.version,
        other.fields,
        other.body,
    )


async def test_what_one_instance_keeps_another_has(server: RedisServer) -> None:
    async with entries_at(server.url) as one, entries_at(server.url) as other:
        await one.put(DIGEST, ENTRY, 60)
        assert same(await other.get(DIGEST), ENTRY)
        assert await other.get(OTHER_DIGEST) is None


async def test_what_is_kept_is_forgotten_when_it_is_of_no_more_use(server: RedisServer) -> None:
    async with entries_at(server.url) as entries:
        await entries.put(DIGEST, ENTRY, 1.5)
        [key] = await entries._redis.keys("*")
        assert 0 < await entries._redis.pttl(key) <= 1500
        await entries.put(OTHER_DIGEST, ENTRY, -1)
        assert await entries.get(OTHER_DIGEST) is None


async def test_neither_a_changed_nor_a_moved_nor_a_foreign_value_is_an_answer(server: RedisServer) -> None:
    async with entries_at(server.url) as entries, entries_at(server.url, OTHER_SECRET) as stranger:
        await entries.put(DIGEST, ENTRY, 60)
        [key] = await entries._redis.keys("*")
        sealed = await entries._redis.get(key)
        assert isinstance(sealed, bytes)
        assert b"body" not in sealed
        values = [b"", b"x", sealed[:-1], sealed + b"x", sealed[:20], os.urandom(200)]
        values += [bytes(b ^ (i == at) for i, b in enumerate(sealed)) for at in range(len(sealed))]
        for value in values:
            await entries._redis.set(key, value)
            assert await entries.get(DIGEST) is None
        assert isinstance(key, bytes)
        await entries._redis.set(key.replace(DIGEST, OTHER_DIGEST), sealed)
        assert await entries.get(OTHER_DIGEST) is None
        await stranger.put(DIGEST, ENTRY, 60)
        assert await entries.get(DIGEST) is None
        await entries._redis.delete(key)
        await entries._redis.lpush(key, "another", "type")
        assert await entries.get(DIGEST) is None
        # All of these are of one key each: the store itself is there.
        assert entries._is_there


@given(st.binary(max_size=300))
def test_no_bytes_that_were_not_sealed_open(sealed: bytes) -> None:
    assert EntrySealer([SECRET]).open(DIGEST, sealed) is None


def test_a_secret_may_be_replaced_while_the_one_before_still_opens() -> None:
    sealed = EntrySealer([SECRET]).seal(DIGEST, ENTRY)
    assert same(EntrySealer([OTHER_SECRET, SECRET]).open(DIGEST, sealed), ENTRY)
    assert EntrySealer([OTHER_SECRET]).open(DIGEST, sealed) is None


async def test_a_server_that_goes_down_is_left_alone_and_found_again(tmp_path: Path) -> None:
    clock = TurnedClock()
    with running_redis(tmp_path) as server:
        async with entries_at(server.url, clock=clock) as entries:
            await entries.put(DIGEST, ENTRY, 60)
            server.process.kill()
            server.process.wait()
            assert await entries.get(DIGEST) is None
            assert not entries._is_there
            assert await entries.get(DIGEST) is None
            assert entries._looking is None
            with running_redis(tmp_path, port=server.port):
                clock.turn(2)
                assert await entries.get(DIGEST) is None
                await looked(entries)
                await entries.put(DIGEST, ENTRY, 60)
                assert same(await entries.get(DIGEST), ENTRY)


async def test_a_server_that_hangs_is_waited_for_once_and_not_long(server: RedisServer) -> None:
    async with entries_at(server.url) as entries:
        await entries.put(DIGEST, ENTRY, 60)
        # The connection's own patience is not what is relied on.
        entries._redis.connection_pool.connection_kwargs["socket_timeout"] = None
        await entries._redis.connection_pool.disconnect()
        entries._redis.connection_pool.reset()  # type: ignore[no-untyped-call]
        assert await entries.get(DIGEST) is not None
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(5):
                assert await asyncio.gather(*(entries.get(DIGEST) for _ in range(20))) == [None] * 20
            assert not entries._is_there
        finally:
            os.kill(server.process.pid, signal.SIGCONT)


async def test_nobody_waits_for_a_server_that_has_never_answered() -> None:
    async with SilentServer() as silent, entries_at(silent.url) as entries:
        assert not entries._is_there
        async with asyncio.timeout(5):
            assert await entries.get(DIGEST) is None


async def test_a_full_server_is_still_read_and_not_written_to_for_a_while(tmp_path: Path) -> None:
    clock = TurnedClock()
    with running_redis(tmp_path, "--maxmemory-policy", "noeviction") as server:
        async with entries_at(server.url, clock=clock) as entries:
            await entries.put(DIGEST, ENTRY, 60)
            await entries._redis.config_set("maxmemory", "1")
            await entries.put(OTHER_DIGEST, ENTRY, 60)
            assert same(await entries.get(DIGEST), ENTRY)
            await entries._redis.config_set("maxmemory", "0")
            await entries.put(OTHER_DIGEST, ENTRY, 60)
            assert await entries.get(OTHER_DIGEST) is None
            clock.turn(2)
            await entries.put(OTHER_DIGEST, ENTRY, 60)
            assert same(await entries.get(OTHER_DIGEST), ENTRY)


async def test_the_api_goes_on_whatever_the_server_does(
    tmp_path: Path, vault: DuckDBPyConnection, server: RedisServer
) -> None:
    async with entries_at(server.url) as entries, cached_house(tmp_path, vault, shared=entries) as house:
        first = await house.get(URL)
        await house.settle()
        await entries._redis.flushall()
        assert status_of(await house.get(URL)) == "hit"
        house.age(STANDING_IN)
        await entries._redis.set("exposure:answer:x", "y")
        assert status_of(await house.get(URL)) == "fwd=miss; stored"
        await house.settle()
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            house.age(STANDING_IN)
            assert rows_told(await house.get(URL)) == rows_told(first)
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        server.process.kill()
        house.age(STANDING_IN)
        assert rows_told(await house.get(URL)) == rows_told(first)


async def test_an_instance_that_begins_uses_what_others_keep_and_refreshes_it_once(
    tmp_path: Path, vault: DuckDBPyConnection, server: RedisServer
) -> None:
    clock = TurnedClock()
    async with (
        entries_at(server.url) as shared,
        cached_house(tmp_path, vault, shared=shared, clock=clock) as one,
    ):
        first = await one.get(URL)
        await one.settle()
        async with cached_house(tmp_path, vault, shared=shared, clock=clock) as other:
            again = await other.get(URL)
            assert (again.content, status_of(again), other.asked) == (first.content, "hit; detail=shared", 0)
            assert (again.headers["x-tier"], again.headers["etag"]) == ("cache", first.headers["etag"])
            assert status_of(await other.get(URL)) == "hit"
        async with cached_house(tmp_path, vault, shared=shared, clock=clock) as late:
            late.age(0)
            late.clock.turn(STALE)
            assert status_of(await late.get(URL)) == "hit; detail=stale-while-revalidate"
            assert status_of(await late.get(URL)) == "hit; detail=stale-while-revalidate"
            await late.settle()
            assert late.asked == 1
            assert status_of(await late.get(URL)) == "hit"
