"""What a question asks of a replica: which event times, and in which of the ways it answers fastest. Pure.

Event times are counted in whole microseconds since 1970, as every warehouse keeps them, so that a bound that
leaves its instant out is one that takes the next one in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import cast

from exposure.contracts.model import Contract
from exposure.query.aggregate import Aggregation
from exposure.query.model import Condition, Filter, Operator, Query, comparisons, joined, keys_named

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
FIRST = (datetime.min.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND
LAST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND
Key = str | int


def instant(microseconds: int) -> datetime:
    """Return the instant so many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=microseconds)


def microseconds(instant: datetime) -> int:
    """Return the microseconds from 1970 to the instant."""
    return (instant - EPOCH) // _MICROSECOND


@dataclass(frozen=True)
class Span:
    """Event times from `first` to `last`, both taken in.

    Unless `is_exact` the question says more of the event time than that, and means only some of these.
    """

    first: int = FIRST
    last: int = LAST
    is_exact: bool = True

    @property
    def is_whole(self) -> bool:
        """Return whether nothing is said of the event time."""
        return self == Span()

    def splits(self, other: Span) -> bool:
        """Return whether it may take in a part of the other and leave out another."""
        if other.last < self.first or other.first > self.last:
            return False
        return not (self.is_exact and self.first <= other.first and other.last <= self.last)


@dataclass(frozen=True)
class Part:
    """Rows of some event times, in which direction, and behind which event time and key, if any."""

    span: Span
    after: tuple[int, Key] | None
    descending: bool


@dataclass(frozen=True)
class Asked:
    """The event times a question is about, and the conditions that say more than that.

    `key` is that of the one row they allow, None if they may allow several.
    """

    span: Span
    rest: tuple[Condition, ...]
    key: Key | None


def asked_of(question: Query | Aggregation) -> Asked:
    """Return what the conditions of a question, all of which hold, say of the event time."""
    contract, span = question.contract, Span()
    rest: list[Condition] = []
    for one in joined(question.filters):
        bounds = _bounds(contract, one)
        if bounds is None:
            rest.append(one)
            continue
        span = replace(span, first=max(span.first, bounds.first), last=min(span.last, bounds.last))
        if not bounds.is_exact:
            rest.append(one)
    if any(one.column.name == contract.event_time for one in comparisons(*rest)):
        span = replace(span, is_exact=False)
    return Asked(span, tuple(rest), next(keys_named(contract, rest), None))


def is_by_time(query: Query) -> bool:
    """Return whether the rows are asked for by event time and then key, both in one direction."""
    contract = query.contract
    if [one.column.name for one in query.order] != [contract.event_time, contract.key]:
        return False
    return query.order[0].descending is query.order[1].descending


def _bounds(contract: Contract, one: Condition) -> Span | None:
    if not isinstance(one, Filter) or one.column.name != contract.event_time or one.within:
        return None
    if one.operator is Operator.IN:
        instants = [microseconds(value) for value in cast("tuple[datetime, ...]", one.value)]
        return Span(min(instants), max(instants), is_exact=False)
    if not isinstance(one.value, datetime):
        return None
    at = microseconds(one.value)
    return {
        Operator.EQ: Span(at, at),
        Operator.GTE: Span(first=at),
        Operator.GT: Span(first=at + 1),
        Operator.LTE: Span(last=at),
        Operator.LT: Span(last=at - 1),
    }.get(one.operator)
