"""Versions that are steps of the clock: the same for every process, one after another, never too long."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from exposure.api.cache.versions import TimeSteps
from fakes.turned_clock import TurnedClock

LIFETIME = timedelta(seconds=20)
MOMENTS = st.lists(st.floats(0, 4e9), min_size=1, max_size=20)


@given(MOMENTS, st.sampled_from(["payments", "orders", "a"]))
def test_processes_agree_whenever_and_in_whatever_order_they_look(moments: list[float], name: str) -> None:
    clock = TurnedClock()
    long_lived = TimeSteps(LIFETIME, clock)
    for moment in moments:
        clock.now = moment
        assert long_lived.current(name) == TimeSteps(LIFETIME, clock).current(name)


@given(st.floats(0, 4e9))
def test_a_version_began_no_longer_ago_than_it_may_last(moment: float) -> None:
    clock = TurnedClock()
    clock.now = moment
    version = TimeSteps(LIFETIME, clock).current("payments")
    assert -1e-3 <= moment - version.at <= 20 + 1e-3


def test_a_version_lasts_as_long_as_it_may_and_the_next_is_another() -> None:
    clock = TurnedClock()
    steps = TimeSteps(LIFETIME, clock)
    first = steps.current("payments")
    clock.now = first.at + 19.99
    assert steps.current("payments") is first
    clock.now = first.at + 20.01
    assert steps.current("payments").mark != first.mark


def test_not_all_tables_begin_a_version_at_once() -> None:
    steps = TimeSteps(LIFETIME, TurnedClock())
    assert len({steps.current(f"c{number}").at for number in range(20)}) > 10


def test_another_lifetime_is_another_version() -> None:
    clock = TurnedClock()
    clock.now = 0.0
    assert TimeSteps(LIFETIME, clock).current("a").mark != TimeSteps(LIFETIME * 2, clock).current("a").mark
