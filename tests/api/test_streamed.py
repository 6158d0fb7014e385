"""An answer sent part by part: its pace, its end, and whoever leaves before it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from starlette.types import Message, Scope

from exposure.api.request import IS_HEAD, REQUEST_ID
from exposure.api.streamed import BrokenOff, StreamedResponse

SCOPE: Scope = {"type": "http", REQUEST_ID: "r1"}


class Conversation:
    """A server and a client in one: what was sent, and when the client leaves."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.left = asyncio.Event()
        self.room = asyncio.Event()
        self.room.set()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self.room.wait()
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def is_ended(self) -> bool:
        return not self.sent[-1].get("more_body", False)


class Parts:
    """Parts that are counted; the one after the last is an error or the end."""

    def __init__(self, *parts: bytes | Exception) -> None:
        self._left = list(parts)
        self.asked = 0
        self.closed = 0

    async def more(self) -> bytes | None:
        self.asked += 1
        part = self._left.pop(0) if self._left else None
        if isinstance(part, Exception):
            raise part
        return part

    def close(self) -> None:
        self.closed += 1

    def response(self, stall: timedelta = timedelta(seconds=30)) -> StreamedResponse:
        return StreamedResponse(b"first,", self.more, self.close, {"Content-Type": "text/csv"}, stall)


async def test_an_answer_is_its_parts_and_then_its_end() -> None:
    talk, parts = Conversation(), Parts(b"second,", b"", b"third")
    await parts.response()(SCOPE, talk.receive, talk.send)
    assert (talk.body, talk.is_ended, parts.closed) == (b"first,second,third", True, 1)
    assert talk.sent[0]["headers"] == [(b"content-type", b"text/csv")]


async def test_a_failure_leaves_the_answer_without_its_end() -> None:
    talk, parts = Conversation(), Parts(b"second,", ValueError("gone"))
    with pytest.raises(BrokenOff, match="request r1"):
        await parts.response()(SCOPE, talk.receive, talk.send)
    assert (talk.body, talk.is_ended, parts.closed) == (b"first,second,", False, 1)


async def test_no_part_is_made_before_the_server_has_room_for_it() -> None:
    talk, parts = Conversation(), Parts(*[b"x"] * 100)
    talk.room.clear()
    answering = asyncio.create_task(parts.response()(SCOPE, talk.receive, talk.send))
    await asyncio.sleep(0.02)
    assert parts.asked == 0
    talk.room.set()
    await answering
    assert parts.asked == 101


async def test_a_client_that_leaves_ends_the_reading_and_is_no_error() -> None:
    talk, parts = Conversation(), Parts(*[b"x"] * 100)
    talk.room.clear()
    answering = asyncio.create_task(parts.response()(SCOPE, talk.receive, talk.send))
    await asyncio.sleep(0.01)
    talk.left.set()
    await answering
    assert (parts.asked, parts.closed) == (0, 1)


async def test_a_client_that_reads_no_more_is_not_waited_for() -> None:
    talk, parts = Conversation(), Parts(*[b"x"] * 100)

    async def send(message: Message) -> None:
        await talk.send(message)
        if message.get("body"):
            talk.room.clear()

    with pytest.raises(BrokenOff, match="reads no more"):
        await parts.response(timedelta(milliseconds=20))(SCOPE, talk.receive, send)
    assert (parts.asked, parts.closed) == (1, 1)


async def test_a_server_that_gives_the_answer_up_closes_it() -> None:
    talk, parts = Conversation(), Parts(*[b"x"] * 100)
    talk.room.clear()
    answering = asyncio.create_task(parts.response()(SCOPE, talk.receive, talk.send))
    await asyncio.sleep(0.01)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    assert parts.closed == 1


async def test_a_head_is_answered_without_asking_for_more() -> None:
    talk, parts = Conversation(), Parts(b"second")
    await parts.response()({**SCOPE, IS_HEAD: True}, talk.receive, talk.send)
    assert (talk.body, talk.is_ended, parts.asked, parts.closed) == (b"", True, 0, 1)
