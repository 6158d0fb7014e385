"""The lower bound a question puts on the event time, and what its contract says becomes of one that has none.

A bound counts where it must hold for every row that is asked for: not beneath `or` or `not`. Nothing is said
of a question for keys: it means a few rows, wherever they are. Nobody here knows what time it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from exposure.contracts.model import Column, Contract
from exposure.contracts.unbounded import Unbounded
from exposure.query.aggregate import Aggregation
from exposure.query.errors import wrong
from exposure.query.model import Condition, Filter, Operator, Query, joined

Question = TypeVar("Question", bound=Query | Aggregation)
_BOUNDS = (Operator.GTE, Operator.GT, Operator.EQ, Operator.IN)
_EQUAL = (Operator.EQ, Operator.IN)
_EXAMPLE = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Window:
    """The rows a question is about that named no bound: those since an instant, a midnight in UTC."""

    column: Column
    since: datetime

    @property
    def parameter(self) -> str:
        """Return the name of the parameter that would have said the same."""
        return f"{self.column.name}.{Operator.GTE}"


def window_of(contract: Contract, filters: Sequence[Condition], moment: datetime) -> Window | None:
    """Return the window of a question asked at that moment; None when it needs none.

    All questions of a day are about the same window, so that equal ones stay equal.
    """
    if not isinstance(contract.unbounded, timedelta) or is_bounded(contract, filters):
        return None
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(contract.column(contract.event_time), day - contract.unbounded)


def within(question: Question, window: Window | None) -> Question:
    """Return the question about the rows of the window; as it is without one."""
    if window is None:
        return question
    bound = Filter(window.column, Operator.GTE, window.since)
    return replace(question, filters=(*question.filters, bound))


def is_bounded(contract: Contract, filters: Sequence[Condition]) -> bool:
    """Return whether the conditions, all of which hold, bound the event time from below or name keys."""
    return any(_bounds(contract, one) for one in joined(filters))


def refuse_unbounded(contract: Contract, filters: Sequence[Condition]) -> None:
    """Raise BadQuery when the contract refuses a question with these filters."""
    if contract.unbounded is not Unbounded.REFUSE or is_bounded(contract, filters):
        return
    name = contract.event_time
    allowed = tuple(f"{name}.{operator}" for operator in _BOUNDS)
    message = f"a question about {contract.name} needs a lower bound on '{name}', such as '{allowed[0]}'"
    example = f"{allowed[0]}={_EXAMPLE}"
    raise wrong(allowed[0], "TIME_BOUND_REQUIRED", message, allowed=allowed, suggestion=example)


def _bounds(contract: Contract, one: Condition) -> bool:
    if not isinstance(one, Filter) or one.within:
        return False
    is_of_time = one.column.name == contract.event_time and one.operator in _BOUNDS
    return is_of_time or (one.column.name == contract.key and one.operator in _EQUAL)
