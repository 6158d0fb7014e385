"""Equal questions at one time are one question, and belong to nobody who asks them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx2
from duckdb import DuckDBPyConnection

from exposure.api.cache.flights import Flights
from exposure.warehouse.port import WarehouseUnavailable
from fakes.cached_house import PAST, CachedHouse, cached_house, rows_told, status_of

URL = "/v1/payments?page_size=3"


async def begin(house: CachedHouse, count: int, url: str = URL) -> list[asyncio.Task[httpx2.Response]]:
    """Return requests that wait for a warehouse that holds its answer back."""
    house.house.reader.gate = asyncio.Event()
    waiting = [asyncio.create_task(house.get(url)) for _ in range(count)]
    async with asyncio.timeout(20):
        while sum(flight.waiting for flight in house.answers._flights._flying.values()) < count:
            await asyncio.sleep(0.001)
    return waiting


def let_go(house: CachedHouse) -> None:
    assert house.house.reader.gate is not None
    house.house.reader.gate.set()


async def test_a_hundred_equal_misses_at_one_time_are_one_question(house: CachedHouse) -> None:
    waiting = await begin(house, 100)
    let_go(house)
    answers = await asyncio.gather(*waiting)
    assert house.asked == 1
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sorted(status_of(answer) for answer in answers) == ["fwd=miss; collapsed"] * 99 + [
        "fwd=miss; stored"
    ]


async def test_the_others_are_answered_when_the_first_leaves(house: CachedHouse) -> None:
    waiting = await begin(house, 3)
    waiting[0].cancel()
    await asyncio.gather(waiting[0], return_exceptions=True)
    let_go(house)
    assert [(await one).status_code for one in waiting[1:]] == [200, 200]
    assert (house.asked, house.house.reader.cancelled) == (1, 0)


async def test_the_question_is_cancelled_when_the_last_one_leaves(house: CachedHouse) -> None:
    waiting = await begin(house, 3)
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await house.settle()
    async with asyncio.timeout(20):
        while not house.house.reader.cancelled:
            await asyncio.sleep(0.001)
    house.house.reader.gate = None
    assert (await house.get(URL)).status_code == 200


async def test_a_failure_reaches_all_and_is_not_kept(house: CachedHouse) -> None:
    waiting = await begin(house, 5)
    house.house.reader.failure = WarehouseUnavailable("down")
    let_go(house)
    answers = await asyncio.gather(*waiting)
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.json()["code"] for answer in answers} == {"UPSTREAM_UNAVAILABLE"}
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    house.house.reader.failure = None
    assert (await house.get(URL)).status_code == 200
    assert house.asked == 2


async def test_different_questions_do_not_wait_for_one_another(house: CachedHouse) -> None:
    waiting = await begin(house, 1)
    gate, house.house.reader.gate = house.house.reader.gate, None
    assert (await house.get("/v1/payments?page_size=2")).status_code == 200
    house.house.reader.gate = gate
    let_go(house)
    assert (await waiting[0]).status_code == 200


async def test_who_waits_too_long_is_told_so_and_the_others_wait_on(
    tmp_path: Path, vault: DuckDBPyConnection
) -> None:
    async with cached_house(tmp_path, vault, patience=timedelta(milliseconds=50)) as house:
        house.house.reader.gate = asyncio.Event()
        answer = await house.get(URL)
        assert (answer.status_code, answer.json()["code"]) == (504, "DEADLINE_EXCEEDED")
        assert answer.headers["cache-control"] == "no-store"


async def test_only_one_of_all_who_waited_is_told_the_bill(house: CachedHouse) -> None:
    house.house.reader.bills = 10
    waiting = await begin(house, 4)
    let_go(house)
    answers = await asyncio.gather(*waiting)
    assert {answer.headers["x-tier"] for answer in answers} == {"warehouse"}
    assert sorted(answer.headers["x-bytes-billed"] for answer in answers) == ["0", "0", "0", "10"]
    assert (await house.get(URL)).headers["x-bytes-billed"] == "0"


async def test_a_refresh_is_one_question_and_is_not_ended_by_who_joins_it(house: CachedHouse) -> None:
    fresh = await house.get(URL)
    house.age(25)
    house.house.reader.gate = asyncio.Event()
    assert [status_of(await house.get(URL)) for _ in range(3)] == ["hit; detail=stale-while-revalidate"] * 3
    house.age(PAST)
    joined = asyncio.create_task(house.get(URL))
    await asyncio.sleep(0.01)
    joined.cancel()
    await asyncio.gather(joined, return_exceptions=True)
    let_go(house)
    await house.settle()
    assert (house.asked, house.house.reader.cancelled) == (2, 0)
    assert rows_told(fresh) == rows_told(await house.get(URL))


async def test_what_a_flight_raises_is_raised_for_all_and_forgotten() -> None:
    flights: Flights[int] = Flights()
    begun = 0

    async def fail() -> int:
        nonlocal begun
        begun += 1
        await asyncio.sleep(0)
        raise ValueError("no")

    joined = [flights.join(b"a", fail) for _ in range(3)]
    raised = await asyncio.gather(*joined, return_exceptions=True)
    assert [type(one) for one in raised] == [ValueError] * 3
    assert (begun, len(flights)) == (1, 0)
    flights.send(b"a", fail)
    await asyncio.sleep(0.01)
    assert (begun, len(flights), flights.sent) == (2, 0, 0)


async def test_closing_ends_every_flight() -> None:
    flights: Flights[None] = Flights()
    flights.send(b"a", asyncio.Event().wait)  # type: ignore[arg-type]
    await flights.close()
    assert (len(flights), flights.sent) == (0, 0)
