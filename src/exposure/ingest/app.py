"""The push endpoint, as plain ASGI: a framework's routing would cost more than all else in this service.

`POST /push/{contract}` answers 204 once the message is durable. `GET /health/live` and `/health/ready`.
Every error is a problem (RFC 9457); every status but 204 leaves the message with Pub/Sub.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from typing import Protocol

from starlette.types import Message as Event
from starlette.types import Receive, Scope, Send

from exposure.ingest.message import BadEnvelope, decode_push
from exposure.ingest.pipeline import Outcome, Pipeline
from exposure.ingest.token import Forbidden, KeysUnavailable, Unauthenticated
from exposure.warehouse.port import WarehouseError, Writer

_LOG = logging.getLogger(__name__)
# 10 MB of data in base64, its attributes, and room to spare.
MAX_BODY_BYTES = 15_000_000
_READY_SECONDS = 2.0
_READY_REMEMBERED_SECONDS = 1.0
_PUSH = "/push/"


class Verifier(Protocol):
    """Decides whether a request may push."""

    async def verify(self, authorization: str) -> None:
        """Raise Unauthenticated, Forbidden or KeysUnavailable when it may not."""

    async def close(self) -> None:
        """Release what it holds."""


class Problem(Exception):
    """An answer that is not 204: status, title and a sentence for whoever reads the logs of Pub/Sub."""

    def __init__(self, status: int, title: str, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.retry_after = retry_after


class PushApp:
    """The ASGI application: one pipeline per contract, one verifier, one writer whose life it ends."""

    def __init__(self, pipelines: Mapping[str, Pipeline], verifier: Verifier, writer: Writer) -> None:
        self._pipelines = pipelines
        self._verifier = verifier
        self._writer = writer
        self._ready_until = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the process's start and end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def close(self) -> None:
        """Finish what has been accepted, then release writer and verifier."""
        await asyncio.gather(*(pipeline.drain() for pipeline in self._pipelines.values()))
        await self._writer.close()
        await self._verifier.close()

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif event["type"] == "lifespan.shutdown":
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._route(scope, receive)
        except Problem as problem:
            await _send_problem(send, problem)
        except Exception:
            # Not acknowledged: the message is delivered again, to a release that can read it.
            _LOG.exception("unexpected while answering %s", scope["path"])
            await _send_problem(send, Problem(500, "Internal error", "an error of ours; see the logs"))
        else:
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})

    async def _route(self, scope: Scope, receive: Receive) -> None:
        path, method = scope["path"], scope["method"]
        if path.startswith(_PUSH):
            _require_method(method, ("POST",))
            await self._push(path.removeprefix(_PUSH), dict(scope["headers"]), receive)
        elif path in {"/health/live", "/health/ready"}:
            _require_method(method, ("GET", "HEAD"))
            if path == "/health/ready":
                await self._check_ready()
        else:
            raise Problem(404, "Not found", "there is only /push/{contract} and /health/{live,ready} here")

    async def _push(self, contract: str, headers: Mapping[bytes, bytes], receive: Receive) -> None:
        await self._authenticate(headers)
        pipeline = self._pipelines.get(contract)
        if pipeline is None:
            raise Problem(404, "Unknown contract", f"there is no contract '{contract[:100]}'")
        body = await _read(headers, receive)
        try:
            message = decode_push(headers, body)
        except BadEnvelope as error:
            raise Problem(400, "Bad push envelope", str(error)) from error
        outcome = await pipeline.handle(message)
        if outcome is Outcome.OVERLOADED:
            raise Problem(429, "Overloaded", "too many rows are waiting to be stored", retry_after=1)
        if not outcome.acknowledges:
            raise Problem(503, "Warehouse unavailable", "the message could not be stored now", retry_after=5)

    async def _authenticate(self, headers: Mapping[bytes, bytes]) -> None:
        try:
            await self._verifier.verify(headers.get(b"authorization", b"").decode("latin-1"))
        except Unauthenticated as error:
            raise Problem(401, "Unauthenticated", str(error)) from error
        except Forbidden as error:
            raise Problem(403, "Forbidden", str(error)) from error
        except KeysUnavailable as error:
            raise Problem(503, "Certificates unavailable", str(error), retry_after=5) from error

    async def _check_ready(self) -> None:
        if time.monotonic() < self._ready_until:
            return
        try:
            await asyncio.wait_for(self._writer.ready(), _READY_SECONDS)
        except (WarehouseError, TimeoutError) as error:
            detail = str(error) or "the warehouse did not answer in time"
            raise Problem(503, "Not ready", detail, retry_after=5) from error
        self._ready_until = time.monotonic() + _READY_REMEMBERED_SECONDS


def _require_method(method: str, allowed: tuple[str, ...]) -> None:
    if method not in allowed:
        raise Problem(405, "Method not allowed", f"use {' or '.join(allowed)}")


async def _read(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    too_large = Problem(413, "Too large", f"a push has {MAX_BODY_BYTES} bytes at most")
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    while True:
        event: Event = await receive()
        if event["type"] == "http.disconnect":
            raise Problem(400, "Incomplete request", "the connection ended before the body did")
        chunks.append(event.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            raise too_large
        if not event.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _send_problem(send: Send, problem: Problem) -> None:
    body = {"type": "about:blank", "title": problem.title, "status": problem.status, "detail": problem.detail}
    headers = [(b"content-type", b"application/problem+json")]
    if problem.retry_after is not None:
        headers.append((b"retry-after", str(problem.retry_after).encode()))
    if problem.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
