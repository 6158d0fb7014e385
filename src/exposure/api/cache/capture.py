"""Answers taken from an application whole, instead of being sent to whoever asked.

The application is not told of anybody who goes away: it is cancelled where nobody waits any more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Scope

from exposure.api.cache.entry import Fields
from exposure.api.request import IS_HEAD


@dataclass(frozen=True)
class Answer:
    """A whole answer; the names of its fields are in lower case."""

    status: int
    fields: Fields
    body: bytes

    def field(self, name: bytes) -> bytes | None:
        """Return the value of a field that is there once; None when it is not there."""
        return next((value for known, value in self.fields if known == name), None)


class NoAnswer(Exception):
    """The application ended without a whole answer: a fault of ours."""


async def capture(app: ASGIApp, scope: Scope) -> Answer:
    """Return what the application answers; raises what it raises, and NoAnswer."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    await app({**scope, IS_HEAD: False}, _silence, send)
    if len(messages) < 2 or messages[-1].get("more_body", False):
        raise NoAnswer(f"{len(messages)} messages are no whole answer")
    start, *parts = messages
    fields = tuple((bytes(name).lower(), bytes(value)) for name, value in start["headers"])
    return Answer(start["status"], fields, b"".join(part.get("body", b"") for part in parts))


async def _silence() -> Message:
    """Never return: nobody's departure ends what several may wait for."""
    never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    return await never
