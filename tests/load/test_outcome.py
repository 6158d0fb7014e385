"""What a step came to, and where the knee is."""

from __future__ import annotations

import pytest

from load.constant_rate import Answer, Sample, Step
from load.outcome import StepOutcome, knee, outcome_of, times_of

READ = Answer("read")


def step_of(rate: float, read_ms: float, failures: int = 0) -> StepOutcome:
    """Return a step of a hundred reads that took so long, some of them failed."""
    samples = [Sample(READ, read_ms / 1000, 0.0) for _ in range(100 - failures)]
    samples += [Sample(Answer("read", "read: 503"), 0.001, 0.0)] * failures
    return outcome_of(Step(rate, 1.0), samples, [0.5])


def test_percentiles_are_values_that_were_measured() -> None:
    times = times_of([one / 1000 for one in range(1, 101)])
    assert (times.p50_ms, times.p95_ms, times.p99_ms, times.longest_ms) == pytest.approx((50, 95, 99, 100))
    assert times.count == 100


def test_nothing_measured_is_no_error() -> None:
    assert times_of([]).count == 0


def test_kinds_are_timed_apart_and_failures_not_at_all() -> None:
    samples = [
        Sample(READ, 0.1, 0.0),
        Sample(Answer("publish"), 0.2, 0.0),
        Sample(Answer("read", "read: 500"), 9.0, 0.0),
    ]
    outcome = outcome_of(Step(3, 1.0), samples, [0.5, 1.5])
    assert outcome.answers["read"].longest_ms == pytest.approx(100)
    assert outcome.answers["publish"].longest_ms == pytest.approx(200)
    assert outcome.failures == {"read: 500": 1}
    assert outcome.failed_share == pytest.approx(1 / 3)
    assert outcome.freshness.longest_ms == pytest.approx(1500)


def test_a_generator_late_itself_is_told_from_a_slow_platform() -> None:
    assert outcome_of(Step(1, 1.0), [Sample(READ, 1.0, 0.9)], []).is_the_generators
    assert not outcome_of(Step(1, 1.0), [Sample(READ, 1.0, 0.001)], []).is_the_generators


def test_the_knee_is_the_last_rate_before_the_first_that_is_not_held() -> None:
    assert knee([step_of(10, 20), step_of(20, 200), step_of(40, 301), step_of(80, 100)]) == 20


def test_failures_end_what_is_held_though_the_answers_are_fast() -> None:
    assert knee([step_of(10, 20, failures=1), step_of(20, 20, failures=2)]) == 10


def test_there_is_no_knee_where_nothing_was_held() -> None:
    assert knee([step_of(10, 400)]) is None
