"""Blocking work beside the event loop, which must not hold up the process's end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable


async def beside(work: Callable[[], object]) -> None:
    """Do it on a thread that the process does not wait for at its end, unlike asyncio's own.

    What is given up goes on until it ends by itself. The work reports its own errors.
    """
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def run() -> None:
        try:
            work()
        finally:
            # The loop may be gone by then, with whoever waited.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name="telemetry", daemon=True).start()
    await done.wait()
