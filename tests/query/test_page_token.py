from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.contracts import orders
from exposure.contracts.types import Scalar
from exposure.query.grammar import comparable_columns, places, scalar_of
from exposure.query.model import And, Condition, Filter, Not, Operator, Or, Order, Query, Row, Snapshot
from exposure.query.page_token import BadPageToken, continue_query, fingerprint, write_position
from fakes.parsing import parse
from fakes.rows import NOON

CONTRACT = orders.CONTRACT
SHIPPING = CONTRACT.column("shipping")
[CITY] = (place.leaf for place in places(CONTRACT) if place.name == "shipping.city")
COLUMNS = comparable_columns(CONTRACT)
STORED: dict[Scalar, st.SearchStrategy[Any]] = {
    Scalar.STRING: st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    Scalar.INTEGER: st.integers(-(2**63), 2**63 - 1),
    Scalar.NUMBER: st.floats(),
    Scalar.DECIMAL: st.decimals(min_value=-(10**29) + 1, max_value=10**29 - 1, places=9),
    Scalar.BOOLEAN: st.booleans(),
    Scalar.DATE: st.dates(),
    Scalar.TIMESTAMP: st.datetimes(timezones=st.just(UTC)),
}


def query(**changes: Any) -> Query:
    total = CONTRACT.column("total")
    usual = Query(
        contract=CONTRACT,
        columns=CONTRACT.columns,
        filters=(
            Filter(total, Operator.GT, Decimal("1.5")),
            Filter(CONTRACT.column("currency"), Operator.IN, ("EUR", "USD")),
        ),
        order=(Order(total), Order(CONTRACT.key_column)),
        page_size=100,
    )
    return replace(usual, **changes)


POSITION: Row = (Decimal("39.80"), "ord-1")
SNAPSHOT = Snapshot(NOON, 7)
EVERY_COLUMN = query(order=tuple(Order(column) for column in COLUMNS))


@given(st.tuples(*(st.none() | STORED[scalar_of(column)] for column in COLUMNS)))
def test_a_position_is_read_as_it_was_written_whatever_its_types(position: Row) -> None:
    read = continue_query(EVERY_COLUMN, write_position(EVERY_COLUMN, position, SNAPSHOT)).after
    assert read is not None
    for before, after in zip(position, read, strict=True):
        assert type(after) is type(before)
        if isinstance(before, float) and isinstance(after, float):
            assert math.isnan(before) == math.isnan(after)
            assert before.hex() == after.hex()
        else:
            assert after == before


@given(st.datetimes(timezones=st.timezones()), st.none() | st.integers(0))
def test_a_snapshot_is_read_as_it_was_written(at: datetime, rows: int | None) -> None:
    read = continue_query(query(), write_position(query(), POSITION, Snapshot(at, rows))).snapshot
    assert read == Snapshot(at.astimezone(UTC), rows)


def test_the_next_page_is_the_same_question_from_another_place() -> None:
    assert continue_query(query(), write_position(query(), POSITION, SNAPSHOT)) == query(
        after=POSITION, snapshot=SNAPSHOT
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda: query(page_size=7),
        lambda: query(columns=(CONTRACT.key_column,)),
        lambda: query(filters=tuple(reversed(query().filters))),
    ],
    ids=["page_size", "columns", "the order of the filters"],
)
def test_what_may_change_during_a_walk(change: Callable[[], Query]) -> None:
    assert continue_query(change(), write_position(query(), POSITION, SNAPSHOT)).after == POSITION


def other_filter(**changes: Any) -> Query:
    first, *rest = query().filters
    assert isinstance(first, Filter)
    return query(filters=(replace(first, **changes), *rest))


A, B, C = (
    Filter(CONTRACT.column("total"), Operator.EQ, Decimal(1)),
    Filter(CONTRACT.column("currency"), Operator.EQ, "1"),
    Filter(CONTRACT.column("paid"), Operator.EQ, value=True),
)


def test_no_two_trees_of_the_same_comparisons_are_taken_for_one_another() -> None:
    trees: list[Condition] = [
        A, Not(A), Not(Not(A)), And((A, B)), Or((A, B)), Or((B, A)), Not(Or((A, B))), Or((Not(A), B)),
        Or((A, B, C)), Or((A, Or((B, C)))), Or((And((A, B)), C)), And((A, Or((B, C)))), Or((A, And((B, C)))),
    ]  # fmt: skip
    assert len({fingerprint(query(filters=(tree,))) for tree in trees}) == len(trees)


def test_a_tree_whose_conditions_all_hold_is_the_same_walk_as_filters_side_by_side() -> None:
    side_by_side = parse(("currency.eq", "DE"), ("total.gt", "1"))
    assert fingerprint(parse(("where", "total gt 1 and currency eq DE"))) == fingerprint(side_by_side)
    assert fingerprint(parse(("where", "total gt 1 or currency eq DE"))) != fingerprint(side_by_side)


@pytest.mark.parametrize(
    "change",
    [
        lambda: query(contract=replace(CONTRACT, version="1.0.1")),
        lambda: query(contract=replace(CONTRACT, name="orders_of_another_name", topic="another-topic")),
        lambda: query(filters=()),
        lambda: query(filters=query().filters[:1]),
        lambda: query(filters=(*query().filters, query().filters[0])),
        lambda: other_filter(value=Decimal("1.6")),
        lambda: other_filter(operator=Operator.GTE),
        lambda: other_filter(column=CONTRACT.column("weight_kg")),
        lambda: query(order=(Order(CONTRACT.column("total"), descending=True), Order(CONTRACT.key_column))),
        lambda: query(order=(Order(CONTRACT.column("weight_kg")), Order(CONTRACT.key_column))),
        lambda: query(order=(Order(CONTRACT.key_column),)),
        lambda: query(
            order=(Order(CONTRACT.column("total"), nulls_greatest=True), Order(CONTRACT.key_column))
        ),
        lambda: other_filter(column=SHIPPING, within=(CITY,)),
        lambda: query(filters=(And(query().filters),)),
        lambda: query(filters=(Or(query().filters),)),
        lambda: query(filters=(Not(query().filters[0]), *query().filters[1:])),
    ],
)
def test_what_may_not_change_during_a_walk(change: Callable[[], Query]) -> None:
    with pytest.raises(BadPageToken) as refusal:
        continue_query(change(), write_position(query(), POSITION, SNAPSHOT))
    assert refusal.value.code == "PAGE_TOKEN_MISMATCH"


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"[1,2]", b"[1,2,3,4]", b"7", b"\xff", b'"ab"'])
def test_what_another_release_has_sealed_is_refused(content: bytes) -> None:
    with pytest.raises(BadPageToken):
        continue_query(query(), content)


def test_what_the_release_before_snapshots_has_sealed_is_refused() -> None:
    mark, values, _ = json.loads(write_position(query(), POSITION, SNAPSHOT))
    with pytest.raises(BadPageToken):
        continue_query(query(), json.dumps([mark, values]).encode())


def test_a_fingerprint_tells_values_from_their_spelling() -> None:
    text = Filter(CONTRACT.column("currency"), Operator.EQ, "1")
    assert fingerprint(query(filters=(text,))) != fingerprint(query(filters=(replace(text, value="1.0"),)))
    assert json.loads(write_position(query(), POSITION, SNAPSHOT))[0] == fingerprint(query())
