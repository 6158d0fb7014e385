"""What is asked of a warehouse at a time, a second and for how long, and how whoever asks more is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from exposure.contracts import analytics_table
from exposure.query.aggregate_parse import count_rows
from exposure.warehouse.breaker import BreakerLimits
from exposure.warehouse.bulkhead import BulkheadLimits
from exposure.warehouse.limited_reader import LimitedReader, ReaderLimits
from exposure.warehouse.port import Unavailability, WarehouseUnavailable
from fakes.faulty_reader import FaultyReader, for_ever
from fakes.questions import ask
from fakes.virtual_time import VirtualTime

QUESTION = ask(analytics_table.CONTRACT)
COUNT = count_rows(QUESTION)
LIMITS = ReaderLimits(
    deadline=timedelta(seconds=8),
    per_second=1000,
    burst=1000,
    bulkhead=BulkheadLimits(concurrency=3, queue=2),
    breaker=BreakerLimits(failures=5),
)
ASKED: dict[str, Callable[[LimitedReader], Awaitable[Any]]] = {
    "select": lambda reader: reader.select(QUESTION),
    "stream": lambda reader: reader.stream(QUESTION),
    "aggregate": lambda reader: reader.aggregate(COUNT),
    "estimate": lambda reader: reader.estimate(COUNT),
    "explain": lambda reader: reader.explain(QUESTION),
}
SHORT = [name for name in ASKED if name != "stream"]


@pytest.fixture
async def time() -> AsyncIterator[VirtualTime]:
    with VirtualTime() as time:
        yield time


@pytest.fixture
def inside() -> FaultyReader:
    return FaultyReader()


@pytest.fixture
def reader(inside: FaultyReader, time: VirtualTime) -> LimitedReader:
    return LimitedReader(inside, LIMITS, time.moved)


async def turns(number: int = 10) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def refusal(asking: Awaitable[Any]) -> WarehouseUnavailable:
    with pytest.raises(WarehouseUnavailable) as raised:
        await asking
    return raised.value


@pytest.mark.parametrize("kind", ASKED)
async def test_what_takes_longer_than_its_deadline_is_cancelled_at_it_and_not_before(
    reader: LimitedReader, inside: FaultyReader, time: VirtualTime, kind: str
) -> None:
    inside.wait = for_ever
    asking = asyncio.ensure_future(ASKED[kind](reader))
    await turns()
    time.advance(7.5)
    await turns()
    assert not asking.done()
    time.advance(0.5)
    assert (await refusal(asking)).reason is Unavailability.DEADLINE
    assert (inside.cancelled, inside.under_way) == (1, 0)


@pytest.mark.parametrize("kind", ASKED)
async def test_what_nobody_waits_for_any_more_is_cancelled(
    reader: LimitedReader, inside: FaultyReader, kind: str
) -> None:
    inside.wait = for_ever
    asking = asyncio.ensure_future(ASKED[kind](reader))
    await turns()
    asking.cancel()
    await asyncio.wait({asking})
    assert (inside.cancelled, inside.under_way, asking.cancelled()) == (1, 0, True)


@pytest.mark.parametrize("kind", SHORT)
async def test_as_many_are_asked_at_a_time_as_may_be_and_those_that_wait_too_long_are_refused(
    reader: LimitedReader, inside: FaultyReader, time: VirtualTime, kind: str
) -> None:
    inside.wait = for_ever
    asking = [asyncio.ensure_future(ASKED[kind](reader)) for _ in range(5)]
    await turns()
    assert inside.asked == inside.most == 3
    full = await refusal(ASKED[kind](reader))
    time.advance(0.25)
    late = [await refusal(one) for one in asking[3:]]
    for refused in (full, *late):
        assert (refused.reason, refused.retry_after) == (Unavailability.BUSY, timedelta(seconds=1))
    assert inside.asked == 3
    for one in asking[:3]:
        one.cancel()
    await asyncio.wait(asking[:3])
    inside.wait = None
    assert await ASKED[kind](reader) is None


async def test_a_turn_that_becomes_free_is_given_to_who_waits_for_it_longest(
    reader: LimitedReader, inside: FaultyReader
) -> None:
    released = asyncio.Event()
    inside.wait = released.wait
    first = [asyncio.ensure_future(reader.select(QUESTION)) for _ in range(3)]
    await turns()
    ended: list[int] = []

    async def waits(number: int) -> None:
        await reader.select(QUESTION)
        ended.append(number)

    waiting = [asyncio.ensure_future(waits(number)) for number in range(2)]
    await turns()
    released.set()
    await asyncio.gather(*first, *waiting)
    assert ended == [0, 1]


async def test_a_stream_takes_no_turn_from_short_questions(
    reader: LimitedReader, inside: FaultyReader
) -> None:
    inside.wait = for_ever
    asking = [asyncio.ensure_future(reader.stream(QUESTION)) for _ in range(3)]
    await turns()
    inside.wait = None
    assert await reader.select(QUESTION) is None
    for one in asking:
        one.cancel()
    await asyncio.wait(asking)


@pytest.mark.parametrize("kind", ASKED)
async def test_questions_are_asked_no_faster_than_may_be(
    inside: FaultyReader, time: VirtualTime, kind: str
) -> None:
    reader = LimitedReader(inside, ReaderLimits(per_second=2, burst=4), time.moved)
    for _ in range(4):
        await ASKED[kind](reader)
    refused = await refusal(ASKED[kind](reader))
    assert refused.reason is Unavailability.BUSY
    assert refused.retry_after == timedelta(seconds=0.5)
    time.advance(0.5)
    await ASKED[kind](reader)
    assert inside.asked == 5


@pytest.mark.parametrize("kind", ASKED)
async def test_a_warehouse_that_fails_is_left_alone_and_one_question_finds_out_that_it_is_well(
    reader: LimitedReader, inside: FaultyReader, time: VirtualTime, kind: str
) -> None:
    inside.failure = WarehouseUnavailable("down")
    for _ in range(20):
        await refusal(ASKED[kind](reader))
    assert inside.asked == 5
    time.advance(5)
    await refusal(ASKED[kind](reader))
    assert inside.asked == 6
    inside.failure = None
    time.advance(9.9)
    assert (await refusal(ASKED[kind](reader))).retry_after == timedelta(seconds=1)
    time.advance(0.2)
    for _ in range(3):
        await ASKED[kind](reader)
    assert inside.asked == 9


async def test_a_warehouse_that_hangs_is_left_alone_as_one_that_fails(
    reader: LimitedReader, inside: FaultyReader, time: VirtualTime
) -> None:
    inside.wait = for_ever
    for _ in range(5):
        asking = asyncio.ensure_future(reader.select(QUESTION))
        await turns()
        time.advance(8)
        assert (await refusal(asking)).reason is Unavailability.DEADLINE
    # At once, without waiting for a deadline.
    assert (await refusal(reader.select(QUESTION))).reason is Unavailability.FAULT
    assert inside.asked == inside.cancelled == 5


async def test_a_warehouse_that_is_merely_slow_is_asked_on(
    reader: LimitedReader, inside: FaultyReader, time: VirtualTime
) -> None:
    inside.wait = lambda: asyncio.sleep(3)
    for _ in range(10):
        asking = asyncio.ensure_future(reader.select(QUESTION))
        await turns()
        time.advance(3)
        await asking
    assert inside.asked == 10


async def test_an_error_of_ours_is_neither_hidden_nor_taken_for_the_warehouses(
    reader: LimitedReader, inside: FaultyReader
) -> None:
    inside.failure = TimeoutError("of something inside")
    for _ in range(20):
        with pytest.raises(TimeoutError, match="inside"):
            await reader.select(QUESTION)
    assert inside.asked == 20


async def test_being_asked_too_fast_slows_the_questions_down(inside: FaultyReader, time: VirtualTime) -> None:
    reader = LimitedReader(inside, ReaderLimits(per_second=8, burst=16), time.now)
    inside.failure = WarehouseUnavailable("too fast", Unavailability.RATE, timedelta(seconds=2))
    await refusal(reader.select(QUESTION))
    inside.failure = None
    time.advance(2)
    answers = await asyncio.gather(*(reader.select(QUESTION) for _ in range(20)), return_exceptions=True)
    refused = [one for one in answers if isinstance(one, WarehouseUnavailable)]
    # Two seconds at half the pace, and one that waits; at full pace all of its burst and more would be asked.
    assert 20 - len(refused) in (8, 9)
    assert {one.reason for one in refused} == {Unavailability.BUSY}
