"""The process that pulls: every contract's subscription, one writer, and an end that loses nothing.

It listens to no port. A warehouse that is not ready is waited for before anything is pulled.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta

from exposure.ingest.pipeline import Pipeline
from exposure.ingest.pull.channel import open_transport
from exposure.ingest.pull.puller import Puller
from exposure.ingest.pull.stream import PullLimits
from exposure.warehouse.port import WarehouseError, Writer

_LOG = logging.getLogger(__name__)
_ASK_AGAIN = timedelta(seconds=5)
# The pipelines answer within their deadline; what then remains is to close connections.
_CLOSING = timedelta(seconds=2)
_NOTHING: AbstractAsyncContextManager[None] = nullcontext()


class PullWorker:
    """Pulls into `pipelines`, by the full names of their subscriptions, until `stop`. Ends the writer's life.

    `endpoint` is an emulator's address; None is Google. All of it is done inside of `surroundings`.
    """

    def __init__(
        self,
        pipelines: Mapping[str, Pipeline],
        writer: Writer,
        endpoint: str | None = None,
        limits: PullLimits | None = None,
        surroundings: AbstractAsyncContextManager[None] = _NOTHING,
    ) -> None:
        self._pipelines = pipelines
        self._writer = writer
        self._endpoint = endpoint
        self._limits = limits or PullLimits()
        self._surroundings = surroundings
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Pull no more; `run` returns when what was pulled is settled."""
        self._stopping.set()

    async def run(self) -> None:
        """Return after `stop`. Raises PullRefused as soon as one subscription cannot be pulled."""
        async with self._surroundings:
            try:
                await self._wait_for_the_warehouse()
                if not self._stopping.is_set():
                    await self._pull()
            finally:
                await self._close()

    async def _pull(self) -> None:
        transport = open_transport(self._endpoint)
        pullers = [
            Puller(transport, subscription, pipeline, self._limits)
            for subscription, pipeline in self._pipelines.items()
        ]
        try:
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(puller.run()) for puller in pullers]
                group.create_task(self._stop_when_asked(pullers, running))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            await transport.grpc_channel.close()

    async def _wait_for_the_warehouse(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._writer.ready()
            except WarehouseError as error:
                _LOG.warning("nothing is pulled yet: %s", error)
            else:
                return
            try:
                await asyncio.wait_for(self._stopping.wait(), _ASK_AGAIN.total_seconds())
            except TimeoutError:
                continue

    async def _stop_when_asked(self, pullers: list[Puller], running: list[asyncio.Task[None]]) -> None:
        asked = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([asked, *running], return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        await asyncio.gather(*(puller.stop() for puller in pullers))

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(_CLOSING.total_seconds()):
                await self._writer.close()
        except TimeoutError:
            _LOG.warning("the warehouse has not answered; unacknowledged messages are delivered again")
