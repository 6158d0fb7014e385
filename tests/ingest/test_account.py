"""What ingest writes of what it did, and that the metrics read from its lines find all they read in them."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import timedelta
from typing import Any

import pytest

from exposure.contracts.analytics_table import CONTRACT
from exposure.ingest.pipeline import Guards, Pipeline, Shared
from exposure.ingest.rejection import Reason
from exposure.ingest.rejection_breaker import RejectionLimits
from exposure.telemetry import names
from exposure.telemetry.lines import Lines
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.schema import quarantine_table, rows_table
from fakes.jumping_clock import in_virtual_time
from fakes.messages import NOON, event, message
from fakes.recording_writer import RecordingWriter

ROWS, QUARANTINE = rows_table(CONTRACT), quarantine_table(CONTRACT)
ARRIVED = NOON + timedelta(seconds=1)
BAD = b"not json"
EVENTS = {names.APPEND_EVENT, names.APPEND_FAILED_EVENT, names.QUARANTINE_EVENT}


class Told:
    """A pipeline, and the lines it has written."""

    def __init__(self, writer: RecordingWriter, guards: Guards | None = None) -> None:
        self._stream = io.StringIO()
        shared = Shared(lines=Lines(self._stream))
        self.pipeline = Pipeline(CONTRACT, writer, clock=lambda: ARRIVED, shared=shared, guards=guards)

    @property
    def lines(self) -> list[dict[str, Any]]:
        written = [json.loads(line) for line in self._stream.getvalue().splitlines()]
        return [{name: line[name] for name in line.keys() - {"severity", "message"}} for line in written]


@in_virtual_time
async def test_an_append_is_one_line_with_its_rows_its_time_and_the_age_of_the_oldest() -> None:
    writer = RecordingWriter()
    writer.holds = True
    told = Told(writer)
    messages = [message(event(id=f"evt-{number}"), str(number)) for number in range(3)]
    handling = asyncio.create_task(told.pipeline.handle_all(messages))
    append = await writer.begun(0)
    await asyncio.sleep(0.25)
    assert told.lines == []
    append.answer()
    await handling
    assert told.lines == [
        {
            "event": "append",
            "contract": CONTRACT.name,
            "rows": 3,
            "freshness_seconds": 1.0,
            "append_seconds": 0.25,
        }
    ]


async def test_a_quarantined_message_is_one_line_with_its_reason_and_no_append() -> None:
    told = Told(RecordingWriter())
    for number in range(2):
        await told.pipeline.handle(message(BAD, str(number)))
    assert told.lines == [{"event": "quarantine", "contract": CONTRACT.name, "reason": "NOT_JSON"}] * 2


async def test_a_row_the_warehouse_refuses_is_told_once_and_not_as_stored() -> None:
    writer = RecordingWriter()
    writer.refuse = lambda table, row: "no" if table == ROWS and row[0] == "evt-1" else None
    told = Told(writer)
    await told.pipeline.handle_all([message(event(id=f"evt-{number}"), str(number)) for number in range(3)])
    assert [(line["event"], line.get("rows"), line.get("reason")) for line in told.lines] == [
        ("append", 2, None),
        ("quarantine", None, Reason.REFUSED_BY_WAREHOUSE),
    ]


async def test_an_append_that_stores_nothing_for_its_rows_faults_is_no_append() -> None:
    writer = RecordingWriter()
    writer.refuse = lambda table, _: "no" if table == ROWS else None
    told = Told(writer)
    await told.pipeline.handle(message(event()))
    assert [line["event"] for line in told.lines] == ["quarantine"]


@pytest.mark.parametrize("bad", [False, True])
@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (WarehouseUnavailable("down"), "unavailable"),
        (WarehouseMisconfigured("no table"), "misconfigured"),
        (ZeroDivisionError("a bug"), "unexpected"),
    ],
)
async def test_a_failed_append_is_one_line_however_many_messages_waited(
    failure: Exception, kind: str, bad: bool
) -> None:
    writer = RecordingWriter()
    writer.failure = failure
    told = Told(writer)
    data = BAD if bad else event()
    await asyncio.gather(*(told.pipeline.handle(message(data, str(number))) for number in range(5)))
    assert told.lines == [{"event": "append_failed", "contract": CONTRACT.name, "kind": kind}]


async def test_a_message_that_is_withheld_or_cannot_be_quarantined_is_not_told_as_quarantined() -> None:
    withheld = Told(RecordingWriter(), Guards(RejectionLimits(share=0.5, least=0)))
    await withheld.pipeline.handle(message(BAD))
    writer = RecordingWriter()
    writer.refuse = lambda *_: "no"
    refused = Told(writer)
    await refused.pipeline.handle(message(BAD))
    assert withheld.lines == refused.lines == []


async def test_every_metric_of_ingest_finds_its_labels_and_its_number_in_the_lines() -> None:
    writer = RecordingWriter()
    told = Told(writer)
    await told.pipeline.handle(message(event()))
    await told.pipeline.handle(message(BAD, "2"))
    writer.failure = WarehouseUnavailable("down")
    await told.pipeline.handle(message(event(), "3"))
    lines = {line["event"]: line for line in told.lines}
    assert lines.keys() == EVENTS
    read = [metric for metric in names.METRICS if metric.event in EVENTS]
    assert {metric.event for metric in read} == EVENTS
    for metric in read:
        line = lines[metric.event]
        assert all(isinstance(line[label], str) for label in metric.labels), metric.name
        assert not metric.field or isinstance(line[metric.field], int | float), metric.name
