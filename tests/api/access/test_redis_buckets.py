"""Buckets that processes share: the script is run by the store's own language, on a store in memory."""

from __future__ import annotations

import fakeredis
import pytest

from exposure.api.access.rate_limit import FallbackBuckets, LocalBuckets, Quota, StoreUnavailable
from exposure.api.access.redis_buckets import RedisBuckets
from exposure.identity.redis_connection import connect_redis

QUOTA = Quota("caller", 3, 3600)


@pytest.fixture
def store() -> fakeredis.FakeServer:
    return fakeredis.FakeServer()


def buckets_in(store: fakeredis.FakeServer) -> RedisBuckets:
    return RedisBuckets(fakeredis.FakeAsyncRedis(server=store))


async def test_processes_spend_from_one_bucket_and_not_one_more(store: fakeredis.FakeServer) -> None:
    one, other = buckets_in(store), buckets_in(store)
    standings = [await buckets.take(QUOTA, "a") for buckets in (one, other, one, other, one)]
    assert [standing.remaining for standing in standings] == [2, 1, 0, 0, 0]
    assert [standing.is_refused for standing in standings] == [False, False, False, True, True]
    assert 1190 < standings[-1].wait_seconds <= 1200
    assert not (await one.take(QUOTA, "b")).is_refused
    await one.close()
    await other.close()


async def test_a_bucket_is_forgotten_when_it_is_full_again(store: fakeredis.FakeServer) -> None:
    redis = fakeredis.FakeAsyncRedis(server=store)
    buckets = RedisBuckets(redis)
    await buckets.take(QUOTA, "a")
    (key,) = await redis.keys("*")
    assert 1_190_000 < await redis.pttl(key) <= 1_200_000
    await buckets.close()


async def test_without_an_answer_the_processes_own_bucket_counts() -> None:
    # Nobody listens on the port for discarding.
    shared = RedisBuckets(connect_redis("redis://127.0.0.1:9"))
    with pytest.raises(StoreUnavailable):
        await shared.take(QUOTA, "a")
    buckets = FallbackBuckets(shared, LocalBuckets())
    assert [(await buckets.take(QUOTA, "a")).is_refused for _ in range(4)] == [False, False, False, True]
    await buckets.close()


async def test_a_store_that_goes_down_is_an_answer_that_does_not_come(store: fakeredis.FakeServer) -> None:
    buckets = buckets_in(store)
    await buckets.take(QUOTA, "a")
    store.connected = False
    with pytest.raises(StoreUnavailable):
        await buckets.take(QUOTA, "a")
    await buckets.close()
