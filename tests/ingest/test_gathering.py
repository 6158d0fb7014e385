"""How long rows wait for company. Time is virtual: nothing sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from fakes.batches import Waiting, add, batcher_on, holding, names, turns
from fakes.jumping_clock import elapsed, in_virtual_time
from fakes.recording_writer import RecordingWriter


@in_virtual_time
async def test_rows_gather_while_an_append_is_in_flight_until_the_linger_passes() -> None:
    writer = holding()
    batcher = batcher_on(writer)
    waiting = add(batcher, "a")
    first = await writer.begun(0)
    waiting += add(batcher, "b")
    await turns()
    waiting += add(batcher, "c")
    second = await writer.begun(1)
    assert names(writer) == ["a", "bc"]
    assert elapsed() == pytest.approx(0.025)
    first.answer()
    second.answer()
    await asyncio.gather(*waiting)


@in_virtual_time
@pytest.mark.parametrize("in_flight", [1, 2])
async def test_the_end_of_the_append_in_flight_ends_the_gathering_a_moment_later(in_flight: int) -> None:
    writer = holding()
    batcher = batcher_on(writer, in_flight=in_flight)
    waiting = add(batcher, "a")
    first = await writer.begun(0)
    waiting += add(batcher, "b", "c")
    await asyncio.sleep(0.004)
    first.answer()
    await turns()
    waiting += add(batcher, "d")
    second = await writer.begun(1)
    assert names(writer) == ["a", "bcd"]
    assert elapsed() == pytest.approx(0.005)
    second.answer()
    await asyncio.gather(*waiting)


@in_virtual_time
async def test_a_row_that_comes_after_that_moment_is_appended_at_once() -> None:
    writer = holding()
    batcher = batcher_on(writer)
    waiting = add(batcher, "a")
    first = await writer.begun(0)
    await asyncio.sleep(0.004)
    first.answer()
    await asyncio.sleep(0.0011)
    started = elapsed()
    waiting += add(batcher, "b")
    (await writer.begun(1)).answer()
    assert elapsed() == started
    await asyncio.gather(*waiting)


@in_virtual_time
async def test_callers_that_come_back_when_they_are_answered_share_every_append() -> None:
    """A warehouse takes 5 ms an append and one at a time: two groups in turn would take twice as long."""
    writer, turn = RecordingWriter(), asyncio.Lock()

    async def append(_: object, rows: Sequence[object]) -> dict[int, str]:
        async with turn:
            await asyncio.sleep(0.005)
            sizes.append(len(rows))
        return {}

    async def caller(name: str) -> None:
        for _ in range(20):
            await batcher.add((name,), 100)

    sizes: list[int] = []
    writer.append = append  # type: ignore[method-assign, assignment]
    batcher = batcher_on(writer)
    await asyncio.gather(*(caller(str(number)) for number in range(16)))
    assert sizes[5:-2] == [16] * len(sizes[5:-2])
    assert elapsed() < 20 * 0.005 * 1.5


@in_virtual_time
async def test_no_more_appends_are_in_flight_than_allowed() -> None:
    writer = holding()
    batcher = batcher_on(writer)
    waiting: Waiting = []
    for name in "abcd":
        waiting += add(batcher, name)
        await asyncio.sleep(1)
    assert names(writer) == ["a", "b"]
    writer.appends[0].answer()
    assert (await writer.begun(2)).rows == (("c",), ("d",))
    writer.appends[1].answer()
    writer.appends[2].answer()
    await asyncio.gather(*waiting)


@in_virtual_time
async def test_after_a_slow_append_rows_gather_longer_but_a_tenth_of_a_second_at_most() -> None:
    writer = holding()
    batcher = batcher_on(writer)
    for slowness, linger in ((0.06, 0.06), (5.0, 0.1), (0.01, 0.01)):
        number = len(writer.appends)
        waiting = add(batcher, "a")
        slow = await writer.begun(number)
        await asyncio.sleep(slowness)
        slow.answer()
        await asyncio.gather(*waiting)
        waiting = add(batcher, "b")
        await writer.begun(number + 1)
        waiting += add(batcher, "c")
        started = elapsed()
        await writer.begun(number + 2)
        assert elapsed() - started == pytest.approx(linger)
        writer.appends[-2].answer()
        writer.appends[-1].answer()
        await asyncio.gather(*waiting)
