"""What arrives in one turn of the event loop is settled in one call, which is half the work for each message.

Nothing is waited for: what a turn brings, be it one message, is passed on at the turn's end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from exposure.ingest.message import Message
from exposure.ingest.outcome import Outcome


class Turn:
    """The messages of the current turn; `settle_all` returns what became of each. Lives on one event loop."""

    def __init__(self, settle_all: Callable[[Sequence[Message]], Awaitable[Sequence[Outcome]]]) -> None:
        self._settle_all = settle_all
        self._messages: list[Message] = []
        self._answers: list[asyncio.Future[Outcome]] = []
        self._settling: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def settle(self, message: Message) -> asyncio.Future[Outcome]:
        """Return the future of what becomes of the message; who cancels it takes nothing from the others."""
        if self._loop is None:
            # Looked up once: it is a system call in Python 3.11, and this is asked for each message.
            self._loop = asyncio.get_running_loop()
        if not self._messages:
            self._loop.call_soon(self._end)
        answer: asyncio.Future[Outcome] = self._loop.create_future()
        self._messages.append(message)
        self._answers.append(answer)
        return answer

    async def drain(self) -> None:
        """Return when all messages so far are settled."""
        while self._messages or self._settling:
            if self._settling:
                await asyncio.wait(self._settling)
            else:
                await asyncio.sleep(0)

    def _end(self) -> None:
        messages, self._messages = self._messages, []
        answers, self._answers = self._answers, []
        settling = asyncio.create_task(self._settle(messages, answers))
        self._settling.add(settling)
        settling.add_done_callback(self._settling.discard)

    async def _settle(self, messages: Sequence[Message], answers: Sequence[asyncio.Future[Outcome]]) -> None:
        try:
            outcomes = await self._settle_all(messages)
        except Exception as error:
            # Unexpected: each caller meets it as if it had been asked alone.
            for answer in answers:
                if not answer.done():
                    answer.set_exception(error)
            return
        for answer, outcome in zip(answers, outcomes, strict=True):
            if not answer.done():
                answer.set_result(outcome)
