"""Waiting for a change, for so long at most."""

from __future__ import annotations

import asyncio


async def wait_for(changed: asyncio.Event, seconds: float, also: asyncio.Task[None] | None = None) -> None:
    """Return when the event is set, when `also` ends, or when the time is over."""
    waiting = asyncio.create_task(changed.wait())
    try:
        await asyncio.wait(
            {waiting, also} if also else {waiting}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        waiting.cancel()
