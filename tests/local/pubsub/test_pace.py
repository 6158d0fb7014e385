"""The pace of pushes."""

from __future__ import annotations

from exposure.local.pubsub.pace import Pace


def test_the_window_starts_small_and_doubles_with_each_acknowledged_round() -> None:
    pace, windows = Pace(1000), []
    for _ in range(9):
        windows.append(pace.room(0, 0.0))
        for _ in range(windows[-1]):
            pace.succeeded(pace.round)
    assert windows == [8, 16, 32, 64, 128, 256, 512, 1000, 1000]


def test_a_failure_halves_the_window() -> None:
    pace = Pace(1000)
    pace.failed(pace.round, 0.0)
    assert pace.room(0, 1.0) == 4


def test_at_least_one_push_is_tried_after_the_pause_however_many_failed() -> None:
    pace = Pace(1000)
    for _ in range(20):
        pace.failed(pace.round, 0.0)
    assert pace.room(0, 60.0) == 1


def test_pauses_double_from_100_ms_to_60_s() -> None:
    pace, now = Pace(1000), 0.0
    for pause in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60.0, 60.0):
        pace.failed(pace.round, now)
        assert not pace.room(0, now + pause - 0.01)
        assert pace.room(0, now + pause + 0.01)
        now += 100.0


def test_a_success_ends_the_pauses() -> None:
    pace = Pace(1000)
    for _ in range(5):
        pace.failed(pace.round, 0.0)
    pace.succeeded(pace.round)
    pace.failed(pace.round, 100.0)
    assert pace.room(0, 100.1) > 0


def test_pushes_that_fail_together_count_once() -> None:
    pace = Pace(1000)
    together = pace.round
    for _ in range(8):
        pace.failed(together, 0.0)
    assert pace.room(0, 0.1) == 4


def test_what_is_in_flight_takes_room() -> None:
    assert Pace(1000).room(5, 0.0) == 3
    assert Pace(1000).room(50, 0.0) == 0


def test_a_pause_can_have_a_lower_limit() -> None:
    pace = Pace(1000)
    for _ in range(10):
        pace.failed(pace.round, 0.0, longest_pause=1.0)
    assert pace.room(0, 1.0) == 1
