from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.ingest.rejection_breaker import RejectionBreaker, RejectionLimits
from fakes.turned_clock import TurnedClock

LIMITS = RejectionLimits(share=0.5, least=10, window=timedelta(minutes=5))


def breaker_at(clock: TurnedClock, limits: RejectionLimits = LIMITS) -> RejectionBreaker:
    return RejectionBreaker("visits", limits, clock)


def reject(breaker: RejectionBreaker, times: int) -> list[bool]:
    return [breaker.rejected() for _ in range(times)]


def test_a_few_rejections_are_acknowledged_whatever_their_share(clock: TurnedClock) -> None:
    assert all(reject(breaker_at(clock), 10))


def test_rejections_are_withheld_once_they_are_many_and_most_of_all(clock: TurnedClock) -> None:
    assert reject(breaker_at(clock), 12) == [True] * 10 + [False] * 2


def test_any_number_of_rejections_is_acknowledged_while_their_share_is_small(clock: TurnedClock) -> None:
    breaker = breaker_at(clock)
    for _ in range(1000):
        breaker.sound()
        assert breaker.rejected()


def test_sound_messages_close_it_as_soon_as_the_share_has_fallen(clock: TurnedClock) -> None:
    breaker = breaker_at(clock)
    reject(breaker, 12)
    breaker.sound(11)
    assert breaker.is_open
    breaker.sound()
    assert not breaker.is_open


def test_messages_that_come_again_and_again_keep_it_open_after_their_number_has_fallen(
    clock: TurnedClock,
) -> None:
    breaker = breaker_at(clock)
    reject(breaker, 12)
    for _ in range(60):
        clock.turn(10)
        assert not breaker.rejected()


def test_an_empty_window_closes_it(clock: TurnedClock) -> None:
    breaker = breaker_at(clock)
    reject(breaker, 12)
    clock.turn(299)
    assert breaker.is_open
    clock.turn(12)
    assert not breaker.is_open
    assert breaker.rejected()


def test_a_share_of_one_withholds_nothing(clock: TurnedClock) -> None:
    assert all(reject(breaker_at(clock, RejectionLimits(share=1.0, least=10)), 1000))


def test_what_is_taken_back_was_not_sound(clock: TurnedClock) -> None:
    breaker = breaker_at(clock)
    breaker.sound(100)
    breaker.sound(-100)
    assert not all(reject(breaker, 11))


def test_opening_and_closing_are_one_line_each_in_the_log(
    clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    breaker = breaker_at(clock)
    reject(breaker, 50)
    breaker.sound(1000)
    reject(breaker, 1)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert caplog.records[0].getMessage().startswith("visits: 11 of 11 messages were rejected")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30), st.integers(0, 30)), max_size=60))
def test_it_never_withholds_while_the_window_holds_no_more_than_the_share(
    steps: list[tuple[int, int, int]],
) -> None:
    clock = TurnedClock()
    breaker = breaker_at(clock)
    history: list[tuple[float, int, int]] = []
    for seconds, sound, rejected in steps:
        clock.turn(seconds)
        breaker.sound(sound)
        reject(breaker, rejected)
        history.append((clock.now, sound, rejected))
        # A slice leaves as a whole, so what is counted reaches back between one window and a slice more.
        windows = [[one for one in history if one[0] > clock.now - reach] for reach in range(300, 312)]
        shares = [_share(window) for window in windows]
        if max(shares) <= 0.5:
            assert not breaker.is_open


def _share(window: list[tuple[float, int, int]]) -> float:
    sound, rejected = sum(one[1] for one in window), sum(one[2] for one in window)
    return rejected / (sound + rejected) if sound + rejected else 0.0
