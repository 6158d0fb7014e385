"""What is not appended a second time, and that nothing is left out for it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from exposure.contracts.analytics_table import CONTRACT
from exposure.ingest.batch import BatchLimits
from exposure.ingest.dedupe import RecentLimits
from exposure.ingest.outcome import Outcome
from exposure.ingest.pipeline import Guards, Pipeline
from exposure.warehouse.port import WarehouseUnavailable
from fakes.jumping_clock import in_virtual_time
from fakes.messages import event, message
from fakes.recording_writer import RecordingWriter

EVENT = message(event(), "1")
BAD = message(b"not json", "2")


def pipeline_on(writer: RecordingWriter, recent: RecentLimits | None = None) -> Pipeline:
    return Pipeline(CONTRACT, writer, guards=Guards(recent=recent or RecentLimits()))


def holding() -> RecordingWriter:
    writer = RecordingWriter()
    writer.holds = True
    return writer


@pytest.mark.parametrize("one", [EVENT, BAD], ids=["row", "quarantine"])
async def test_a_message_that_is_durable_is_acknowledged_again_without_another_append(one: object) -> None:
    assert isinstance(one, type(EVENT))
    writer = RecordingWriter()
    pipeline = pipeline_on(writer)
    assert (await pipeline.handle(one)).acknowledges
    assert await pipeline.handle(one) is Outcome.DUPLICATE
    assert await pipeline.handle_all([one, one]) == [Outcome.DUPLICATE] * 2
    assert len(writer.appends) == 1
    assert Outcome.DUPLICATE.acknowledges


async def test_a_message_that_failed_is_appended_again() -> None:
    writer = RecordingWriter()
    pipeline = pipeline_on(writer)
    writer.failure = WarehouseUnavailable("down")
    assert await pipeline.handle(EVENT) is Outcome.UNAVAILABLE
    assert await pipeline.handle_all([EVENT]) == [Outcome.UNAVAILABLE]
    writer.failure = None
    assert await pipeline.handle(EVENT) is Outcome.STORED


async def test_twins_wait_for_the_first_and_are_acknowledged_with_it() -> None:
    writer = holding()
    pipeline = pipeline_on(writer)
    first = asyncio.create_task(pipeline.handle(EVENT))
    append = await writer.begun(0)
    twins = [asyncio.create_task(pipeline.handle(EVENT)) for _ in range(3)]
    together = asyncio.create_task(pipeline.handle_all([EVENT]))
    await asyncio.sleep(0.01)
    assert not any(task.done() for task in (*twins, together))
    append.answer()
    assert await first is Outcome.STORED
    assert await asyncio.gather(*twins) == [Outcome.DUPLICATE] * 3
    assert await together == [Outcome.DUPLICATE]
    assert len(writer.appends) == 1
    assert pipeline._recent.duplicates == 4


async def test_the_twin_of_a_message_that_failed_is_not_acknowledged() -> None:
    writer = holding()
    pipeline = pipeline_on(writer)
    first = asyncio.create_task(pipeline.handle(EVENT))
    append = await writer.begun(0)
    twin = asyncio.create_task(pipeline.handle(EVENT))
    await asyncio.sleep(0)
    append.fail(WarehouseUnavailable("down"))
    assert list(await asyncio.gather(first, twin)) == [Outcome.UNAVAILABLE] * 2
    assert pipeline._recent.duplicates == 0


async def test_the_twin_of_a_request_that_left_is_not_acknowledged_and_not_stuck() -> None:
    writer = holding()
    pipeline = pipeline_on(writer)
    first = asyncio.create_task(pipeline.handle(EVENT))
    append = await writer.begun(0)
    twin = asyncio.create_task(pipeline.handle(EVENT))
    await asyncio.sleep(0)
    first.cancel()
    assert await twin is Outcome.UNAVAILABLE
    append.answer()
    writer.holds = False
    assert await pipeline.handle(EVENT) is Outcome.STORED


async def test_a_twin_that_leaves_takes_nothing_from_the_others() -> None:
    writer = holding()
    pipeline = pipeline_on(writer)
    first = asyncio.create_task(pipeline.handle(EVENT))
    append = await writer.begun(0)
    leaving, staying = (asyncio.create_task(pipeline.handle(EVENT)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    append.answer()
    assert list(await asyncio.gather(first, staying)) == [Outcome.STORED, Outcome.DUPLICATE]


async def test_a_message_twice_in_one_call_is_appended_once() -> None:
    writer = RecordingWriter()
    other = message(event(id="evt-2"), "3")
    outcomes = await pipeline_on(writer).handle_all([EVENT, EVENT, BAD, other, BAD])
    assert outcomes == [
        Outcome.STORED, Outcome.DUPLICATE, Outcome.QUARANTINED, Outcome.STORED, Outcome.DUPLICATE,
    ]  # fmt: skip
    assert len(writer.stored(CONTRACT.name)) == 2


async def test_two_calls_that_hold_a_twin_of_each_other_both_end() -> None:
    writer = holding()
    pipeline = pipeline_on(writer)
    others = [message(event(id=f"evt-{number}"), f"o-{number}") for number in range(2)]
    calls = [asyncio.create_task(pipeline.handle_all([others[0], EVENT]))]
    (await writer.begun(0)).answer()
    calls.append(asyncio.create_task(pipeline.handle_all([EVENT, others[1], others[0]])))
    (await writer.begun(1)).answer()
    first, second = await asyncio.gather(*calls)
    assert first == [Outcome.STORED] * 2
    assert second == [Outcome.DUPLICATE, Outcome.STORED, Outcome.DUPLICATE]


async def test_two_messages_of_one_contract_key_are_both_appended() -> None:
    writer = RecordingWriter()
    pipeline = pipeline_on(writer)
    assert await pipeline.handle(message(event(data="one"), "1")) is Outcome.STORED
    assert await pipeline.handle(message(event(data="other"), "2")) is Outcome.STORED
    assert [row[2] for row in writer.stored(CONTRACT.name)] == ["one", "other"]


async def test_no_more_messages_wait_for_their_twin_than_there_is_room_for() -> None:
    writer = holding()
    large = message(event(data="x" * 100_000), "1")
    pipeline = Pipeline(CONTRACT, writer, BatchLimits(held_bytes=350_000))
    first = asyncio.create_task(pipeline.handle(large))
    append = await writer.begun(0)
    twins = [asyncio.create_task(pipeline.handle(large)) for _ in range(3)]
    await asyncio.sleep(0)
    append.answer()
    assert await first is Outcome.STORED
    assert await asyncio.gather(*twins) == [Outcome.DUPLICATE, Outcome.OVERLOADED, Outcome.OVERLOADED]


async def test_what_is_remembered_is_bounded_by_count() -> None:
    writer = RecordingWriter()
    pipeline = pipeline_on(writer, RecentLimits(ids=10))
    for number in range(100):
        await pipeline.handle(message(event(id=f"evt-{number}"), str(number)))
        recent = pipeline._recent
        assert len(recent._new) + len(recent._old) <= 20
    assert await pipeline.handle(message(event(id="evt-90"), "90")) is Outcome.DUPLICATE
    assert await pipeline.handle(message(event(id="evt-0"), "0")) is Outcome.STORED


@in_virtual_time
async def test_what_is_remembered_is_bounded_by_time() -> None:
    writer = RecordingWriter()
    pipeline = pipeline_on(writer, RecentLimits(age=timedelta(minutes=10)))
    await pipeline.handle(EVENT)
    for number in range(9):
        await asyncio.sleep(60)
        await pipeline.handle(message(event(id=f"evt-{number}"), f"later-{number}"))
    assert await pipeline.handle(EVENT) is Outcome.DUPLICATE
    for number in range(11):
        await asyncio.sleep(60)
        await pipeline.handle(message(event(id=f"evt-{number}"), f"still-later-{number}"))
    assert await pipeline.handle(EVENT) is Outcome.STORED
