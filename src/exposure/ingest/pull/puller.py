"""One subscription pulled into one pipeline: a message is acknowledged when it is durable, else released."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Any

from exposure.ingest.outcome import Outcome
from exposure.ingest.pipeline import Pipeline
from exposure.ingest.pull.received import decode_received
from exposure.ingest.pull.settlement import Settlement
from exposure.ingest.pull.stream import PullLimits, PullStream

_LOG = logging.getLogger(__name__)


class Puller:
    """Pulls until `stop`. `subscription` is its full name. Lives on one event loop."""

    def __init__(
        self, transport: Any, subscription: str, pipeline: Pipeline, limits: PullLimits | None = None
    ) -> None:
        self._subscription = subscription
        self._pipeline = pipeline
        self._stream = PullStream(transport, subscription, limits or PullLimits())
        self._settlement = Settlement(transport, subscription)
        self._settling: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Return after `stop`, when all that was pulled is settled. Raises PullRefused."""
        try:
            async with contextlib.aclosing(self._stream.responses()) as responses:
                async for messages in responses:
                    settling = asyncio.create_task(self._settle(messages))
                    self._settling.add(settling)
                    settling.add_done_callback(self._settling.discard)
        finally:
            await asyncio.gather(*self._settling)
            await self._settlement.close()

    async def stop(self) -> None:
        """Pull no more; `run` returns when the rest is settled."""
        await self._stream.stop()

    async def _settle(self, messages: Sequence[Any]) -> None:
        outcomes = await self._pipeline.handle_all(
            [decode_received(received, self._subscription) for received in messages]
        )
        ids = [received.ack_id for received in messages]
        if outcomes.count(Outcome.STORED) == len(ids):
            self._settlement.acknowledge(ids)
            return
        settled = list(zip(ids, outcomes, strict=True))
        self._settlement.acknowledge([one for one, outcome in settled if outcome.acknowledges])
        self._settlement.release([one for one, outcome in settled if not outcome.acknowledges])
