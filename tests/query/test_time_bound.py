"""What counts as a bound on the event time, and what a question means that has none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Object, Scalar
from exposure.contracts.unbounded import Unbounded
from exposure.query.aggregate_parse import parse_aggregation
from exposure.query.errors import BadQuery
from exposure.query.facets import parse_facets
from exposure.query.model import Filter, Operator
from exposure.query.parse import parse_export, parse_query
from exposure.query.time_bound import is_bounded, window_of, within
from fakes.declarations import EVENT_TIME, KEY, declared

NOTE = Column("note", Scalar.STRING, nullable=True)
SEEN = Column("seen", Object((Column("at", Scalar.TIMESTAMP),)))
DAYS = timedelta(days=30)
NIGHT = datetime(2026, 11, 25, 23, 59, 59, 999999, UTC)
TIME = "2026-11-01T00:00:00Z"
BOUND = [
    f"at.gte={TIME}", f"at.gt={TIME}", f"at.eq={TIME}", f"at.in={TIME},{TIME}", f"where=at gte {TIME}",
    f"where=at gte {TIME} and (note eq a or note eq b)", f"where=(at gte {TIME} and note eq a) and note ne b",
    "id.eq=a", "id.in=a,b", "where=id eq a and note eq b", f"at.lt={TIME}&at.gte={TIME}",
]  # fmt: skip
UNBOUND = [
    "", "note.eq=a", f"at.lt={TIME}", f"at.lte={TIME}", f"at.ne={TIME}", f"at.nin={TIME}", "at.isnull=false",
    f"where=at gte {TIME} or note eq a", f"where=not at lt {TIME}", f"seen.at.gte={TIME}", "id.gt=a",
    f"where=(at gte {TIME} or id eq a) and note eq b", f"at.distinct={TIME}", "id.prefix=a",
]  # fmt: skip
PARSERS: dict[str, Callable[[Contract, list[tuple[str, str]]], Any]] = {
    "page": lambda contract, pairs: parse_query(contract, pairs, lambda _: b""),
    "export": parse_export,
    "aggregate": parse_aggregation,
    "facets": lambda contract, pairs: parse_facets(contract, [*pairs, ("columns", "note")]),
}


def contract(unbounded: Unbounded | timedelta = Unbounded.ALLOW, **changes: Any) -> Contract:
    return declared(columns=(KEY, EVENT_TIME, NOTE, SEEN), unbounded=unbounded, **changes)


def pairs(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (one.partition("=") for one in query.split("&") if one)]


@pytest.mark.parametrize("kind", PARSERS)
@pytest.mark.parametrize("query", BOUND)
def test_a_bound_that_holds_for_every_row_counts_whatever_is_asked(kind: str, query: str) -> None:
    asked = PARSERS[kind](contract(Unbounded.REFUSE), pairs(query))
    assert is_bounded(asked.contract, asked.filters)
    assert window_of(contract(DAYS), asked.filters, NIGHT) is None


@pytest.mark.parametrize("kind", PARSERS)
@pytest.mark.parametrize("query", UNBOUND)
def test_without_one_a_contract_may_refuse_and_says_which_parameter_is_missing(kind: str, query: str) -> None:
    with pytest.raises(BadQuery) as raised:
        PARSERS[kind](contract(Unbounded.REFUSE), pairs(query))
    [error] = raised.value.errors
    assert (error.parameter, error.code) == ("at.gte", "TIME_BOUND_REQUIRED")
    assert error.suggestion is not None
    name, _, value = error.suggestion.partition("=")
    PARSERS[kind](contract(Unbounded.REFUSE), [*pairs(query), (name, value)])


@pytest.mark.parametrize("kind", PARSERS)
@pytest.mark.parametrize("query", UNBOUND)
def test_a_contract_that_says_nothing_of_it_answers_and_adds_nothing(kind: str, query: str) -> None:
    asked = PARSERS[kind](contract(), pairs(query))
    assert window_of(asked.contract, asked.filters, NIGHT) is None
    assert within(asked, None) is asked


def test_a_bound_that_is_mistyped_is_not_also_missing() -> None:
    with pytest.raises(BadQuery) as raised:
        PARSERS["page"](contract(Unbounded.REFUSE), [("at.gte", "yesterday")])
    assert [error.code for error in raised.value.errors] == ["WRONG_VALUE"]


@pytest.mark.parametrize("kind", PARSERS)
def test_a_window_is_one_filter_more_which_names_the_parameter_it_stands_for(kind: str) -> None:
    asked = PARSERS[kind](contract(DAYS), pairs("note.eq=a"))
    window = window_of(asked.contract, asked.filters, NIGHT)
    assert window is not None
    assert window.parameter == "at.gte"
    since = datetime(2026, 10, 26, tzinfo=UTC)
    assert within(asked, window).filters == (*asked.filters, Filter(EVENT_TIME, Operator.GTE, since))


@given(st.timedeltas(-timedelta(days=10_000), timedelta(days=10_000)), st.integers(1, 1000))
def test_a_window_is_as_long_as_declared_at_least_less_than_a_day_longer_and_the_same_all_day(
    since: timedelta, days: int
) -> None:
    moment = NIGHT + since
    window = window_of(contract(timedelta(days=days)), (), moment)
    assert window is not None
    assert timedelta(days=days) <= moment - window.since < timedelta(days=days + 1)
    begun = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    assert window == window_of(contract(timedelta(days=days)), (), begun)
