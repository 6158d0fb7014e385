"""Which changes of a declaration break whom, and which version each of them needs."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.contracts.access import Access, Grant
from exposure.contracts.diff import Impact, compare
from exposure.contracts.model import Column, Contract, ServiceLevel
from exposure.contracts.types import Array, Object, Scalar
from exposure.contracts.unknown_fields import UnknownFields
from fakes.declarations import EVENT_TIME, KEY, declared, with_every_type

STREET, CITY = Column("street", Scalar.STRING), Column("city", Scalar.STRING)
NOTE = Column("note", Scalar.STRING, nullable=True)
TOTAL = Column("total", Scalar.DECIMAL)


def holding(*columns: Column, **changes: Any) -> Contract:
    return declared(columns=(KEY, EVENT_TIME, *columns), **changes)


def changed(column: Column, **changes: Any) -> Column:
    return dataclasses.replace(column, **changes)


def impacts(old: Contract, new: Contract) -> dict[str, str]:
    return {change.path: change.impact.name for change in compare(old, new).changes}


def test_a_contract_does_not_differ_from_itself() -> None:
    found = compare(with_every_type(), with_every_type())
    assert (found.changes, found.impact, found.refusal) == ((), Impact.WORDING, None)


@pytest.mark.parametrize(("old", "new", "path"), [
    (declared(), declared(name="visitors"), "name"),
    (declared(), declared(topic="other-topic"), "topic"),
    (declared(), declared(dataset="other"), "dataset"),
    (holding(CITY), holding(CITY, key="city"), "key"),
    (holding(Column("then", Scalar.TIMESTAMP)), holding(Column("then", Scalar.TIMESTAMP), event_time="then"),
     "event_time"),
    (holding(NOTE), holding(), "columns.note"),
    (holding(), holding(TOTAL), "columns.total"),
    (holding(TOTAL), holding(changed(TOTAL, type=Scalar.NUMBER)), "columns.total"),
    (holding(TOTAL), holding(changed(TOTAL, nullable=True)), "columns.total"),
    (holding(changed(TOTAL, nullable=True)), holding(TOTAL), "columns.total"),
    (holding(TOTAL), holding(changed(TOTAL, type=Array(Scalar.DECIMAL))), "columns.total"),
    (holding(Column("address", Object((STREET, CITY)))), holding(Column("address", Object((STREET,)))),
     "columns.address.city"),
    (holding(Column("items", Array(Object((STREET,))))),
     holding(Column("items", Array(Object((STREET, CITY))))),
     "columns.items[].city"),
    (declared(), declared(retention=timedelta(days=30)), "retention"),
    (declared(retention=timedelta(days=30)), declared(retention=timedelta(days=29)), "retention"),
    (declared(), declared(service_level=ServiceLevel(availability_goal=0.99)),
     "service_level.availability_goal"),
    (declared(), declared(service_level=ServiceLevel(freshness=timedelta(minutes=2))),
     "service_level.freshness"),
    (declared(), declared(unknown_fields=UnknownFields.REJECT), "unknown_fields"),
    (declared(), declared(unknown_fields=UnknownFields.DROP), "unknown_fields"),
    (declared(unknown_fields=UnknownFields.DROP), declared(unknown_fields=UnknownFields.REJECT),
     "unknown_fields"),
])  # fmt: skip
def test_what_somebody_relies_on_cannot_change_without_breaking(
    old: Contract, new: Contract, path: str
) -> None:
    assert impacts(old, new) == {path: "BREAKING"}


@pytest.mark.parametrize(("old", "new", "path"), [
    (holding(), holding(NOTE), "columns.note"),
    (holding(), holding(Column("tags", Array(Scalar.STRING))), "columns.tags"),
    (holding(Column("address", Object((STREET,)))), holding(Column("address", Object((STREET, NOTE)))),
     "columns.address.note"),
    (holding(NOTE, TOTAL), holding(TOTAL, NOTE), "columns"),
    (declared(), declared(clustered_by=("id",)), "clustered_by"),
    (declared(retention=timedelta(days=30)), declared(), "retention"),
    (declared(), declared(service_level=ServiceLevel(latency=timedelta(milliseconds=200))),
     "service_level.latency"),
    (declared(), declared(service_level=ServiceLevel(latency_goal=0.99)), "service_level.latency_goal"),
    (declared(unknown_fields=UnknownFields.REJECT), declared(), "unknown_fields"),
])  # fmt: skip
def test_what_asks_nothing_of_anybody_is_compatible(old: Contract, new: Contract, path: str) -> None:
    assert impacts(old, new) == {path: "COMPATIBLE"}


@pytest.mark.parametrize(("old", "new"), [
    (declared(), declared(description="Other words.")),
    (declared(), declared(owner="another-team")),
    (holding(NOTE), holding(changed(NOTE, description="Other words."))),
    (holding(NOTE), holding(changed(NOTE, example="another"))),
])  # fmt: skip
def test_words_are_free(old: Contract, new: Contract) -> None:
    found = compare(old, new)
    assert [change.impact for change in found.changes] == [Impact.WORDING]
    assert found.refusal is None


def test_the_gravest_changes_come_first() -> None:
    found = compare(holding(NOTE), holding(TOTAL, description="Other words.", clustered_by=("id",)))
    assert [change.impact for change in found.changes] == sorted(
        (change.impact for change in found.changes), reverse=True
    )


@pytest.mark.parametrize(("new", "version", "refusal"), [
    (holding(TOTAL), "1.0.0", "a breaking change needs version 2.0.0, not 1.0.0"),
    (holding(TOTAL), "1.9.9", "a breaking change needs version 2.0.0, not 1.9.9"),
    (holding(TOTAL), "2.0.0", None),
    (holding(NOTE), "1.0.0", "a change needs a version later than 1.0.0, 1.1.0 for example"),
    (holding(NOTE), "1.0.1", None),
    (holding(NOTE), "1.1.0", None),
    (holding(), "1.0.0", None),
    (holding(), "0.9.9", "version 0.9.9 is older than 1.0.0"),
    (holding(TOTAL), "0.9.9", "version 0.9.9 is older than 1.0.0"),
])  # fmt: skip
def test_each_change_needs_its_version(new: Contract, version: str, refusal: str | None) -> None:
    assert compare(holding(), dataclasses.replace(new, version=version)).refusal == refusal


def test_versions_are_compared_as_numbers() -> None:
    assert compare(declared(version="1.9.0"), declared(version="1.10.0")).refusal is None


_COLUMNS = st.lists(
    st.builds(
        Column, st.sampled_from("abcd"), st.sampled_from([Scalar.STRING, Scalar.DATE]), nullable=st.booleans()
    ),
    unique_by=lambda column: column.name,
)  # fmt: skip


@settings(deadline=None)
@given(_COLUMNS, _COLUMNS)
def test_what_breaks_one_way_or_the_other_is_every_difference_but_order_and_words(
    old: list[Column], new: list[Column]
) -> None:
    there, back = compare(holding(*old), holding(*new)), compare(holding(*new), holding(*old))
    differ = {one.name: one for one in old} != {one.name: one for one in new}
    assert (max(there.impact, back.impact) is Impact.BREAKING) == differ


def test_what_can_no_longer_be_asked_of_a_column_breaks_who_asks_it() -> None:
    plain = Column("context", Scalar.JSON)
    declaring = changed(plain, members=(Column("os", Scalar.STRING),))
    assert impacts(holding(declaring), holding(plain)) == {"columns.context.os": "BREAKING"}
    assert impacts(holding(plain), holding(declaring)) == {"columns.context.os": "COMPATIBLE"}
    matchable = changed(CITY, matchable=True)
    assert impacts(holding(matchable), holding(CITY)) == {"columns.city": "BREAKING"}
    assert impacts(holding(CITY), holding(matchable)) == {"columns.city": "COMPATIBLE"}


def test_only_a_grant_behind_all_others_takes_nothing_from_anybody() -> None:
    one, other = Grant("sales"), Grant("shop")
    fewer, more = declared(access=Access((one,))), declared(access=Access((one, other)))
    assert impacts(fewer, more) == {"access": "COMPATIBLE"}
    assert impacts(more, fewer) == {"access": "BREAKING"}
    assert impacts(more, declared(access=Access((other, one)))) == {"access": "BREAKING"}
