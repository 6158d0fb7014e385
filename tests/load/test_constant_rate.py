"""The open model sends when it is due, and counts the wait of what is answered late."""

from __future__ import annotations

import asyncio

import pytest

from fakes.jumping_clock import elapsed, in_virtual_time
from load.constant_rate import Answer, Step, run_step


@in_virtual_time
async def test_requests_are_sent_when_due_whatever_is_still_open() -> None:
    sent: list[float] = []

    async def request() -> Answer:
        sent.append(elapsed())
        await asyncio.sleep(10)
        return Answer("read")

    samples = await run_step(request, Step(rate=4, seconds=1))
    assert sent == pytest.approx([0, 0.25, 0.5, 0.75])
    assert [sample.seconds for sample in samples] == pytest.approx([10] * 4)
    assert elapsed() == pytest.approx(10.75)


@in_virtual_time
async def test_a_service_that_answers_one_at_a_time_is_charged_with_the_queue() -> None:
    turn = asyncio.Lock()

    async def request() -> Answer:
        async with turn:
            await asyncio.sleep(1)
        return Answer("read")

    samples = await run_step(request, Step(rate=2, seconds=2))
    # A closed model would have seen one second each time.
    assert [sample.seconds for sample in samples] == pytest.approx([1, 1.5, 2, 2.5])
    assert [sample.late_seconds for sample in samples] == pytest.approx([0] * 4)


@in_virtual_time
async def test_beyond_the_most_that_may_be_open_a_request_fails_unsent() -> None:
    sent = 0

    async def request() -> Answer:
        nonlocal sent
        sent += 1
        await asyncio.sleep(100)
        return Answer("read")

    samples = await run_step(request, Step(rate=10, seconds=1, most_open=3))
    assert sent == 3
    assert [sample.answer.failure for sample in samples] == [None] * 3 + ["too many requests are open"] * 7


@in_virtual_time
async def test_a_generator_that_falls_behind_says_so_and_catches_up() -> None:
    loop = asyncio.get_running_loop()
    first = True

    async def request() -> Answer:
        nonlocal first
        if first:
            first = False
            # As a blocking call would: the clock moves on and nothing else has its turn.
            loop._jumping.now += 0.6  # type: ignore[attr-defined]
        return Answer("read")

    samples = await run_step(request, Step(rate=4, seconds=1))
    late = [sample.late_seconds for sample in samples]
    assert max(late) == pytest.approx(0.6 - 0.25)
    assert late[-1] == pytest.approx(0)
    # Whoever asked waited for the generator too.
    assert [sample.seconds for sample in samples[1:]] == pytest.approx(late[1:])
