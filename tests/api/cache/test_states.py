"""What is given while a version is current, while a new answer is fetched, and while none can be had."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection

from exposure.warehouse.port import QueryTooExpensive, WarehouseUnavailable
from fakes.cached_house import PAST, STALE, STANDING_IN, CachedHouse, cached_house, status_of

URL = "/v1/payments?page_size=3"


async def test_an_answer_is_given_again_while_its_version_is_current(house: CachedHouse) -> None:
    first = await house.get(URL)
    assert status_of(first) == "fwd=miss; stored"
    assert first.headers["x-tier"] == "warehouse"
    assert first.headers["server-timing"].startswith("warehouse;dur=")
    for _ in range(3):
        again = await house.get(URL)
        assert again.content == first.content
        assert status_of(again) == "hit"
        assert (again.headers["x-tier"], again.headers["x-bytes-billed"]) == ("cache", "0")
        assert again.headers["x-as-of"] == first.headers["x-as-of"]
    assert house.asked == 1


async def test_a_stale_answer_is_given_while_one_new_one_is_fetched(house: CachedHouse) -> None:
    first = await house.get(URL)
    house.age(STALE)
    stale = await house.get(URL)
    assert stale.content == first.content
    assert (status_of(stale), stale.headers["x-tier"]) == ("hit; detail=stale-while-revalidate", "stale")
    assert int(stale.headers["age"]) == STALE
    await house.settle()
    assert house.asked == 2
    assert status_of(await house.get(URL)) == "hit"
    assert house.asked == 2


async def test_no_more_than_eight_answers_are_fetched_anew_at_a_time_while_older_ones_are_given(
    house: CachedHouse,
) -> None:
    urls = [f"/v1/payments?page_size={size}" for size in range(1, 13)]
    for url in urls:
        await house.get(url)
    house.age(STALE)
    house.house.reader.gate = asyncio.Event()
    for url in urls * 2:
        assert (await house.get(url)).headers["x-tier"] == "stale"
    for _ in range(200):
        await asyncio.sleep(0)
    assert house.asked == 12 + 8
    house.house.reader.gate.set()
    await house.settle()
    for url in urls:
        await house.get(url)
    await house.settle()
    assert house.asked == 12 + 12


async def test_past_the_window_everybody_waits_for_a_new_one(house: CachedHouse) -> None:
    await house.get(URL)
    house.age(STANDING_IN)
    assert status_of(await house.get(URL)) == "fwd=miss; stored"


async def test_an_older_answer_stands_in_for_a_failure_inside_its_window_and_no_longer(
    house: CachedHouse,
) -> None:
    first = await house.get(URL)
    house.age(STANDING_IN)
    house.house.reader.failure = WarehouseUnavailable("down")
    stood_in = await house.get(URL)
    assert (stood_in.status_code, stood_in.content) == (200, first.content)
    assert (status_of(stood_in), stood_in.headers["x-tier"]) == ("hit; detail=stale-if-error", "stale")
    assert int(stood_in.headers["age"]) == STANDING_IN
    house.age(PAST)
    assert (await house.get(URL)).status_code == 503


async def test_nothing_stands_in_for_a_refusal(house: CachedHouse) -> None:
    await house.get(URL)
    house.age(STANDING_IN)
    house.house.reader.failure = QueryTooExpensive("no")
    assert (await house.get(URL)).status_code == 422


async def test_a_failed_refresh_changes_nothing_for_who_asks_meanwhile(house: CachedHouse) -> None:
    first = await house.get(URL)
    house.age(STALE)
    house.house.reader.failure = WarehouseUnavailable("down")
    for _ in range(3):
        assert (await house.get(URL)).content == first.content
        await house.settle()
    house.house.reader.failure = None
    await house.get(URL)
    await house.settle()
    assert status_of(await house.get(URL)) == "hit"


async def test_answers_take_no_more_room_than_they_may(tmp_path: Path, vault: DuckDBPyConnection) -> None:
    async with cached_house(tmp_path, vault, room=64 * 1024) as house:
        for size in range(1, 60):
            assert (await house.get(f"/v1/payments?page_size={size}")).status_code == 200
            assert 0 < house.cache.store.held_bytes <= 64 * 1024
        assert status_of(await house.get("/v1/payments?page_size=59")) == "hit"
        assert status_of(await house.get("/v1/payments?page_size=1")) == "fwd=miss; stored"


async def test_an_answer_too_large_to_keep_is_given_all_the_same(
    tmp_path: Path, vault: DuckDBPyConnection
) -> None:
    async with cached_house(tmp_path, vault, room=8 * 1024) as house:
        for _ in range(2):
            answer = await house.get("/v1/payments?page_size=1000")
            assert (answer.status_code, status_of(answer)) == (200, "fwd=miss")
        assert (house.asked, house.cache.store.held_bytes) == (2, 0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/v1/payments?page_size=3&amount.gte=1", "/v1/payments?amount.gte=1&page_size=3"),
        ("/v1/payments?note.eq=a%20b", "/v1/payments?note.eq=a+b"),
        ("/v1/payments/pay-acme-1", "/v1/payments/pay%2Dacme-1"),
    ],
)
async def test_two_spellings_of_one_question_have_one_answer(
    house: CachedHouse, one: str, other: str
) -> None:
    assert (await house.get(one)).headers["etag"] == (await house.get(other)).headers["etag"]
    assert house.asked == 1


async def test_a_walk_goes_on_from_a_page_that_was_kept_in_another_spelling(house: CachedHouse) -> None:
    await house.get("/v1/payments?page_size=3&amount.gte=1&note.ne=x")
    page = await house.get("/v1/payments?note.ne=x&amount.gte=1&page_size=3")
    assert status_of(page) == "hit"
    token = page.json()["next_page_token"]
    url = f"/v1/payments?note.ne=x&amount.gte=1&page_size=3&page_token={token}"
    assert (await house.get(url)).status_code == 200
