"""One ingest process as far as a test can have it without a process: a pipeline, its writer, its death."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from exposure.contracts.analytics_table import CONTRACT
from exposure.ingest.batch import BatchLimits
from exposure.ingest.message import Message
from exposure.ingest.pipeline import Guards, Pipeline
from exposure.ingest.rejection_breaker import RejectionLimits
from exposure.warehouse.bigquery_writer import BigQueryWriter
from exposure.warehouse.schema import quarantine_table, rows_table
from exposure.warehouse.write_limits import BackOff, WriteLimits

TABLES = (rows_table(CONTRACT), quarantine_table(CONTRACT))
# The production's proportions, a twentieth to a thousandth of its times.
_LIMITS = WriteLimits(
    deadline=timedelta(milliseconds=500),
    answer_timeout=timedelta(milliseconds=150),
    probe_every=timedelta(milliseconds=15),
    lost=BackOff(timedelta(milliseconds=1), timedelta(milliseconds=20)),
    throttled=BackOff(timedelta(milliseconds=2), timedelta(milliseconds=40), fixed=0.5),
    schema_behind=BackOff(timedelta(milliseconds=2), timedelta(milliseconds=20), fixed=0.5),
)
_BATCH_DEADLINE = timedelta(milliseconds=500)


class Instance:
    """Takes messages until it is killed or terminated; `is_alive` until then.

    `streams` is how many tables it had a stream to at its end.
    """

    def __init__(self, endpoint: str, batch_rows: int) -> None:
        self.is_alive = True
        self.streams = 0
        self._writer = BigQueryWriter("local", TABLES, endpoint=endpoint, limits=_LIMITS)
        limits = BatchLimits(rows=batch_rows, deadline=_BATCH_DEADLINE)
        # All of a run may be poison, and all of it must settle.
        guards = Guards(rejections=RejectionLimits(share=1.0))
        self._pipeline = Pipeline(CONTRACT, self._writer, limits, guards=guards)
        self._taking: set[asyncio.Task[list[bool]]] = set()

    async def take(self, messages: Sequence[Message], *, together: bool) -> list[bool]:
        """Return of each message whether it is acknowledged; all are not when the process dies meanwhile."""
        taking = asyncio.ensure_future(self._take(messages, together=together))
        self._taking.add(taking)
        await asyncio.wait([taking])
        self._taking.discard(taking)
        return [False] * len(messages) if taking.cancelled() else taking.result()

    async def _take(self, messages: Sequence[Message], *, together: bool) -> list[bool]:
        if together:
            outcomes = await self._pipeline.handle_all(messages)
        else:
            outcomes = await asyncio.gather(*(self._pipeline.handle(one) for one in messages))
        return [outcome.acknowledges for outcome in outcomes]

    async def kill(self) -> None:
        """End as kill -9 does: nothing is answered, nothing is finished, the connections just end."""
        self.is_alive = False
        self.streams = len(self._writer._streams)
        batchers = (self._pipeline._rows, self._pipeline._quarantine)
        for batcher in batchers:
            batcher._batches.clear()
        appends = [append for batcher in batchers for append in batcher._appends]
        dying = [*self._taking, *appends, *(one._owner for one in self._writer._streams.values())]
        for task in dying:
            task.cancel()
        if dying:
            await asyncio.wait(dying)
        if self._writer._opened is not None:
            await self._writer._opened.grpc_channel.close()

    async def terminate(self) -> None:
        """End as SIGTERM does: what was taken is finished."""
        self.is_alive = False
        self.streams = len(self._writer._streams)
        if self._taking:
            await asyncio.wait(list(self._taking))
        await self._pipeline.drain()
        await self._writer.close()
