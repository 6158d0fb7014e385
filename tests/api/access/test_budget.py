"""What one caller's questions may bill in a day: checked before, charged after, and told."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fakeredis
import httpx2
import pytest

from exposure.api.access.budget import ByteBudget
from exposure.api.access.rate_limit import Buckets, FallbackBuckets, Limits, LocalBuckets, Quota
from exposure.api.access.redis_buckets import RedisBuckets
from exposure.identity.redis_connection import connect_redis
from exposure.query.aggregate import Aggregation
from exposure.query.model import Query
from exposure.warehouse.port import Groups, Page, QueryTooExpensive
from fakes.guarded_house import NOW, GuardedHouse, filled_vault, guarded_house

MIB = 2**20
PRICE = 10 * MIB
BUDGET = 35 * MIB
URL = "/v1/payments?page_size=1"


class PricedReader:
    """Passes questions on, each at one price."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    async def select(self, query: Query) -> Page:
        page: Page = await self._reader.select(query)
        return dataclasses.replace(page, bytes_billed=PRICE)

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        groups: Groups = await self._reader.aggregate(aggregation)
        return dataclasses.replace(groups, bytes_billed=PRICE)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)


class Day:
    """The clock of the budget's days."""

    def __init__(self) -> None:
        self.moment = NOW

    def __call__(self) -> datetime:
        return self.moment


@asynccontextmanager
async def priced_house(
    folder: Path, day: Day, buckets: Buckets | None = None, quota: Quota | None = None
) -> AsyncIterator[GuardedHouse]:
    buckets = buckets or LocalBuckets()
    vault = await filled_vault()
    limits = Limits(buckets, None, quota)
    changes: dict[str, Any] = {"limits": limits, "budget": ByteBudget(BUDGET, buckets, day)}
    async with guarded_house(folder, vault, **changes) as house:
        house.reader._reader = PricedReader(house.reader._reader)
        yield house
    vault.close()


@pytest.fixture
def day() -> Day:
    return Day()


@pytest.fixture
async def house(tmp_path: Path, day: Day) -> AsyncIterator[GuardedHouse]:
    async with priced_house(tmp_path, day) as house:
        yield house


async def left(answer: httpx2.Response) -> int:
    [own] = [one for one in answer.headers["ratelimit"].split(", ") if one.startswith('"bytes"')]
    return int(own.split(";")[1].removeprefix("r="))


async def test_questions_are_answered_while_anything_is_left_and_refused_before_they_are_asked(
    house: GuardedHouse,
) -> None:
    answers = [await house.get(URL, "bank") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [await left(answer) for answer in answers] == [BUDGET - PRICE * n for n in (1, 2, 3)] + [0]
    asked = len(house.reader.questions)
    refused = await house.get(URL, "bank")
    assert len(house.reader.questions) == asked
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["retryable"]) == (429, "BUDGET_SPENT", True)
    assert problem["violated-policies"] == ["bytes"]
    assert refused.headers["content-type"] == "application/problem+json"


async def test_the_policy_and_what_is_left_until_when_stand_beside_the_rate_limits(
    tmp_path: Path, day: Day
) -> None:
    async with priced_house(tmp_path, day, quota=Quota("caller", 100)) as house:
        answer = await house.get(URL, "bank")
    assert answer.headers["ratelimit-policy"] == (
        f'"caller";q=100;w=60, "bytes";q={BUDGET};qu="billed-bytes";w=86400'
    )
    assert answer.headers["ratelimit"] == f'"caller";r=99;t=60, "bytes";r={BUDGET - PRICE};t=43200'


async def test_who_is_refused_is_told_to_wait_for_the_day_to_end_and_then_begins_anew(
    house: GuardedHouse, day: Day
) -> None:
    for _ in range(4):
        await house.get(URL, "bank")
    day.moment = datetime(2026, 11, 25, 23, 59, 58, 500000, UTC)
    refused = await house.get(URL, "bank")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    day.moment += timedelta(seconds=2)
    assert (await house.get(URL, "bank")).status_code == 200


async def test_each_caller_has_a_budget_of_their_own_and_nobody_known_one_for_their_address(
    house: GuardedHouse,
) -> None:
    for _ in range(5):
        await house.get(URL, "bank")
        nobodys = await house.get("/v1/rates")
    assert nobodys.status_code == 429
    assert (await house.get(URL, "open-acme")).status_code == 200


async def test_a_page_and_its_total_are_both_paid(house: GuardedHouse) -> None:
    answer = await house.get(f"{URL}&count=exact", "bank")
    assert int(answer.headers["x-bytes-billed"]) == 2 * PRICE
    assert await left(answer) == BUDGET - 2 * PRICE


@pytest.mark.parametrize("path", ["/v1/payments/pay-acme-1", "/v1/payments:facets?columns=note"])
async def test_other_answers_are_paid_as_pages_are(house: GuardedHouse, path: str) -> None:
    answer = await house.get(path, "bank")
    assert answer.status_code == 200
    assert await left(answer) == BUDGET - PRICE


async def test_what_asks_nothing_is_free_and_answered_when_the_budget_is_spent(house: GuardedHouse) -> None:
    for _ in range(4):
        await house.get(URL, "bank")
    for path in ("/v1", "/v1/payments:schema", "/v1/payments?explain=1", "/openapi.json"):
        answer = await house.get(path, "bank")
        assert answer.status_code == 200
        assert "ratelimit" not in answer.headers


async def test_a_question_that_is_refused_costs_nothing(house: GuardedHouse) -> None:
    house.reader.failure = QueryTooExpensive("too much")
    assert (await house.get(URL, "bank")).status_code == 422
    house.reader.failure = None
    assert await left(await house.get(URL, "bank")) == BUDGET - PRICE


async def test_a_budget_is_overdrawn_by_what_is_asked_at_the_same_time_and_no_more(
    house: GuardedHouse,
) -> None:
    answers = await asyncio.gather(*(house.get(URL, "bank") for _ in range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert (await house.get(URL, "bank")).status_code == 429


async def test_processes_that_share_a_store_spend_from_one_budget(tmp_path: Path, day: Day) -> None:
    store = fakeredis.FakeServer()
    statuses = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        buckets = RedisBuckets(fakeredis.FakeAsyncRedis(server=store))
        async with priced_house(tmp_path / str(number), day, buckets) as house:
            statuses += [(await house.get("/v1/rates")).status_code for _ in range(3)]
        await buckets.close()
    assert statuses == [200] * 4 + [429] * 2


async def test_a_purse_in_a_store_is_forgotten_a_day_after_the_last_was_spent_from_it() -> None:
    redis = fakeredis.FakeAsyncRedis()
    buckets = RedisBuckets(redis)
    assert await buckets.spend("a", 0, 60) == 0
    assert await redis.keys("*") == []
    assert [await buckets.spend("a", 2**40, 60) for _ in range(2)] == [2**40, 2**41]
    assert await buckets.spend("a", 0, 60) == 2**41
    (key,) = await redis.keys("*")
    assert 0 < await redis.ttl(key) <= 60
    await buckets.close()


async def test_without_the_store_what_this_process_knows_is_counted() -> None:
    # Nobody listens on the port for discarding.
    buckets = FallbackBuckets(RedisBuckets(connect_redis("redis://127.0.0.1:9")), LocalBuckets())
    assert [await buckets.spend("a", 3, 60) for _ in range(3)] == [3, 6, 9]
    await buckets.close()
