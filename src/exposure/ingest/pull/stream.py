"""StreamingPull calls, one after another: responses in, keep-alives out, longer waits after each failure.

Pub/Sub holds back what is beyond the limits of the first request, so nothing is extended here: a message is
settled within the pipeline's deadline, well inside the stream's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import uuid
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
from google.pubsub_v1.types import StreamingPullRequest, StreamingPullResponse

from exposure.ingest.pull.settlement import routing

_LOG = logging.getLogger(__name__)
# How https://cloud.google.com/pubsub/docs/reference/error-codes divides what ends a stream.
_FINAL = frozenset({
    grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.UNIMPLEMENTED,
})  # fmt: skip

# What writing to a call that has ended raises, depending on how it ended.
_ENDED = (grpc.aio.AioRpcError, grpc.aio.BaseError, asyncio.InvalidStateError)


class PullRefused(Exception):
    """Pub/Sub will not serve this subscription to this process; the sentence says why."""


@dataclass(frozen=True)
class PullLimits:
    """What one subscription may have in memory here, and how its stream is kept.

    `ack_deadline` must outlast the pipeline's deadline. `first_wait` and `last_wait` bound the random wait
    before the next call.
    """

    held_messages: int = 2000
    held_bytes: int = 16_000_000
    ack_deadline: timedelta = timedelta(seconds=60)
    keep_alive: timedelta = timedelta(seconds=30)
    first_wait: timedelta = timedelta(milliseconds=100)
    last_wait: timedelta = timedelta(seconds=30)
    closing: timedelta = timedelta(seconds=1)


class PullStream:
    """One subscription's messages, whatever happens to the connection. Lives on one event loop."""

    def __init__(self, transport: Any, subscription: str, limits: PullLimits) -> None:
        self._transport = transport
        self._subscription = subscription
        self._limits = limits
        self._client_id = str(uuid.uuid4())
        self._call: Any = None
        self._stopping = asyncio.Event()

    async def responses(self) -> AsyncGenerator[Sequence[Any], None]:
        """Yield raw `ReceivedMessage`s as they come, until `stop`. Raises PullRefused."""
        failures = 0
        while not self._stopping.is_set():
            try:
                async with contextlib.aclosing(self._one_call()) as responses:
                    async for messages in responses:
                        failures = 0
                        yield messages
            except grpc.aio.AioRpcError as error:
                if error.code() in _FINAL:
                    raise PullRefused(f"{self._subscription}: {error.details()}") from error
                failures += 1
                _LOG.info("%s: the stream ended: %s", self._subscription, error.details())
            await self._wait(failures)

    async def stop(self) -> None:
        """Ask for no more; what is under way still comes, for `closing` at most."""
        self._stopping.set()
        call = self._call
        if call is None:
            return
        asyncio.get_running_loop().call_later(self._limits.closing.total_seconds(), call.cancel)
        # A call that ends at this very moment needs no more of it; its reader learns how it ended.
        with contextlib.suppress(*_ENDED):
            await call.done_writing()

    async def _one_call(self) -> AsyncGenerator[Sequence[Any], None]:
        call = self._transport.streaming_pull(metadata=routing(self._subscription))
        self._call = call
        beating = asyncio.create_task(self._keep_alive(call))
        try:
            with contextlib.suppress(grpc.aio.BaseError, asyncio.InvalidStateError):
                await call.write(self._first_request())
            while (response := await call.read()) is not grpc.aio.EOF:
                yield StreamingPullResponse.pb(response).received_messages
        except asyncio.CancelledError:
            # grpc raises it in whoever reads when the call itself is cut, as `stop` does.
            task = asyncio.current_task()
            if not self._stopping.is_set() or (task is not None and task.cancelling()):
                raise
        finally:
            beating.cancel()
            call.cancel()
            self._call = None

    async def _keep_alive(self, call: Any) -> None:
        with contextlib.suppress(*_ENDED):  # the reader learns it too
            while True:
                await asyncio.sleep(self._limits.keep_alive.total_seconds())
                await call.write(StreamingPullRequest())

    def _first_request(self) -> StreamingPullRequest:
        limits = self._limits
        return StreamingPullRequest(
            subscription=self._subscription,
            stream_ack_deadline_seconds=int(limits.ack_deadline.total_seconds()),
            client_id=self._client_id,
            max_outstanding_messages=limits.held_messages,
            max_outstanding_bytes=limits.held_bytes,
        )

    async def _wait(self, failures: int) -> None:
        longest = min(self._limits.first_wait * 2 ** min(failures, 20), self._limits.last_wait)
        wait = random.uniform(0, longest.total_seconds())  # noqa: S311 - spreads reconnects
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), wait)
