"""Clients that go away while their answer is made: what was asked for them is cancelled.

A server tells of it only to whoever listens. What is cancelled cancels in turn what it asked; an answer that
has begun to be sent listens for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import TypeVar

from starlette.types import Receive

T = TypeVar("T")
# Read by nobody but the server's own count of answers, in which it is no error of ours.
CLIENT_LEFT = 499


class ClientLeft(Exception):
    """Nobody waits for the answer any more."""


async def while_awaited(receive: Receive, making: Awaitable[T]) -> T:
    """Return what is made; raises ClientLeft, and cancels the making, when the client goes away before."""
    made = asyncio.ensure_future(making)
    try:
        # What needs nobody else is made in one turn of the loop: nobody can leave before.
        await asyncio.sleep(0)
        if not made.done():
            await _made_or_left(made, receive)
        return await made
    finally:
        await _end(made)


async def _made_or_left(made: asyncio.Future[T], receive: Receive) -> None:
    left = asyncio.ensure_future(departure(receive))
    try:
        await asyncio.wait((made, left), return_when=asyncio.FIRST_COMPLETED)
        # Who cannot tell whether a client is there has not told that it is gone.
        if not made.done() and left.exception() is None:
            raise ClientLeft("the client went away")
    finally:
        await _end(left)


async def _end(task: asyncio.Future[T]) -> None:
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def departure(receive: Receive) -> None:
    """Return when the client has gone away; never, where nobody tells."""
    with contextlib.suppress(OSError):
        has_ended = False
        while (message := await receive())["type"] != "http.disconnect":
            if has_ended:
                # Whoever says twice that the body has ended would say so for ever, without a pause.
                await asyncio.get_running_loop().create_future()
            has_ended = not message.get("more_body")
