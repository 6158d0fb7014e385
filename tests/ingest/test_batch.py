"""How rows that wait become appends. Time is virtual: nothing sleeps."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from exposure.ingest.batch import Batcher, BatchLimits, Overloaded, Room, RowRefused
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from fakes.batches import TABLE, add, batcher_on, holding, names, turns
from fakes.jumping_clock import elapsed, in_virtual_time
from fakes.recording_writer import RecordingWriter


@in_virtual_time
async def test_an_idle_table_appends_at_once() -> None:
    writer = RecordingWriter()
    await batcher_on(writer).add(("a",), 100)
    assert (names(writer), elapsed()) == (["a"], 0.0)


@in_virtual_time
async def test_rows_that_arrive_together_travel_together() -> None:
    writer = RecordingWriter()
    await asyncio.gather(*add(batcher_on(writer), "a", "b", "c"))
    assert names(writer) == ["abc"]


@in_virtual_time
async def test_add_returns_only_when_the_append_has_been_answered() -> None:
    writer = holding()
    (waiting,) = add(batcher_on(writer), "a")
    append = await writer.begun(0)
    await turns()
    assert not waiting.done()
    append.answer()
    await waiting


@in_virtual_time
async def test_a_batch_is_closed_by_its_number_of_rows_and_does_not_linger() -> None:
    writer = holding()
    batcher = batcher_on(writer, rows=3)
    waiting = add(batcher, "a")
    await writer.begun(0)
    waiting += add(batcher, "b", "c", "d")
    await writer.begun(1)
    assert (names(writer), elapsed()) == (["a", "bcd"], 0.0)
    writer.holds = False
    for append in writer.appends:
        append.answer()
    await asyncio.gather(*waiting)


@in_virtual_time
async def test_a_batch_is_closed_by_its_bytes() -> None:
    writer = RecordingWriter()
    batcher = batcher_on(writer, size_bytes=250, in_flight=1)
    await asyncio.gather(*add(batcher, "a", "b", "c", size_bytes=100))
    assert names(writer) == ["ab", "c"]


@in_virtual_time
async def test_a_row_larger_than_a_batch_travels_alone() -> None:
    writer = RecordingWriter()
    batcher = batcher_on(writer, size_bytes=250)
    await asyncio.gather(*add(batcher, "a"), *add(batcher, "B", size_bytes=9000), *add(batcher, "c"))
    assert names(writer) == ["a", "B", "c"]


@in_virtual_time
async def test_one_bad_row_costs_one_row() -> None:
    writer = RecordingWriter()
    writer.refuse = lambda _, row: "too long" if row[0] == "b" else None
    outcomes = await asyncio.gather(*add(batcher_on(writer), "a", "b", "c"), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["None", "too long", "None"]
    assert isinstance(outcomes[1], RowRefused)
    assert writer.stored(TABLE.name) == [("a",), ("c",)]


@pytest.mark.parametrize(
    "failure", [WarehouseUnavailable("down"), WarehouseMisconfigured("no table"), ValueError("bug")]
)
def test_a_failed_append_fails_each_of_its_rows_and_no_other(failure: Exception) -> None:
    @in_virtual_time
    async def scenario() -> None:
        writer = RecordingWriter()
        batcher = batcher_on(writer)
        writer.failure = failure
        outcomes = await asyncio.gather(*add(batcher, "a", "b"), return_exceptions=True)
        assert outcomes == [failure, failure]
        writer.failure = None
        await batcher.add(("c",), 100)

    scenario()


@in_virtual_time
async def test_more_rows_than_may_be_held_are_refused_at_once() -> None:
    writer = holding()
    batcher = batcher_on(writer, held_rows=2)
    waiting = add(batcher, "a", "b")
    await turns()
    with pytest.raises(Overloaded):
        await batcher.add(("c",), 100)
    writer.appends[0].answer()
    await asyncio.gather(*waiting)
    writer.holds = False
    await batcher.add(("d",), 100)


@in_virtual_time
async def test_more_bytes_than_may_be_held_are_refused_at_once() -> None:
    writer = holding()
    batcher = batcher_on(writer, held_bytes=1000)
    waiting = add(batcher, "a", size_bytes=600)
    await turns()
    with pytest.raises(Overloaded):
        await batcher.add(("b",), 401)
    waiting += add(batcher, "c", size_bytes=400)
    (await writer.begun(1)).answer()
    writer.appends[0].answer()
    await asyncio.gather(*waiting)
    writer.holds = False
    await batcher.add(("d",), 1000)


@in_virtual_time
async def test_batchers_of_one_room_hold_no_more_than_it_together() -> None:
    writer, room = holding(), Room(10, 1000)
    one, other = (Batcher(writer, TABLE, BatchLimits(), room) for _ in range(2))
    waiting = add(one, "a", size_bytes=600)
    await turns()
    with pytest.raises(Overloaded):
        await other.add(("b",), 401)
    (await writer.begun(0)).answer()
    await asyncio.gather(*waiting)
    writer.holds = False
    await other.add(("b",), 1000)


@in_virtual_time
async def test_many_rows_at_once_fill_batches_and_each_refusal_finds_its_row() -> None:
    writer = RecordingWriter()
    writer.refuse = lambda _, row: "bad" if row[0] in ("b", "e") else None
    batcher = batcher_on(writer, rows=2)
    assert await batcher.add_all([(name,) for name in "abcde"], 503) == {1: "bad", 4: "bad"}
    assert [len(append.rows) for append in writer.appends] == [2, 2, 1]
    assert await batcher.add_all([], 0) == {}


@in_virtual_time
async def test_many_rows_at_once_give_back_all_the_room_they_took() -> None:
    batcher = batcher_on(RecordingWriter(), rows=2, held_rows=5, held_bytes=503)
    for _ in range(3):
        assert await batcher.add_all([(name,) for name in "abcde"], 503) == {}


@in_virtual_time
async def test_more_rows_at_once_than_may_be_held_enter_not_even_in_part() -> None:
    writer = RecordingWriter()
    with pytest.raises(Overloaded):
        await batcher_on(writer, rows=2, held_rows=4).add_all([(name,) for name in "abcde"], 5)
    assert writer.appends == []


@in_virtual_time
async def test_nobody_waits_longer_than_the_deadline() -> None:
    writer = holding()
    batcher = batcher_on(writer, in_flight=1)
    in_flight = add(batcher, "a")
    await writer.begun(0)
    await asyncio.sleep(1)
    queued = add(batcher, "b")
    for waiting, moment in ((in_flight, 8.0), (queued, 9.0)):
        with pytest.raises(WarehouseUnavailable, match="deadline"):
            await waiting[0]
        assert elapsed() == pytest.approx(moment)


@in_virtual_time
async def test_what_was_given_up_before_its_append_is_never_appended_and_held_no_longer() -> None:
    writer = holding()
    batcher = batcher_on(writer, in_flight=1, held_rows=2)
    waiting = add(batcher, "a")
    await writer.begun(0)
    waiting += add(batcher, "b")
    await asyncio.gather(*waiting, return_exceptions=True)
    later = add(batcher, "c")
    await turns()
    writer.appends[0].answer()
    (await writer.begun(1)).answer()
    await asyncio.gather(*later)
    assert names(writer) == ["a", "c"]


@in_virtual_time
async def test_a_request_that_goes_away_takes_nothing_from_the_others() -> None:
    writer = holding()
    first, second = add(batcher_on(writer), "a", "b")
    append = await writer.begun(0)
    first.cancel()
    await turns()
    append.answer()
    await second
    assert writer.stored(TABLE.name) == [("a",), ("b",)]


@in_virtual_time
async def test_draining_appends_all_that_waits_without_lingering() -> None:
    writer = holding()
    batcher = batcher_on(writer, rows=1, linger=timedelta(seconds=5), deadline=timedelta(seconds=60))
    waiting = add(batcher, "a", "b", "c", "d")
    await turns()
    draining = asyncio.create_task(batcher.drain())
    for number in range(4):
        assert not draining.done()
        (await writer.begun(number)).answer()
    await draining
    assert (names(writer), elapsed()) == (["a", "b", "c", "d"], 0.0)
    await asyncio.gather(*waiting)


@in_virtual_time
async def test_draining_an_idle_table_returns_at_once() -> None:
    await batcher_on(RecordingWriter()).drain()


@in_virtual_time
async def test_no_timer_is_left_behind() -> None:
    await asyncio.gather(*add(batcher_on(RecordingWriter()), "a", "b"))
    timers = [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
    assert timers == []
