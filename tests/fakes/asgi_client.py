"""Requests to an ASGI application without a server between: chunks and departures as a test wants them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Scope


@dataclass(frozen=True)
class Answer:
    """What came back; `body` is complete."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def problem(self) -> Any:
        """Return the body, which must be a problem of RFC 9457."""
        assert self.headers["content-type"] == "application/problem+json", self
        return json.loads(self.body)


async def call(
    app: ASGIApp,
    method: str,
    path: str,
    chunks: Sequence[bytes | None] = (b"",),
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request whose body comes in these chunks; None stands for a client that goes away."""
    left = list(chunks)
    sent: list[Message] = []

    async def receive() -> Message:
        chunk = left.pop(0)
        if chunk is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    async def send(event: Message) -> None:
        sent.append(event)

    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    scope: Scope = {"type": "http", "method": method, "path": path, "headers": raw, "query_string": b""}
    await app(scope, receive, send)
    start, *body = sent
    answered = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], answered, b"".join(event.get("body", b"") for event in body))
