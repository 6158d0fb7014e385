"""When a stream may send and how much, by a clock on paper."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exposure.warehouse.write_limits import BackOff, WriteLimits
from exposure.warehouse.write_outcome import Verdict, WriteOutcome
from exposure.warehouse.write_pace import WritePace

LOST, THROTTLED = WriteOutcome(Verdict.LOST, "lost"), WriteOutcome(Verdict.THROTTLED, "throttled")
WRONG = WriteOutcome(Verdict.MISCONFIGURED, "wrong")


class PaperClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> PaperClock:
    return PaperClock()


@pytest.fixture
def pace(clock: PaperClock) -> WritePace:
    return WritePace(WriteLimits(in_flight=4), lambda: 1.0, clock)


def test_waits_double_up_to_the_longest_and_chance_shortens_all_but_the_fixed_share() -> None:
    full = BackOff(timedelta(milliseconds=50), timedelta(seconds=5))
    assert [full.seconds(failures, 1.0) for failures in (1, 2, 3, 8, 9000)] == [0.05, 0.1, 0.2, 5, 5]
    assert full.seconds(3, 0.0) == 0
    assert BackOff(timedelta(seconds=1), timedelta(seconds=5), fixed=0.5).seconds(1, 0.0) == 0.5


def test_used_up_quota_halves_the_window_and_success_widens_it_step_by_step(
    pace: WritePace, clock: PaperClock
) -> None:
    seen = [pace.window]
    for outcome in (THROTTLED, THROTTLED, THROTTLED):
        pace.failed(outcome)
        clock.now += 100
        seen.append(pace.window)
    for _ in range(9):
        pace.succeeded()
        seen.append(pace.window)
    assert seen == [4, 2, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]


def test_lost_connections_do_not_narrow_the_window(pace: WritePace) -> None:
    pace.failed(LOST)
    assert pace.window == 4


def test_failures_of_one_window_count_as_one(pace: WritePace, clock: PaperClock) -> None:
    pace.failed(LOST)
    pace.failed(LOST)
    assert pace.wait == pytest.approx(0.05)
    clock.now += 1
    pace.failed(LOST)
    assert pace.wait == pytest.approx(0.1)


def test_a_success_forgets_the_failures_before_it(pace: WritePace, clock: PaperClock) -> None:
    for _ in range(5):
        pace.failed(LOST)
        clock.now += 10
    pace.succeeded()
    assert pace.failure is None
    pace.failed(LOST)
    assert pace.wait == pytest.approx(0.05)


def test_a_longer_wait_is_not_cut_short_by_a_smaller_trouble(pace: WritePace) -> None:
    pace.failed(WRONG)
    pace.failed(LOST)
    assert pace.wait == pytest.approx(30)


def test_a_wrong_setup_is_tried_again_after_a_while(pace: WritePace, clock: PaperClock) -> None:
    pace.failed(WRONG)
    assert pace.is_setup_wrong
    assert pace.is_hopeless(deadline=clock.now + 1000)
    clock.now += 30
    assert not pace.is_setup_wrong
    assert pace.wait == 0


def test_what_must_be_stored_before_the_wait_ends_is_hopeless(pace: WritePace, clock: PaperClock) -> None:
    assert not pace.is_hopeless(clock.now)
    pace.failed(THROTTLED)
    assert pace.is_hopeless(clock.now + 0.4)
    assert not pace.is_hopeless(clock.now + 0.6)


@pytest.mark.parametrize("in_flight", [0, 5])
def test_a_window_that_is_of_no_use_is_refused(in_flight: int) -> None:
    with pytest.raises(ValueError, match="1 to 4"):
        WriteLimits(in_flight=in_flight)
