"""An open model: requests are sent when they are due, whether or not the earlier ones were answered.

A closed model (Locust's users) waits for each answer before it asks again, and so asks less just when a
service is slow: the queue that real callers would stand in is never seen. Here the time an answer takes is
counted from when its request was due. It knows no HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Request = Callable[[], Awaitable["Answer"]]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Answer:
    """What a request was, and why it failed if it did."""

    kind: str
    failure: str | None = None


@dataclass(frozen=True)
class Sample:
    """One request: seconds from when it was due to its answer, and to when it was really sent."""

    answer: Answer
    seconds: float
    late_seconds: float


@dataclass(frozen=True)
class Step:
    """Requests a second for so many seconds; what would be open beyond `most_open` fails unsent."""

    rate: float
    seconds: float
    most_open: int = 500


async def run_step(request: Request, step: Step) -> list[Sample]:
    """Send the step's requests when they are due and return a sample of each, in the order they were due."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    running: list[asyncio.Task[Sample]] = []
    open_now = 0

    async def take(due: float) -> Sample:
        nonlocal open_now
        open_now += 1
        try:
            return await _timed(request, due, clock)
        finally:
            open_now -= 1

    for number in range(round(step.rate * step.seconds)):
        due = begun + number / step.rate
        # Sleeping is let be when late, or the generator itself would fall behind further.
        await asyncio.sleep(max(0.0, due - clock()))
        sending = take(due) if open_now < step.most_open else _unsent(due, clock)
        running.append(asyncio.ensure_future(sending))
    return list(await asyncio.gather(*running))


async def _timed(request: Request, due: float, clock: Clock) -> Sample:
    sent = clock()
    answer = await request()
    return Sample(answer, clock() - due, sent - due)


async def _unsent(due: float, clock: Clock) -> Sample:
    return Sample(Answer("unsent", "too many requests are open"), clock() - due, clock() - due)
