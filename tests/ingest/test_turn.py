"""Messages of one turn of the loop are settled together, each hears of its own, and none is left behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from exposure.contracts.analytics_table import CONTRACT
from exposure.ingest.batch import BatchLimits
from exposure.ingest.message import Message
from exposure.ingest.outcome import Outcome
from exposure.ingest.pipeline import Pipeline
from exposure.ingest.turn import Turn
from exposure.warehouse.port import WarehouseUnavailable
from exposure.warehouse.schema import quarantine_table, rows_table
from fakes.jumping_clock import in_virtual_time
from fakes.messages import event, message
from fakes.recording_writer import RecordingWriter

ROWS, QUARANTINE = rows_table(CONTRACT), quarantine_table(CONTRACT)


class Settled:
    """What was asked to be settled; answers when it is told to."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.go_on = asyncio.Event()

    async def all(self, messages: Sequence[Message]) -> list[Outcome]:
        self.calls.append([one.id for one in messages])
        await self.go_on.wait()
        return [Outcome.QUARANTINED if one.id == "bad" else Outcome.STORED for one in messages]


def named(*ids: str) -> list[Message]:
    return [message(event(), one) for one in ids]


async def test_each_hears_of_its_own_message() -> None:
    settled = Settled()
    settled.go_on.set()
    turn = Turn(settled.all)
    outcomes = await asyncio.gather(*(turn.settle(one) for one in named("1", "bad", "2")))
    assert outcomes == [Outcome.STORED, Outcome.QUARANTINED, Outcome.STORED]
    assert settled.calls == [["1", "bad", "2"]]


async def test_a_later_turn_does_not_wait_for_an_earlier_one() -> None:
    settled = Settled()
    turn = Turn(settled.all)
    first = turn.settle(named("1")[0])
    await asyncio.sleep(0.01)
    second = turn.settle(named("2")[0])
    await asyncio.sleep(0.01)
    assert settled.calls == [["1"], ["2"]]
    settled.go_on.set()
    assert [await first, await second] == [Outcome.STORED] * 2


async def test_who_leaves_takes_nothing_from_the_others() -> None:
    settled = Settled()
    turn = Turn(settled.all)
    leaving, staying = (asyncio.ensure_future(turn.settle(one)) for one in named("1", "2"))
    leaving.cancel()
    settled.go_on.set()
    assert await staying is Outcome.STORED
    assert settled.calls == [["1", "2"]]


async def test_an_error_is_everybodys() -> None:
    async def fail(_: Sequence[Message]) -> list[Outcome]:
        raise ValueError("an error of ours")

    turn = Turn(fail)
    answers = await asyncio.gather(*(turn.settle(one) for one in named("1", "2")), return_exceptions=True)
    assert [str(one) for one in answers] == ["an error of ours"] * 2


@pytest.mark.parametrize("turns", [0, 1, 2, 5])
async def test_draining_waits_for_all_of_them_however_far_they_are(turns: int) -> None:
    settled = Settled()
    turn = Turn(settled.all)
    answer = turn.settle(named("1")[0])
    for _ in range(turns):
        await asyncio.sleep(0)
    draining = asyncio.create_task(turn.drain())
    await asyncio.sleep(0.01)
    assert not draining.done()
    settled.go_on.set()
    await draining
    assert answer.done()


def test_a_refused_message_does_not_hold_up_those_that_came_with_it_for_long() -> None:
    @in_virtual_time
    async def scenario() -> None:
        writer = RecordingWriter()
        writer.holds = True
        pipeline = Pipeline(CONTRACT, writer)
        good, bad = (asyncio.create_task(pipeline.handle(one)) for one in mixed())
        rows, quarantine = await writer.begun(0), await writer.begun(1)
        # Both are under way at the same time.
        assert {rows.table, quarantine.table} == {ROWS, QUARANTINE}
        rows.answer()
        quarantine.answer()
        assert [await good, await bad] == [Outcome.STORED, Outcome.QUARANTINED]

    scenario()


def mixed() -> list[Message]:
    return [message(event(), "1"), message(b"not json", "2")]


async def test_large_messages_ask_for_room_one_by_one() -> None:
    large = [message(event(id=f"evt-{one}", data="x" * 20_000), str(one)) for one in range(4)]
    room = BatchLimits(held_bytes=100_000)
    outcomes = await asyncio.gather(*map(Pipeline(CONTRACT, RecordingWriter(), room).handle, large))
    assert outcomes.count(Outcome.STORED) == 2
    assert outcomes.count(Outcome.OVERLOADED) == 2


async def test_messages_that_failed_together_are_stored_when_they_come_again() -> None:
    writer = RecordingWriter()
    pipeline = Pipeline(CONTRACT, writer)
    messages = [
        message(json.dumps(event(id=f"evt-{one}", data='{"a": 1}')).encode(), str(one)) for one in range(5)
    ]
    writer.failure = WarehouseUnavailable("down")
    assert await asyncio.gather(*map(pipeline.handle, messages)) == [Outcome.UNAVAILABLE] * 5
    writer.failure = None
    assert await asyncio.gather(*map(pipeline.handle, messages)) == [Outcome.STORED] * 5
    assert await asyncio.gather(*map(pipeline.handle, messages)) == [Outcome.DUPLICATE] * 5
    assert [row[2] for row in writer.stored(CONTRACT.name)] == ['{"a": 1}'] * 5
