"""One constant rate after another, of readers, publishers or both, and how fresh the API stays meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from exposure.contracts.model import Contract
from load.constant_rate import Answer, Request, Step, run_step
from load.outcome import StepOutcome, outcome_of
from load.questions import Popularity, questions

# The share of requests that publish.
PROFILES = {"readers": 0.0, "publishers": 1.0, "mixed": 0.2}
_PROBE_SECONDS = 0.5
# Beyond the knee one more rate shows how it fails; more would only heat the machine.
_RATES_NOT_HELD = 2


class Roads(Protocol):
    """What is put under load; see `load.platform.Platform`."""

    async def read(self, path: str) -> Answer: ...

    async def publish(self) -> Answer: ...

    async def seconds_to_visible(self) -> float: ...

    async def fill(self, rows: int) -> list[str]: ...


@dataclass(frozen=True)
class Plan:
    """Which rates (a second), how long each, what share publishes, and how many rows there are to ask for."""

    rates: tuple[float, ...]
    step_seconds: float
    profile: str
    rows: int
    seed: int = 1


async def measure(contract: Contract, roads: Roads, plan: Plan) -> list[StepOutcome]:
    """Fill the platform, then run the rates in their order, to the second that is not held."""
    keys = await roads.fill(plan.rows)
    popularity = Popularity(questions(contract, keys, datetime.now(UTC)), plan.seed)
    dice = random.Random(plan.seed)
    share = PROFILES[plan.profile]

    async def request() -> Answer:
        if dice.random() < share:
            return await roads.publish()
        return await roads.read(popularity.draw())

    outcomes: list[StepOutcome] = []
    for rate in plan.rates:
        outcomes.append(await _measure_step(request, roads, Step(rate, plan.step_seconds)))
        if sum(not one.is_held for one in outcomes) >= _RATES_NOT_HELD:
            break
    return outcomes


async def _measure_step(request: Request, roads: Roads, step: Step) -> StepOutcome:
    freshness: list[float] = []
    probing = asyncio.ensure_future(_probe(roads, freshness))
    samples = await run_step(request, step)
    probing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await probing
    return outcome_of(step, samples, freshness)


async def _probe(roads: Roads, freshness: list[float]) -> None:
    """Publish a message twice a second and note when each is served, until cancelled."""
    while True:
        freshness.append(await roads.seconds_to_visible())
        await asyncio.sleep(_PROBE_SECONDS)
