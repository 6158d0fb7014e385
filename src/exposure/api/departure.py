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
    """Return what is made; raises ClientLeft, and cancels the making, when the client goes away before.

    It is made by the task of the request itself: another would take a tenth of the time of a quick answer.
    """
    watch = _Watch(receive)
    try:
        return await making
    except asyncio.CancelledError:
        # As `asyncio.timeout` tells its own cancelling from another's.
        if watch.has_left and watch.task.uncancel() <= watch.cancelling:
            raise ClientLeft("the client went away") from None
        raise
    finally:
        await watch.end()


class _Watch:
    """Listens for the client, from the next turn of the loop on: nobody can leave before."""

    def __init__(self, receive: Receive) -> None:
        self.task = _current_task()
        self.cancelling = self.task.cancelling()
        self.has_left = False
        self._receive = receive
        self._listening: asyncio.Task[None] | None = None
        self._begin = asyncio.get_running_loop().call_soon(self._listen)

    async def end(self) -> None:
        """Listen no more."""
        self._begin.cancel()
        if self._listening is not None:
            self._listening.remove_done_callback(self._leave)
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    def _listen(self) -> None:
        self._listening = asyncio.ensure_future(departure(self._receive))
        self._listening.add_done_callback(self._leave)

    def _leave(self, listening: asyncio.Task[None]) -> None:
        # Who cannot tell whether a client is there has not told that it is gone.
        if not listening.cancelled() and listening.exception() is None:
            self.has_left = True
            self.task.cancel()


def _current_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("an answer is made by a task")
    return task


async def departure(receive: Receive) -> None:
    """Return when the client has gone away; never, where nobody tells."""
    with contextlib.suppress(OSError):
        has_ended = False
        while (message := await receive())["type"] != "http.disconnect":
            if has_ended:
                # Whoever says twice that the body has ended would say so for ever, without a pause.
                await asyncio.get_running_loop().create_future()
            has_ended = not message.get("more_body")
