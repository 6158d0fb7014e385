"""Blocking calls of a reader, off the event loop: a few threads, a short queue, a deadline.

It does not stop a call that is running: who can stop one (DuckDB interrupts, a job of BigQuery is
cancelled) does so when `run` gives it up.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

from exposure.warehouse.port import Unavailability, WarehouseUnavailable

T = TypeVar("T")


class BoundedThreads:
    """At most `threads` calls run and `queue` wait; one more is refused at once, as is one after `close`."""

    def __init__(self, name: str, threads: int, queue: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        # A call given up keeps its slot until its thread is free, so slots are counted by the threads.
        self._slots = threading.BoundedSemaphore(threads + queue)

    async def run(self, call: Callable[[], T], deadline: timedelta) -> T:
        """Return what `call` returns; raises what it raises.

        Raises WarehouseUnavailable when there is no room, when the deadline (which includes waiting for a
        thread) passes, and when `close` drops a call that waits.
        """
        if not self._slots.acquire(blocking=False):
            raise WarehouseUnavailable("too many questions are waiting", Unavailability.BUSY)
        try:
            submitted = self._executor.submit(call)
        except RuntimeError as error:
            self._slots.release()
            raise WarehouseUnavailable("the reader is closed") from error
        submitted.add_done_callback(lambda _: self._slots.release())
        answer = asyncio.wrap_future(submitted)
        try:
            await asyncio.wait({answer}, timeout=deadline.total_seconds())
            if not answer.done():
                message = "the question took longer than its deadline"
                raise WarehouseUnavailable(message, Unavailability.DEADLINE)
            if answer.cancelled():
                raise WarehouseUnavailable("the reader was closed before the question began")
            return answer.result()
        finally:
            # Both: the answer would pass its cancellation on, but a turn of the loop later.
            submitted.cancel()
            answer.cancel()

    def close(self) -> None:
        """Drop the calls that wait; wait for none that runs."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def join(self) -> None:
        """Wait, after `close`, for the calls that run; blocks, so it is for a thread."""
        self._executor.shutdown()
