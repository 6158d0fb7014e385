"""Whose row is whose, whatever an append is cut into."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.warehouse.arrow import arrow_schema
from exposure.warehouse.write_part import Append, Part, encode
from fakes.rows import order_row
from fakes.write_scene import TABLE

SCHEMA = arrow_schema(TABLE.columns)
CUT = st.lists(st.tuples(st.booleans(), st.integers(1, 5)), max_size=6)


async def _part(rows: int) -> Part:
    encoded = encode(SCHEMA, [order_row(order_id=str(number), tags=[str(number)]) for number in range(rows)])
    return Part(Append(rows, {}, 0.0), encoded.batch, encoded.indices)


@given(rows=st.integers(1, 40), cuts=CUT)
async def test_each_part_knows_its_rows_however_often_it_is_cut(
    rows: int, cuts: list[tuple[bool, int]]
) -> None:
    parts, removed = [await _part(rows)], set[int]()
    for splits, number in cuts:
        part = parts.pop(0)
        if splits:
            parts += part.pieces(number)
        else:
            gone = dict.fromkeys(range(0, len(part), number + 1), "")
            removed |= {part.indices[row] for row in gone}
            parts += [part.without(gone)] if len(gone) < len(part) else []
        if not parts:
            break
    held = [(index, str(index), [str(index)]) for index in range(rows) if index not in removed]
    found = [
        (index, row["order_id"], row["tags"])
        for part in parts
        for index, row in zip(part.indices, part.batch.to_pylist(), strict=True)
    ]
    assert sorted(found) == held
    assert all(len(part) == part.batch.num_rows > 0 for part in parts)


def _search(part: Part, bad: set[int]) -> tuple[list[int], list[int], int]:
    """Return the rows found good and found bad, and the requests it took after the first was refused."""
    good, found, requests, queue = list[int](), list[int](), 0, part.halved() if len(part) > 1 else [part]
    while queue:
        part, requests = queue.pop(0), requests + 1
        if bad.isdisjoint(part.indices):
            good += part.indices
            queue[:0] = part.after_stored()
        elif len(part) == 1:
            found += part.indices
            queue[:0] = part.rest()
        else:
            queue[:0] = part.halved()
    return good, found, requests


@settings(deadline=None)
@given(rows=st.integers(2, 60), bad=st.sets(st.integers(0, 59), min_size=1))
async def test_every_row_at_fault_is_found_and_every_other_one_is_stored_once(
    rows: int, bad: set[int]
) -> None:
    good, found, _ = _search(await _part(rows), bad)
    assert sorted(found) == sorted(bad & set(range(rows)))
    assert sorted(good) == sorted(set(range(rows)) - bad)


@settings(deadline=None)
@given(rows=st.integers(2, 300), at=st.floats(0, 1, exclude_max=True))
async def test_the_only_row_at_fault_is_found_in_one_request_a_halving_and_two(rows: int, at: float) -> None:
    _, found, requests = _search(await _part(rows), {int(rows * at)})
    assert found == [int(rows * at)]
    assert requests <= math.ceil(math.log2(rows)) + 2


@pytest.mark.parametrize("refused_wrongly", range(4))
async def test_a_row_that_is_stored_when_it_is_sent_alone_is_not_at_fault_and_its_company_goes_on(
    refused_wrongly: int,
) -> None:
    queue, good = (await _part(9)).halved(), list[int]()
    while queue:
        part, refused_wrongly = queue.pop(0), refused_wrongly - 1
        if refused_wrongly >= 0 and len(part) > 1:
            queue[:0] = part.halved()
        else:
            good += part.indices
            queue[:0] = part.after_stored()
    assert sorted(good) == list(range(9))


async def test_an_append_is_answered_when_its_last_row_is_settled() -> None:
    append = Append(3, {7: "unfit"}, 0.0)
    append.stored(2)
    assert not append.is_over
    append.refuse(1, "bad")
    assert await append.answer == {7: "unfit", 1: "bad"}


async def test_a_row_in_doubt_is_refused_once_another_row_is_stored() -> None:
    append = Append(2, {}, 0.0)
    append.doubt(0, "malformed")
    assert not append.is_doubted
    append.stored(1)
    assert await append.answer == {0: "malformed"}


async def test_an_append_of_nothing_but_rows_in_doubt_is_not_answered_by_itself() -> None:
    append = Append(2, {}, 0.0)
    append.doubt(0, "malformed")
    append.refuse(1, "bad")
    assert append.is_doubted
    assert append.doubt_reason == "malformed"
    assert not append.is_over


async def test_an_append_that_is_over_stays_as_it_ended() -> None:
    append = Append(1, {}, 0.0)
    append.answer.cancel()
    append.stored(1)
    append.fail(ValueError())
    assert append.answer.cancelled()
