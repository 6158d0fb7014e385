"""What a stream does when the service fails: what is sent again, when, and when it gives up."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import grpc
import pytest

from exposure.warehouse.bigquery_writer import BigQueryWriter
from exposure.warehouse.port import WarehouseUnavailable
from exposure.warehouse.write_limits import BackOff, Timing, WriteLimits
from fakes.bigquery_write import FakeBigQueryWrite
from fakes.write_faults import Break, Drop, Fine, Refuse, Silence
from fakes.write_scene import TABLE, orders_of, until, writing

Code = grpc.StatusCode
TRANSIENT = [
    Code.ABORTED,
    Code.UNAVAILABLE,
    Code.CANCELLED,
    Code.INTERNAL,
    Code.DEADLINE_EXCEEDED,
    Code.UNKNOWN,
]


@pytest.mark.parametrize("code", TRANSIENT)
async def test_a_stream_that_ends_is_reopened_and_the_append_sent_again(code: grpc.StatusCode) -> None:
    async with writing() as scene:
        scene.server.faults.append(Break(code))
        assert await scene.append("a") == {}
        assert scene.stored() == ["a"]
        assert scene.server.connections == 2


@pytest.mark.parametrize("code", TRANSIENT)
async def test_an_append_that_failed_for_the_moment_is_sent_again_on_a_new_stream(
    code: grpc.StatusCode,
) -> None:
    async with writing() as scene:
        scene.server.faults.append(Refuse(code))
        assert await scene.append("a") == {}
        assert scene.stored() == ["a"]
        assert scene.server.connections == 2


async def test_an_idle_stream_closed_by_the_service_loses_nothing_and_fails_nobody() -> None:
    async with writing() as scene:
        assert await scene.append("a") == {}
        scene.server.close_idle()
        await until(lambda: scene.writer._streams[TABLE]._connection is None)
        assert await scene.append("b") == {}
        assert scene.stored() == ["a", "b"]
        assert scene.server.connections == 2
        assert scene.time.sleeps == []


async def test_an_append_sent_while_the_service_closes_the_stream_is_stored() -> None:
    async with writing() as scene:
        await scene.append("a")
        for turn in range(20):
            scene.server.close_idle()
            assert await scene.append(f"b{turn}") == {}
        assert set(scene.stored()) == {"a", *(f"b{turn}" for turn in range(20))}


@pytest.mark.parametrize("fault", [Break(Code.UNAVAILABLE, stored=True), Silence(stored=True)])
async def test_an_append_of_unknown_outcome_is_sent_again(fault: Break | Silence) -> None:
    async with writing(WriteLimits(deadline=timedelta(seconds=20))) as scene:
        scene.server.faults.append(fault)
        append = asyncio.create_task(scene.append("a"))
        await until(lambda: "a" in scene.stored())
        scene.time.advance(10.1 if isinstance(fault, Silence) else 0)
        assert await append == {}
        assert scene.stored() == ["a", "a"]


@pytest.mark.parametrize("stored", [False, True])
async def test_a_dropped_connection_loses_nothing(stored: bool) -> None:
    async with FakeBigQueryWrite([TABLE]) as server:
        writer = BigQueryWriter("local", endpoint=server.address)
        server.faults.extend([Fine(), Drop(stored=stored)])
        assert [dict(await writer.append(TABLE, orders_of([name]))) for name in "abc"] == [{}, {}, {}]
        assert [row[0] for row in server.rows(TABLE)] == (list("abbc") if stored else list("abc"))
        await writer.close()


async def test_what_was_in_flight_is_sent_again_in_its_order() -> None:
    async with writing(WriteLimits(in_flight=4)) as scene:
        scene.server.faults.extend([Fine(), Fine(), Break(Code.ABORTED)])
        await asyncio.gather(*(scene.append(name) for name in "abcdefgh"))
        assert scene.stored() == list("abcdefgh")


async def test_answers_still_to_come_are_awaited_before_a_stream_is_reopened() -> None:
    async with writing(WriteLimits(in_flight=4)) as scene:
        await scene.append("-")
        gate = asyncio.Event()
        scene.server.faults.extend([Fine(gate=gate), Refuse(Code.ABORTED), Fine(0.01), Fine(0.01)])
        appends = [asyncio.create_task(scene.append(name)) for name in "abcd"]
        await until(lambda: scene.server.most_in_flight == 4)
        gate.set()
        assert await asyncio.gather(*appends) == [{}, {}, {}, {}]
        assert scene.stored() == list("-acdb")
        assert scene.server.connections == 2


async def test_waits_grow_while_the_service_stays_away_and_end_at_the_deadline() -> None:
    async with writing() as scene:
        scene.server.faults.extend([Break(Code.UNAVAILABLE)] * 100)
        with pytest.raises(WarehouseUnavailable, match="UNAVAILABLE: as the script says"):
            await scene.append("a")
        assert 1 < max(scene.time.sleeps) <= 5
        assert sum(scene.time.sleeps) <= 8
        assert scene.stored() == []


async def test_a_silent_server_holds_nobody_beyond_the_deadline() -> None:
    async with writing() as scene:
        scene.server.faults.append(Silence())
        appends = [asyncio.create_task(scene.append(name)) for name in "abcd"]
        await until(lambda: scene.server.appends == 1)
        scene.time.advance(6)
        await asyncio.sleep(0.01)
        assert not any(append.done() for append in appends)
        scene.time.advance(2)
        answers = await asyncio.gather(*appends, return_exceptions=True)
        assert [type(answer) for answer in answers] == [WarehouseUnavailable] * 4
        assert "no answer within 8 s" in str(answers[0])


async def test_rows_nobody_waits_for_are_not_held() -> None:
    async with writing() as scene:
        scene.server.faults.append(Silence())
        appends = [asyncio.create_task(scene.append(name)) for name in "abcd"]
        await until(lambda: scene.server.appends == 1)
        appends[1].cancel()
        scene.time.advance(8.1)
        await asyncio.gather(*appends, return_exceptions=True)
        assert not scene.writer._streams[TABLE]._queue


async def test_a_silent_stream_is_given_up_and_the_next_append_takes_another() -> None:
    async with writing(WriteLimits(deadline=timedelta(seconds=20))) as scene:
        scene.server.faults.append(Silence())
        append = asyncio.create_task(scene.append("a"))
        await until(lambda: scene.server.appends == 1)
        scene.time.advance(10.1)
        assert await append == {}
        assert (scene.stored(), scene.server.connections) == (["a"], 2)


async def test_a_used_up_quota_is_waited_for() -> None:
    async with writing() as scene:
        scene.server.faults.extend([Refuse(Code.RESOURCE_EXHAUSTED), Break(Code.RESOURCE_EXHAUSTED)])
        assert await scene.append("a") == {}
        assert scene.time.sleeps == pytest.approx([0.5, 1.0], abs=0.2)
        assert scene.stored() == ["a"]


async def test_a_quota_that_stays_used_up_fails_within_the_deadline_and_is_then_left_alone() -> None:
    waits = BackOff(timedelta(seconds=5), timedelta(seconds=60))
    async with writing(WriteLimits(throttled=waits)) as scene:
        scene.server.faults.extend([Refuse(Code.RESOURCE_EXHAUSTED)] * 100)
        with pytest.raises(WarehouseUnavailable, match="RESOURCE_EXHAUSTED"):
            await scene.append("a")
        assert scene.time.sleeps == pytest.approx([5], abs=0.5)
        tried = scene.server.appends
        with pytest.raises(WarehouseUnavailable, match="RESOURCE_EXHAUSTED"):
            await scene.append("b")
        assert scene.server.appends == tried
        scene.server.faults.clear()
        scene.time.advance(60)
        assert await scene.append("c") == {}


async def test_a_used_up_quota_narrows_the_window() -> None:
    async with writing(WriteLimits(in_flight=2)) as scene:
        await scene.append("-")
        first, then = asyncio.Event(), asyncio.Event()
        scene.server.faults.extend([Refuse(Code.RESOURCE_EXHAUSTED), Fine(gate=first), Fine(gate=then)])
        appends = [asyncio.create_task(scene.append("a"))]
        await until(lambda: bool(scene.time.sleeps))
        appends += [asyncio.create_task(scene.append(name)) for name in "bcde"]
        await until(lambda: scene.server.appends == 3)
        await asyncio.sleep(0.02)
        assert scene.server.most_in_flight == 1
        first.set()
        await until(lambda: scene.server.most_in_flight == 2)
        then.set()
        await asyncio.gather(*appends)


async def test_a_new_stream_carries_one_append_until_one_is_stored() -> None:
    async with writing() as scene:
        gate = asyncio.Event()
        scene.server.faults.append(Fine(gate=gate))
        appends = [asyncio.create_task(scene.append(name)) for name in "abc"]
        await until(lambda: scene.server.appends == 1)
        await asyncio.sleep(0.01)
        assert scene.server.most_in_flight == 1
        gate.set()
        await asyncio.gather(*appends)


async def test_an_append_fails_and_the_next_works_when_the_stream_breaks_by_an_error_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(_: float) -> None:
        raise ZeroDivisionError

    async with FakeBigQueryWrite([TABLE]) as server:
        writer = BigQueryWriter("local", endpoint=server.address, timing=Timing(sleep=broken))
        server.faults.append(Break(Code.ABORTED))
        with pytest.raises(WarehouseUnavailable, match="broke"):
            await writer.append(TABLE, orders_of(["a"]))
        assert "ZeroDivisionError" in caplog.text
        assert await writer.append(TABLE, orders_of(["b"])) == {}
        await writer.close()


async def test_an_append_fails_and_the_next_works_when_an_answer_breaks_us(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with writing() as scene:
        with monkeypatch.context() as patch:
            patch.setattr("exposure.warehouse.write_connection.of_answer", lambda *_: 1 // 0)
            append = asyncio.create_task(scene.append("a"))
            await until(lambda: "ZeroDivisionError" in caplog.text)
        scene.time.advance(8.1)
        with pytest.raises(WarehouseUnavailable):
            await append
        assert await scene.append("b") == {}
