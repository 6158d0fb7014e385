"""Rows offered to a batcher whose writer the test answers for."""

from __future__ import annotations

import asyncio

from exposure.contracts.analytics_table import CONTRACT
from exposure.ingest.batch import Batcher, BatchLimits
from exposure.warehouse.schema import rows_table
from fakes.recording_writer import RecordingWriter

TABLE = rows_table(CONTRACT)
Waiting = list["asyncio.Task[None]"]


def batcher_on(writer: RecordingWriter, **limits: object) -> Batcher:
    return Batcher(writer, TABLE, BatchLimits(**limits))  # type: ignore[arg-type]


def holding() -> RecordingWriter:
    writer = RecordingWriter()
    writer.holds = True
    return writer


def add(batcher: Batcher, *names: str, size_bytes: int = 100) -> Waiting:
    """Offer one row for each name, all in the same turn of the loop."""
    return [asyncio.create_task(batcher.add((name,), size_bytes)) for name in names]


def names(writer: RecordingWriter) -> list[str]:
    """Return what each append held, in order: the names of its rows, joined."""
    return ["".join(str(row[0]) for row in append.rows) for append in writer.appends]


async def turns() -> None:
    """Let everything happen that waits for nothing."""
    for _ in range(10):
        await asyncio.sleep(0)
