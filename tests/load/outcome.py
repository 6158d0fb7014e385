"""What a step of load came to, and the highest rate that was still held: the knee."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from load.constant_rate import Sample, Step

# The house's promise for reading, and what else a rate must keep to be called held.
P95_LIMIT_MS = 300.0
FAILURE_LIMIT = 0.01
LATE_LIMIT_MS = 50.0


@dataclass(frozen=True)
class Times:
    """Percentiles, in milliseconds; zero where nothing was measured."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    longest_ms: float


@dataclass(frozen=True)
class StepOutcome:
    """One rate: how long answers of each kind took, what failed and why, and how fresh the API was.

    `late` is the generator's own: where it is late itself, the times are not the platform's.
    """

    rate: float
    answers: Mapping[str, Times]
    late: Times
    freshness: Times
    failures: Mapping[str, int]
    requests: int

    @property
    def failed_share(self) -> float:
        """Return the failures' share of the requests."""
        return sum(self.failures.values()) / self.requests if self.requests else 0.0

    @property
    def judged(self) -> Times | None:
        """Return the times the rate is judged by: of reads, or where none was asked for, of publishes."""
        return self.answers.get("read") or self.answers.get("publish")

    @property
    def is_held(self) -> bool:
        """Tell whether the promise for reading was kept and next to nothing failed."""
        times = self.judged
        return times is not None and times.p95_ms <= P95_LIMIT_MS and self.failed_share <= FAILURE_LIMIT

    @property
    def is_the_generators(self) -> bool:
        """Tell whether the generator itself was too late for its numbers to mean the platform."""
        return self.late.p99_ms > LATE_LIMIT_MS


def times_of(seconds: Sequence[float]) -> Times:
    """Return percentiles by nearest rank of durations in seconds."""
    ordered = sorted(one * 1000 for one in seconds)
    if not ordered:
        return Times(0, 0.0, 0.0, 0.0, 0.0)
    p50, p95, p99 = (ordered[math.ceil(len(ordered) * share) - 1] for share in (0.5, 0.95, 0.99))
    return Times(len(ordered), p50, p95, p99, ordered[-1])


def outcome_of(step: Step, samples: Sequence[Sample], freshness_seconds: Sequence[float]) -> StepOutcome:
    """Return what the samples of a step came to; only answers that did not fail are timed."""
    good: dict[str, list[float]] = {}
    for sample in samples:
        if sample.answer.failure is None:
            good.setdefault(sample.answer.kind, []).append(sample.seconds)
    return StepOutcome(
        rate=step.rate,
        answers={kind: times_of(seconds) for kind, seconds in sorted(good.items())},
        late=times_of([sample.late_seconds for sample in samples]),
        freshness=times_of(freshness_seconds),
        failures=dict(
            Counter(sample.answer.failure for sample in samples if sample.answer.failure is not None)
        ),
        requests=len(samples),
    )


def knee(outcomes: Sequence[StepOutcome]) -> float | None:
    """Return the highest rate up to which every rate was held; None when not even the first was."""
    held = None
    for outcome in sorted(outcomes, key=lambda one: one.rate):
        if not outcome.is_held:
            return held
        held = outcome.rate
    return held
