"""When a warehouse is left alone, for how long, and what makes it be asked again."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest

from exposure.warehouse.breaker import Breaker, BreakerLimits
from exposure.warehouse.port import (
    QueryTooExpensive,
    Unavailability,
    WarehouseMisconfigured,
    WarehouseUnavailable,
)
from fakes.turned_clock import TurnedClock

LIMITS = BreakerLimits(failures=3, pause=timedelta(seconds=5), longest_pause=timedelta(seconds=15))
MINUTES = timedelta(minutes=10)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def breaker(clock: TurnedClock) -> Breaker:
    return Breaker(LIMITS, clock)


def fail(
    breaker: Breaker,
    reason: Unavailability = Unavailability.FAULT,
    retry_after: timedelta | None = None,
    times: int = 1,
) -> None:
    for _ in range(times):
        with pytest.raises(WarehouseUnavailable, match="down"), breaker.attempt():
            raise WarehouseUnavailable("down", reason, retry_after)


def succeed(breaker: Breaker) -> None:
    with breaker.attempt():
        pass


def refusal(breaker: Breaker) -> WarehouseUnavailable:
    with pytest.raises(WarehouseUnavailable, match="left alone") as raised, breaker.attempt():
        raise AssertionError("it was asked")
    return raised.value


@pytest.mark.parametrize("reason", [Unavailability.FAULT, Unavailability.DEADLINE])
def test_failures_in_a_row_open_it_and_one_fewer_does_not(breaker: Breaker, reason: Unavailability) -> None:
    fail(breaker, reason, times=2)
    succeed(breaker)
    fail(breaker, reason, times=2)
    assert not breaker.is_open
    fail(breaker, reason)
    assert breaker.is_open
    assert (refusal(breaker).reason, refusal(breaker).retry_after) == (
        Unavailability.FAULT,
        timedelta(seconds=5),
    )


@pytest.mark.parametrize(
    ("reason", "pause"), [(Unavailability.RATE, timedelta(seconds=2)), (Unavailability.QUOTA, MINUTES)]
)
def test_a_quota_that_is_used_up_opens_it_at_once_for_as_long_as_it_says(
    breaker: Breaker, clock: TurnedClock, reason: Unavailability, pause: timedelta
) -> None:
    fail(breaker, reason, pause)
    assert (refusal(breaker).reason, refusal(breaker).retry_after) == (reason, pause)
    clock.turn(pause.total_seconds() - 0.5)
    assert refusal(breaker).retry_after == timedelta(seconds=1)
    clock.turn(0.5)
    succeed(breaker)
    assert not breaker.is_open


def test_after_its_pause_one_question_tries_and_others_are_refused_meanwhile(
    breaker: Breaker, clock: TurnedClock
) -> None:
    fail(breaker, times=3)
    clock.turn(5)
    with breaker.attempt():
        assert refusal(breaker).retry_after == timedelta(seconds=1)
    assert not breaker.is_open
    succeed(breaker)


def test_a_trial_that_fails_opens_it_for_twice_as_long_up_to_a_bound_and_success_forgets_that(
    breaker: Breaker, clock: TurnedClock
) -> None:
    fail(breaker, times=3)
    for seconds in (5, 10, 15, 15):
        assert refusal(breaker).retry_after == timedelta(seconds=seconds)
        clock.turn(seconds)
        fail(breaker)
    clock.turn(15)
    succeed(breaker)
    fail(breaker, times=3)
    assert refusal(breaker).retry_after == timedelta(seconds=5)


@pytest.mark.parametrize("error", [KeyError("ours"), WarehouseUnavailable("", Unavailability.BUSY)])
def test_a_trial_that_says_nothing_of_the_warehouse_leaves_room_for_the_next(
    breaker: Breaker, clock: TurnedClock, error: Exception
) -> None:
    fail(breaker, times=3)
    clock.turn(5)
    with pytest.raises(type(error)), breaker.attempt():
        raise error
    assert breaker.is_open
    succeed(breaker)
    assert not breaker.is_open


@pytest.mark.parametrize("error", [QueryTooExpensive("no"), WarehouseMisconfigured("no")])
def test_a_warehouse_that_refuses_a_question_is_there(
    breaker: Breaker, clock: TurnedClock, error: Exception
) -> None:
    fail(breaker, times=3)
    clock.turn(5)
    with pytest.raises(type(error)), breaker.attempt():
        raise error
    assert not breaker.is_open


def test_asking_too_much_at_a_time_never_opens_it(breaker: Breaker) -> None:
    fail(breaker, Unavailability.BUSY, times=50)
    assert not breaker.is_open


def test_what_was_asked_before_it_opened_does_not_close_it(breaker: Breaker) -> None:
    with breaker.attempt():
        fail(breaker, times=3)
    assert breaker.is_open


def test_what_was_asked_before_it_opened_does_not_make_it_stay_open_longer(breaker: Breaker) -> None:
    late = WarehouseUnavailable("late", Unavailability.QUOTA, MINUTES)
    with contextlib.suppress(WarehouseUnavailable), breaker.attempt():
        fail(breaker, times=3)
        raise late
    assert breaker.is_open
    assert refusal(breaker).retry_after == timedelta(seconds=5)
