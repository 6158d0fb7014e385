"""What happens to one message, and in which order."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from exposure.contracts.analytics_table import CONTRACT
from exposure.ingest.batch import BatchLimits
from exposure.ingest.message import Message
from exposure.ingest.outcome import Outcome
from exposure.ingest.pipeline import Guards, Pipeline, Shared
from exposure.ingest.rejection_breaker import RejectionLimits
from exposure.ingest.validate import MessageValidator
from exposure.telemetry.lines import Lines
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.schema import Table, quarantine_table, rows_table
from fakes.jumping_clock import elapsed, in_virtual_time
from fakes.messages import NOON, event, message
from fakes.recording_writer import RecordingWriter

ROWS, QUARANTINE = rows_table(CONTRACT), quarantine_table(CONTRACT)
ARRIVED = NOON + timedelta(seconds=1)


def pipeline_on(writer: RecordingWriter, limits: BatchLimits | None = None) -> Pipeline:
    return Pipeline(CONTRACT, writer, limits, clock=lambda: ARRIVED)


def refusing(*tables: Table) -> RecordingWriter:
    writer = RecordingWriter()
    writer.refuse = lambda table, _: "value 'secret' is too long" if table in tables else None
    return writer


async def test_messages_are_acknowledged_only_after_their_rows_are_durable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    journal: list[str] = []
    validate_all = MessageValidator.validate_all

    def recorded(self: MessageValidator, messages: Sequence[Message], at: datetime) -> Sequence[object]:
        journal.append(f"validated({len(messages)})")
        return validate_all(self, messages, at)

    monkeypatch.setattr(MessageValidator, "validate_all", recorded)
    pipeline = pipeline_on(RecordingWriter(journal))

    async def push(number: int) -> None:
        outcome = await pipeline.handle(message(event(id=f"evt-{number}"), str(number)))
        assert outcome.acknowledges
        journal.append("acknowledged")

    await asyncio.gather(*(push(number) for number in range(3)))
    assert journal == [
        "validated(3)", "appended(3 to analytics_table)", "acknowledged", "acknowledged", "acknowledged",
    ]  # fmt: skip


async def test_a_good_message_is_stored_with_its_arrival() -> None:
    writer = RecordingWriter()
    assert await pipeline_on(writer).handle(message(event(), "77")) is Outcome.STORED
    assert writer.stored(ROWS.name) == [("evt-1", NOON, "hello", "77", NOON, ARRIVED, None)]
    assert writer.stored(QUARANTINE.name) == []


async def test_a_bad_message_is_acknowledged_only_after_it_is_quarantined() -> None:
    journal: list[str] = []
    writer = RecordingWriter(journal)
    outcome = await pipeline_on(writer).handle(message(b"not json", "77"))
    journal.append("acknowledged" if outcome.acknowledges else "left")
    assert journal == ["appended(1 to analytics_table_quarantine)", "acknowledged"]
    assert outcome is Outcome.QUARANTINED
    (row,) = writer.stored(QUARANTINE.name)
    assert (row[0], row[2], row[5], row[7]) == ("NOT_JSON", b"not json", "77", ARRIVED)


async def test_a_row_the_warehouse_refuses_is_quarantined_with_its_words() -> None:
    writer = refusing(ROWS)
    published = message(event(), "77")
    assert await pipeline_on(writer).handle(published) is Outcome.QUARANTINED
    (row,) = writer.stored(QUARANTINE.name)
    assert row[:3] == ("REFUSED_BY_WAREHOUSE", "value 'secret' is too long", published.data)


@pytest.mark.parametrize("failure", [WarehouseUnavailable("down"), WarehouseMisconfigured("no table")])
async def test_a_good_row_is_never_quarantined_for_the_warehouses_own_faults(failure: Exception) -> None:
    writer = RecordingWriter()
    writer.failure = failure
    assert await pipeline_on(writer).handle(message(event())) is Outcome.UNAVAILABLE
    assert {append.table for append in writer.appends} == {ROWS}


async def test_a_bad_message_is_not_acknowledged_while_the_quarantine_cannot_take_it() -> None:
    writer = RecordingWriter()
    writer.failure = WarehouseUnavailable("down")
    assert await pipeline_on(writer).handle(message(b"not json")) is Outcome.UNAVAILABLE


async def test_a_message_that_cannot_even_be_quarantined_stays_with_pubsub_and_out_of_the_logs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outcome = await pipeline_on(refusing(ROWS, QUARANTINE)).handle(message(event(), "77"))
    assert outcome is Outcome.UNAVAILABLE
    assert "message 77" in caplog.text
    assert "secret" not in caplog.text


async def test_a_message_too_large_for_a_row_is_quarantined_whole() -> None:
    writer = RecordingWriter()
    data = bytes(10_000_000)
    assert await pipeline_on(writer).handle(message(data)) is Outcome.QUARANTINED
    (row,) = writer.stored(QUARANTINE.name)
    assert (row[0], row[2]) == ("TOO_LARGE", data)


async def test_too_much_waiting_is_overload_and_no_fault_of_the_message() -> None:
    writer = RecordingWriter()
    assert await pipeline_on(writer, BatchLimits(held_rows=0)).handle(message(event())) is Outcome.OVERLOADED
    assert await pipeline_on(writer, BatchLimits(held_bytes=0)).handle(message(b"x")) is Outcome.OVERLOADED
    assert writer.appends == []


@in_virtual_time
async def test_a_refused_row_has_only_the_rest_of_its_time_to_be_quarantined() -> None:
    writer = refusing(ROWS)
    writer.holds = True
    handling = asyncio.create_task(pipeline_on(writer).handle(message(event())))
    append = await writer.begun(0)
    await asyncio.sleep(7)
    append.answer()
    assert (await writer.begun(1)).table == QUARANTINE
    assert await handling is Outcome.UNAVAILABLE
    assert elapsed() == pytest.approx(8.0)


async def test_an_unexpected_error_is_logged_once_with_contract_and_message_and_never_acknowledged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer = RecordingWriter()
    writer.failure = ZeroDivisionError("a bug")
    assert await pipeline_on(writer).handle(message(event(), "77")) is Outcome.FAILED
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("analytics_table: message 77")
    assert record.exc_info is not None


async def test_one_failed_append_is_one_line_in_the_log_however_many_messages_waited(
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer = RecordingWriter()
    pipeline = pipeline_on(writer)
    for _ in range(2):
        writer.failure = WarehouseUnavailable("down")
        await asyncio.gather(*(pipeline.handle(message(event(), str(number))) for number in range(20)))
    assert len(caplog.records) == 2
    assert "hello" not in caplog.text


@pytest.mark.parametrize("last", [0, 1])
def test_draining_finishes_both_rows_and_quarantine(last: int) -> None:
    @in_virtual_time
    async def scenario() -> None:
        writer = RecordingWriter()
        writer.holds = True
        pipeline = pipeline_on(writer)
        messages = (message(event(), "1"), message(b"not json", "2"))
        handling = [asyncio.create_task(pipeline.handle(one)) for one in messages]
        await writer.begun(1)
        draining = asyncio.create_task(pipeline.drain())
        writer.appends[1 - last].answer()
        await asyncio.sleep(1)
        assert not draining.done()
        writer.appends[last].answer()
        await draining
        assert await asyncio.gather(*handling) == [Outcome.STORED, Outcome.QUARANTINED]

    scenario()


async def test_many_messages_at_once_have_each_the_outcome_they_would_have_alone() -> None:
    writer = RecordingWriter()
    writer.refuse = lambda table, row: "no" if table == ROWS and row[0] == "evt-2" else None
    messages = [
        message(event(id="evt-1"), "1"),
        message(b"not json", "2"),
        message(event(id="evt-2"), "3"),
        message(event(id="evt-3", data="x" * 300_000), "4"),
        message(event(id="evt-4"), "5"),
    ]
    outcomes = await pipeline_on(writer).handle_all(messages)
    assert outcomes == [
        Outcome.STORED, Outcome.QUARANTINED, Outcome.QUARANTINED, Outcome.STORED, Outcome.STORED,
    ]  # fmt: skip
    assert sorted(str(row[0]) for row in writer.stored(ROWS.name)) == ["evt-1", "evt-3", "evt-4"]
    assert sorted(str(row[5]) for row in writer.stored(QUARANTINE.name)) == ["2", "3"]


async def test_many_messages_at_once_wait_for_the_one_append_and_fail_with_it() -> None:
    writer = RecordingWriter()
    writer.failure = WarehouseUnavailable("down")
    messages = [message(event(id=f"evt-{number}"), str(number)) for number in range(3)]
    assert await pipeline_on(writer).handle_all(messages) == [Outcome.UNAVAILABLE] * 3
    assert await pipeline_on(writer).handle_all([]) == []


async def test_a_large_message_is_looked_through_beside_the_others() -> None:
    large = b'{"id": "evt-1", "timestamp": "2026-11-25T12:00:00Z", "more": [' + b"[1]," * 500_000 + b"1]}"
    pipeline = pipeline_on(RecordingWriter())
    looking = asyncio.create_task(pipeline.handle(message(large, "1")))
    await asyncio.sleep(0)
    assert await pipeline.handle(message(event(id="evt-2"), "2")) is Outcome.STORED
    assert not looking.done()
    assert await looking is Outcome.STORED


@in_virtual_time
async def test_a_large_message_waits_half_its_time_for_its_turn_at_most() -> None:
    pipeline = pipeline_on(RecordingWriter())
    await pipeline._looking.acquire()
    large = message(event(data="x" * 300_000))
    assert await pipeline.handle(large) is Outcome.OVERLOADED
    assert elapsed() == 4.0


async def test_text_beyond_ascii_counts_for_what_it_takes_in_memory() -> None:
    limits = BatchLimits(held_bytes=3000)
    assert (
        await pipeline_on(RecordingWriter(), limits).handle(message(event(data="e" * 900))) is Outcome.STORED
    )
    wide = message(json.dumps(event(data="é" * 450), ensure_ascii=False).encode())
    assert await pipeline_on(RecordingWriter(), limits).handle(wide) is Outcome.OVERLOADED


async def test_each_append_is_one_line_with_the_age_of_its_oldest_row() -> None:
    stream = io.StringIO()
    pipeline = Pipeline(
        CONTRACT, RecordingWriter(), clock=lambda: ARRIVED, shared=Shared(lines=Lines(stream))
    )
    await pipeline.handle_all([message(event(id=f"evt-{number}"), str(number)) for number in range(3)])
    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert (line["event"], line["contract"], line["rows"]) == ("append", CONTRACT.name, 3)
    assert line["freshness_seconds"] == 1.0


async def test_rejections_are_not_acknowledged_while_most_messages_are_rejected() -> None:
    writer = RecordingWriter()
    guards = Guards(RejectionLimits(share=0.5, least=3))
    pipeline = Pipeline(CONTRACT, writer, clock=lambda: ARRIVED, guards=guards)
    outcomes = [await pipeline.handle(message(b"bad", f"bad-{number}")) for number in range(5)]
    assert outcomes == [Outcome.QUARANTINED] * 3 + [Outcome.WITHHELD] * 2
    assert len(writer.stored(QUARANTINE.name)) == 3
    good = [message(event(id=f"evt-{number}"), str(number)) for number in range(20)]
    assert await pipeline.handle_all(good) == [Outcome.STORED] * 20
    assert await pipeline.handle(message(b"bad", "bad-4")) is Outcome.QUARANTINED


async def test_rows_the_warehouse_refuses_count_as_rejections_and_once_each() -> None:
    writer = refusing(ROWS)
    pipeline = Pipeline(CONTRACT, writer, clock=lambda: ARRIVED, guards=Guards(RejectionLimits(0.9, 3)))
    messages = [message(event(id=f"evt-{number}"), str(number)) for number in range(6)]
    outcomes = await pipeline.handle_all(messages[:2]) + [await pipeline.handle(one) for one in messages[2:]]
    assert outcomes == [Outcome.QUARANTINED] * 3 + [Outcome.WITHHELD] * 3


async def test_rows_refused_together_are_quarantined_without_being_appended_again() -> None:
    writer = RecordingWriter()
    writer.refuse = lambda table, row: "malformed" if table == ROWS and row[0] != "evt-0" else None
    messages = [message(event(id=f"evt-{number}"), str(number)) for number in range(4)]
    outcomes = await pipeline_on(writer).handle_all(messages)
    assert outcomes == [Outcome.STORED] + [Outcome.QUARANTINED] * 3
    assert [append.table for append in writer.appends] == [ROWS, QUARANTINE]
    assert {row[:2] for row in writer.stored(QUARANTINE.name)} == {("REFUSED_BY_WAREHOUSE", "malformed")}
