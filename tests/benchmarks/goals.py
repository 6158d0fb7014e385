"""What the read API is to reach beside the others, and whether it did. Pure: rates in, verdicts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.peers.questions import DEEP, FIRST, GROUPS, PAGE, POINT

API, EMPTY, ROAPI, DATASETTE, POSTGRES = "this API", "empty answer", "ROAPI", "Datasette", "PostgreSQL"
CACHED, UNCHANGED = "cached page", "304"
Cell = tuple[str, str]
Rates = Mapping[Cell, float]


@dataclass(frozen=True)
class Goal:
    """That this API answers `kind` at least so many times as often as `rival` answers `rival_kind`."""

    kind: str
    rival: str
    rival_kind: str
    least: float


GOALS = (
    *(
        Goal(kind, rival, rival_kind, least)
        for kind in (CACHED, UNCHANGED)
        for rival, rival_kind, least in (
            (EMPTY, EMPTY, 0.8),
            (ROAPI, PAGE, 100),
            (DATASETTE, PAGE, 40),
            (POSTGRES, PAGE, 5),
        )
    ),
    Goal(POINT, ROAPI, POINT, 10),
    Goal(POINT, POSTGRES, POINT, 1),
    Goal(PAGE, ROAPI, PAGE, 3),
    # At most twice the time is at least half the rate.
    Goal(DEEP, API, FIRST, 0.5),
    Goal(GROUPS, ROAPI, GROUPS, 5),
    Goal(GROUPS, POSTGRES, GROUPS, 15),
)


@dataclass(frozen=True)
class Verdict:
    """A goal and the ratio that was measured, None where the rival answered nothing at all.

    `by_processor` is the same ratio of answers per second of processor time. It is what remains when the
    machine has other things to do; of one process it is the ratio it would have had alone.
    """

    goal: Goal
    ratio: float | None
    by_processor: float | None

    @property
    def is_met(self) -> bool:
        """Tell whether the goal was reached."""
        return self.ratio is None or self.ratio >= self.goal.least

    def line(self) -> str:
        """Return it as one line of a report."""
        goal = self.goal
        of = goal.rival if goal.rival_kind in (goal.kind, goal.rival) else f"{goal.rival}, {goal.rival_kind}"
        found, by_processor = _written(self.ratio), _written(self.by_processor)
        verdict = "met" if self.is_met else "MISSED"
        return (
            f"{goal.kind:<16} of {of:<26} {found:>9}  goal {goal.least:>4g}x  {verdict:<7} {by_processor:>9}"
        )


def judge(rates: Rates, by_processor: Rates) -> Sequence[Verdict]:
    """Return a verdict on every goal; both are by who answers and what is asked."""
    return [Verdict(goal, _ratio(rates, goal), _ratio(by_processor, goal)) for goal in GOALS]


def _ratio(rates: Rates, goal: Goal) -> float | None:
    rival = rates[goal.rival, goal.rival_kind]
    return rates[API, goal.kind] / rival if rival else None


def _written(ratio: float | None) -> str:
    return "no answer" if ratio is None else f"{ratio:.2f}x"
