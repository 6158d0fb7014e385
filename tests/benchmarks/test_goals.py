"""A goal is judged by the ratio of two rates of one run."""

from __future__ import annotations

from benchmarks.goals import API, EMPTY, GOALS, POSTGRES, UNCHANGED, Goal, Verdict, judge
from benchmarks.peers.questions import DEEP, FIRST, GROUPS


def _rates(**api: float) -> dict[tuple[str, str], float]:
    asked = {(goal.rival, goal.rival_kind): 100.0 for goal in GOALS}
    return (
        asked
        | {(API, goal.kind): 100.0 for goal in GOALS}
        | {(API, kind): rate for kind, rate in api.items()}
    )


def _found(verdicts: list[Verdict], kind: str, rival: str) -> Verdict:
    [found] = [one for one in verdicts if (one.goal.kind, one.goal.rival) == (kind, rival)]
    return found


def test_a_goal_is_met_by_the_least_it_asks_for_and_missed_below() -> None:
    for rate, is_met in ((80.0, True), (79.9, False)):
        verdicts = list(judge(_rates(**{UNCHANGED: rate}), _rates()))
        assert _found(verdicts, UNCHANGED, EMPTY).is_met is is_met


def test_the_deep_page_may_take_twice_the_time_of_the_first() -> None:
    slow, rates = _rates(), _rates()
    rates[API, FIRST], rates[API, DEEP] = 300.0, 150.0
    assert _found(list(judge(rates, slow)), DEEP, API).is_met
    rates[API, DEEP] = 149.0
    assert not _found(list(judge(rates, slow)), DEEP, API).is_met


def test_a_rival_that_answers_nothing_is_said_to_and_is_no_division_by_zero() -> None:
    rates = _rates()
    rates[POSTGRES, GROUPS] = 0.0
    verdict = _found(list(judge(rates, rates)), GROUPS, POSTGRES)
    assert verdict.ratio is None
    assert "no answer" in verdict.line()


def test_a_verdict_says_the_ratio_the_goal_and_whether_it_was_reached() -> None:
    line = Verdict(Goal("point read", "ROAPI", "point read", 10), 9.5, 12.25).line()
    assert [word for word in line.split() if word[-1] in "xD"] == ["9.50x", "10x", "MISSED", "12.25x"]
