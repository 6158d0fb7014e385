"""How many questions are asked a second, and what being refused teaches."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.warehouse.call_pace import CallPace
from exposure.warehouse.port import Unavailability, WarehouseUnavailable
from fakes.virtual_time import VirtualTime

NOW, MOMENT = timedelta(0), timedelta(milliseconds=250)


async def admitted(pace: CallPace, most: int) -> int:
    """Ask without waiting until one is refused; return how many were not."""
    for number in range(most):
        try:
            await pace.take(NOW)
        except WarehouseUnavailable:
            return number
    return most


@given(st.lists(st.floats(0, 3), max_size=20))
async def test_in_no_time_are_more_asked_than_its_burst_and_what_that_time_earns(waits: list[float]) -> None:
    with VirtualTime() as time:
        began = time.now()
        pace, asked = CallPace(10, 4, time.now), 0
        for wait in waits:
            time.advance(wait)
            asked += await admitted(pace, 100)
            assert asked <= 4 + (time.now() - began) * 10


async def test_who_comes_a_little_too_early_waits_and_who_comes_much_too_early_is_told_when() -> None:
    with VirtualTime() as time:
        pace = CallPace(10, 1, time.now)
        await pace.take(MOMENT)
        waiting = asyncio.create_task(pace.take(MOMENT))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
        await_more = [asyncio.create_task(pace.take(MOMENT)) for _ in range(3)]
        time.advance(0.1)
        await waiting
        refused = (await asyncio.gather(*await_more, return_exceptions=True))[-1]
        assert isinstance(refused, WarehouseUnavailable)
        assert refused.reason is Unavailability.BUSY
        assert refused.retry_after is not None
        assert 0.25 < refused.retry_after.total_seconds() <= 0.4


async def test_who_goes_away_while_waiting_takes_no_turn() -> None:
    with VirtualTime() as time:
        pace = CallPace(10, 1, time.now)
        await pace.take(MOMENT)
        for _ in range(20):
            leaving = asyncio.create_task(pace.take(MOMENT))
            await asyncio.sleep(0)
            leaving.cancel()
            await asyncio.wait({leaving})
        time.advance(0.1)
        await pace.take(NOW)


async def test_being_refused_halves_the_pace_once_for_all_asked_together_and_a_minute_restores_it() -> None:
    with VirtualTime() as time:
        pace = CallPace(80, 16, time.now)
        for _ in range(10):
            pace.slow_down()
        assert 40 <= pace.per_second < 41
        assert await admitted(pace, 16) == 0
        time.advance(1)
        pace.slow_down()
        assert 20 <= pace.per_second < 22
        time.advance(60)
        assert pace.per_second == 80
        assert await admitted(pace, 100) == 16


async def test_however_often_it_is_refused_it_asks_once_a_second_at_least() -> None:
    with VirtualTime() as time:
        pace = CallPace(80, 1, time.now)
        for _ in range(60):
            pace.slow_down()
            time.advance(1)
        assert pace.per_second >= 1
        assert await admitted(pace, 1) == 1


@pytest.mark.parametrize("per_second", [1, 80])
async def test_a_pace_holds_over_minutes(per_second: int) -> None:
    with VirtualTime() as time:
        pace, asked = CallPace(per_second, 1, time.now), 0
        for _ in range(240):
            time.advance(0.25)
            asked += await admitted(pace, 100)
        assert asked <= per_second * 60 + 1
        assert asked >= min(per_second * 60, 240) - 1
