"""Token buckets, and what clients are told of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.api.access.rate_limit import (
    FallbackBuckets,
    Limits,
    LocalBuckets,
    Quota,
    Standing,
    StoreUnavailable,
    Turn,
    limit_fields,
)
from fakes.turned_clock import TurnedClock

QUOTA = Quota("caller", 10, 60)


async def spend(buckets: LocalBuckets | FallbackBuckets, number: int, subject: str = "a") -> list[Standing]:
    return [await buckets.take(QUOTA, subject) for _ in range(number)]


async def test_a_full_bucket_holds_the_quota_and_not_one_more(clock: TurnedClock) -> None:
    standings = await spend(LocalBuckets(clock), 12)
    assert [one.remaining for one in standings] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0]
    assert [one.is_refused for one in standings] == [False] * 10 + [True] * 2


async def test_a_bucket_fills_evenly(clock: TurnedClock) -> None:
    buckets = LocalBuckets(clock)
    await spend(buckets, 10)
    clock.turn(5.9)
    assert (await buckets.take(QUOTA, "a")).is_refused
    clock.turn(0.1)
    assert not (await buckets.take(QUOTA, "a")).is_refused
    assert (await buckets.take(QUOTA, "a")).is_refused
    clock.turn(3600)
    assert sum(not one.is_refused for one in await spend(buckets, 20)) == 10


async def test_a_refused_request_costs_nothing(clock: TurnedClock) -> None:
    buckets = LocalBuckets(clock)
    await spend(buckets, 500)
    clock.turn(6)
    assert not (await buckets.take(QUOTA, "a")).is_refused


async def test_who_waits_as_long_as_told_is_not_refused_and_who_comes_sooner_is(clock: TurnedClock) -> None:
    buckets = LocalBuckets(clock)
    await spend(buckets, 10)
    refused = await buckets.take(QUOTA, "a")
    clock.turn(refused.wait_seconds - 0.5)
    assert (await buckets.take(QUOTA, "a")).is_refused
    clock.turn(0.5)
    assert not (await buckets.take(QUOTA, "a")).is_refused


async def test_nobody_spends_anothers_quota(clock: TurnedClock) -> None:
    buckets = LocalBuckets(clock)
    await spend(buckets, 10, "a")
    assert not (await buckets.take(QUOTA, "b")).is_refused
    assert not (await buckets.take(Quota("address", 10, 60), "a")).is_refused


@given(
    requests=st.integers(1, 1000),
    window=st.integers(1, 86400),
    pauses=st.lists(st.floats(0, 100), min_size=1, max_size=60),
)
async def test_in_no_stretch_of_time_is_more_taken_than_a_full_bucket_and_what_is_earned(
    requests: int, window: int, pauses: list[float]
) -> None:
    quota, clock, taken = Quota("q", requests, window), TurnedClock(), 0
    buckets, start = LocalBuckets(clock), TurnedClock()()
    for pause in pauses:
        clock.turn(pause)
        standing = await buckets.take(quota, "a")
        taken += not standing.is_refused
        assert 0 <= standing.remaining < requests
        assert taken <= requests + (clock() - start) / quota.interval + 0.01


async def test_who_spreads_what_is_left_over_the_time_told_is_never_refused(clock: TurnedClock) -> None:
    buckets = LocalBuckets(clock)
    standing = (await spend(buckets, 7))[-1]
    for _ in range(100):
        assert not standing.is_refused
        clock.turn(standing.window / max(standing.remaining, 1))
        standing = await buckets.take(QUOTA, "a")


async def test_only_so_many_buckets_are_kept(clock: TurnedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exposure.api.access.rate_limit._KEPT_BUCKETS", 3)
    buckets = LocalBuckets(clock)
    for number in range(10):
        await buckets.take(QUOTA, str(number))
    assert len(buckets._full_at) == 3


def test_the_fields_say_quota_window_and_where_one_stands() -> None:
    standings = [Standing(Quota("address", 600, 60), 599), Standing(QUOTA, 0, 2.1)]
    assert limit_fields(standings) == {
        "RateLimit-Policy": '"address";q=600;w=60, "caller";q=10;w=60',
        "RateLimit": '"address";r=599;t=60, "caller";r=0;t=3',
        "Retry-After": "3",
    }
    assert limit_fields([]) == {}


@given(st.integers(1, 10**6), st.integers(1, 86400), st.integers(0, 10**6), st.floats(0.0, 86400.0))
def test_the_fields_are_lists_of_structured_fields_and_retry_after_is_no_sooner(
    requests: int, window: int, remaining: int, wait: float
) -> None:
    quota = Quota("caller", requests, window)
    fields = limit_fields([Standing(quota, 0 if wait else min(remaining, requests), wait)])
    assert re.fullmatch(r'"[a-z]+";q=\d+;w=[1-9]\d*', fields["RateLimit-Policy"])
    limit = re.fullmatch(r'"[a-z]+";r=(\d+);t=(\d+)', fields["RateLimit"])
    assert limit is not None
    if wait:
        assert int(fields["Retry-After"]) >= max(int(limit[2]), wait)
    assert "Retry-After" in fields or not wait


async def test_an_address_that_is_refused_costs_its_caller_nothing(clock: TurnedClock) -> None:
    limits = Limits(LocalBuckets(clock), Quota("address", 1), Quota("caller", 5))
    for _ in range(9):
        await limits.take("1.2.3.4", "key:shop")
    [_, caller] = await limits.take("5.6.7.8", "key:shop")
    assert (caller.quota.name, caller.remaining) == ("caller", 3)


async def test_who_is_not_known_has_no_quota_of_a_caller(clock: TurnedClock) -> None:
    limits = Limits(LocalBuckets(clock), Quota("address", 5), Quota("caller", 5))
    assert [one.quota.name for one in await limits.take("1.2.3.4", "")] == ["address"]
    assert await Limits(LocalBuckets(clock), None, None).take("1.2.3.4", "key:shop") == []


class Store:
    """Buckets that several processes share, until the store goes down."""

    def __init__(self, clock: TurnedClock) -> None:
        self.buckets = LocalBuckets(clock)
        self.is_down = False
        self.asked = 0
        self.closed = False

    async def take(self, quota: Quota, subject: str) -> Standing:
        self.asked += 1
        if self.is_down:
            raise StoreUnavailable("connection refused")
        return await self.buckets.take(quota, subject)

    def turn(self, counted: Sequence[tuple[Quota, str]]) -> Turn | None:
        raise AssertionError("what is shared is asked first")

    async def spend(self, purse: str, amount: int, kept_seconds: int) -> int:
        self.asked += 1
        if self.is_down:
            raise StoreUnavailable("connection refused")
        return await self.buckets.spend(purse, amount, kept_seconds)

    async def close(self) -> None:
        self.closed = True


def taken_at_once(buckets: LocalBuckets, counted: Sequence[tuple[Quota, str]]) -> list[Standing] | None:
    turn = buckets.turn(counted)
    assert turn is not None
    return turn()


async def test_what_is_taken_at_once_is_what_is_taken(clock: TurnedClock) -> None:
    one, other = LocalBuckets(clock), LocalBuckets(clock)
    both = [(QUOTA, "a"), (Quota("address", 4, 60), "b")]
    for _ in range(3):
        taken = taken_at_once(one, both)
        assert taken == [await other.take(quota, subject) for quota, subject in both]
        clock.turn(5)
    assert [standing.remaining for standing in taken or ()] == [8, 1]


async def test_at_once_nothing_is_taken_of_anybody_where_one_would_be_refused(clock: TurnedClock) -> None:
    buckets = LocalBuckets(clock)
    caller, address = (QUOTA, "a"), (Quota("address", 1, 60), "b")
    assert taken_at_once(buckets, [address]) is not None
    assert taken_at_once(buckets, [caller, address]) is None
    assert (await buckets.take(*caller)).remaining == 9
    clock.turn(60)
    assert taken_at_once(buckets, [caller, address]) is not None
    shared = FallbackBuckets(Store(clock), LocalBuckets(clock), clock)
    assert shared.turn([caller]) is None


async def test_two_processes_that_share_a_store_share_one_quota(clock: TurnedClock) -> None:
    store = Store(clock)
    one, two = (FallbackBuckets(store, LocalBuckets(clock), clock) for _ in range(2))
    standings = [*(await spend(one, 50)), *(await spend(two, 50))]
    assert sum(not standing.is_refused for standing in standings) == 10


async def test_while_the_store_is_down_each_process_counts_for_itself(
    clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(clock)
    buckets = FallbackBuckets(store, LocalBuckets(clock), clock)
    store.is_down = True
    assert sum(not one.is_refused for one in await spend(buckets, 50)) == 10
    assert store.asked == 1
    assert len(caplog.records) == 1


async def test_what_is_spent_is_counted_where_requests_are(clock: TurnedClock) -> None:
    store = Store(clock)
    one, two = (FallbackBuckets(store, LocalBuckets(clock), clock) for _ in range(2))
    assert [await buckets.spend("a", 5, 60) for buckets in (one, two, one)] == [5, 10, 15]
    store.is_down = True
    assert [await one.spend("a", 5, 60) for _ in range(2)] == [5, 10]
    assert (await one.take(QUOTA, "a")).remaining == 9
    assert store.asked == 4
    store.is_down = False
    clock.turn(5)
    assert await one.spend("a", 5, 60) == 20


async def test_a_store_that_is_back_is_used_again(clock: TurnedClock) -> None:
    store = Store(clock)
    buckets = FallbackBuckets(store, LocalBuckets(clock), clock)
    store.is_down = True
    await spend(buckets, 50)
    store.is_down = False
    clock.turn(5)
    assert sum(not one.is_refused for one in await spend(buckets, 50)) == 10
    assert store.asked == 51
    await buckets.close()
    assert store.closed
