"""Whose row is whose, whatever an append is cut into."""

from __future__ import annotations

from hypothesis import given
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
