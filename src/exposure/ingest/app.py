"""The push endpoint, as plain ASGI: a framework's routing would cost more than all else in this service.

`POST /push/{contract}` answers 204 once the message is durable. `GET /health/live` and `/health/ready`.
Every error is a problem (RFC 9457); every status but 204 leaves the message with Pub/Sub.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from starlette.types import Message as Event
from starlette.types import Receive, Scope, Send

from exposure.identity.signing_keys import KeysUnavailable
from exposure.ingest.message import BadEnvelope, Message, decode_push
from exposure.ingest.outcome import Outcome
from exposure.ingest.pipeline import Pipeline
from exposure.ingest.token import Forbidden, Unauthenticated
from exposure.warehouse.port import Writer
from exposure.warehouse.readiness import Readiness
from exposure.written_fields import WRITTEN

_LOG = logging.getLogger(__name__)
# 10 MB of data in base64, its attributes, and room to spare.
MAX_BODY_BYTES = 15_000_000
_LENGTH_DIGITS = 20
# Of all bodies being received at a time.
_MOST_READING_BYTES = 64_000_000
# The server has waited for the requests already; what remains are rows whose requests have left.
_CLOSING = timedelta(seconds=2)
_PUSH = "/push/"
# The answer to every message that is safe. That it has no fields need not be found out each time.
_STORED = {"type": "http.response.start", "status": 204, "headers": [], WRITTEN: b""}
_NO_BODY = {"type": "http.response.body", "body": b""}


class Verifier(Protocol):
    """Decides whether a request may push."""

    async def verify(self, authorization: str) -> None:
        """Raise Unauthenticated, Forbidden or KeysUnavailable when it may not."""

    async def close(self) -> None:
        """Release what it holds."""


class PushProblem(Exception):
    """An answer that is not 204: status, title and a sentence for whoever reads the logs of Pub/Sub."""

    def __init__(
        self, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.headers = headers or {}


_OUTCOMES = {
    Outcome.OVERLOADED: (429, "Overloaded", "too many rows are waiting to be stored", "1"),
    Outcome.UNAVAILABLE: (503, "Warehouse unavailable", "the message could not be stored now", "5"),
    Outcome.WITHHELD: (503, "Rejections withheld", "too many messages are rejected to quarantine more", "60"),
    Outcome.FAILED: (500, "Internal error", "an error of ours; see the logs", "60"),
}


class PushApp:
    """The ASGI application: one pipeline per contract, one verifier, one writer whose life it ends.

    A verifier there must be: whoever wants none must write one that lets everybody in.
    """

    def __init__(
        self,
        pipelines: Mapping[str, Pipeline],
        verifier: Verifier,
        writer: Writer,
        closing: timedelta = _CLOSING,
    ) -> None:
        if not callable(getattr(verifier, "verify", None)):
            raise TypeError("a push endpoint needs a verifier of tokens; without one anybody may push")
        self._pipelines = pipelines
        self._verifier = verifier
        self._writer = writer
        self._closing = closing
        self._readiness = Readiness(writer.ready)
        self._reading_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the process's start and end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def close(self) -> None:
        """Finish what has been accepted, then release writer and verifier; give up after `closing`."""
        try:
            async with asyncio.timeout(self._closing.total_seconds()):
                await asyncio.gather(*(pipeline.drain() for pipeline in self._pipelines.values()))
                await self._writer.close()
        except TimeoutError:
            _LOG.warning("the warehouse has not answered; unacknowledged messages are delivered again")
        finally:
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
        path: str = scope["path"]
        try:
            if path.startswith(_PUSH):
                _require_method(scope["method"], ("POST",))
                await self._push(path.removeprefix(_PUSH), dict(scope["headers"]), receive)
            else:
                await self._show_health(path, scope["method"])
        except PushProblem as problem:
            await _send_problem(send, problem)
        except asyncio.CancelledError:
            # The server gives up requests that outlast its grace; the message is delivered again.
            await _send_problem(send, PushProblem(503, "Stopping", "the message was not durable in time"))
        except Exception:
            # Not acknowledged: the message is delivered again, to a release that can read it.
            _LOG.exception("unexpected while answering %s", path)
            await _send_problem(send, PushProblem(500, "Internal error", "an error of ours; see the logs"))
        else:
            await send(_STORED)
            await send(_NO_BODY)

    async def _show_health(self, path: str, method: str) -> None:
        if path not in {"/health/live", "/health/ready"}:
            raise PushProblem(
                404, "Not found", "there is only /push/{contract} and /health/{live,ready} here"
            )
        _require_method(method, ("GET", "HEAD"))
        if path == "/health/ready":
            await self._require_readiness()

    async def _require_readiness(self) -> None:
        complaint = await self._readiness.complaint()
        if complaint is not None:
            raise PushProblem(503, "Not ready", complaint, {"retry-after": "5"})

    async def _push(self, contract: str, headers: Mapping[bytes, bytes], receive: Receive) -> None:
        await self._authenticate(headers)
        pipeline = self._pipelines.get(contract)
        if pipeline is None:
            raise PushProblem(404, "Unknown contract", f"there is no contract '{contract[:100]}'")
        outcome = await pipeline.handle(await self._message(headers, receive))
        if not outcome.acknowledges:
            status, title, detail, seconds = _OUTCOMES[outcome]
            raise PushProblem(status, title, detail, {"retry-after": seconds})

    async def _message(self, headers: Mapping[bytes, bytes], receive: Receive) -> Message:
        """Read and decode; the body itself is not kept while its row waits."""
        size_bytes = _announced_bytes(headers)
        if self._reading_bytes + size_bytes > _MOST_READING_BYTES:
            raise PushProblem(429, "Overloaded", "too many bytes are being received", {"retry-after": "1"})
        self._reading_bytes += size_bytes
        try:
            return decode_push(headers, await _read(receive))
        except BadEnvelope as error:
            raise PushProblem(400, "Bad push envelope", str(error)) from error
        finally:
            self._reading_bytes -= size_bytes

    async def _authenticate(self, headers: Mapping[bytes, bytes]) -> None:
        try:
            await self._verifier.verify(headers.get(b"authorization", b"").decode("latin-1"))
        except Unauthenticated as error:
            raise PushProblem(401, "Unauthenticated", str(error), {"www-authenticate": "Bearer"}) from error
        except Forbidden as error:
            raise PushProblem(403, "Forbidden", str(error)) from error
        except KeysUnavailable as error:
            raise PushProblem(503, "Certificates unavailable", str(error), {"retry-after": "5"}) from error


def _require_method(method: str, allowed: tuple[str, ...]) -> None:
    if method not in allowed:
        raise PushProblem(
            405, "Method not allowed", f"use {' or '.join(allowed)}", {"allow": ", ".join(allowed)}
        )


def _announced_bytes(headers: Mapping[bytes, bytes]) -> int:
    """Return how large the body will be, at most."""
    length = headers.get(b"content-length", b"")
    if not length.isdigit():
        return MAX_BODY_BYTES
    if len(length) > _LENGTH_DIGITS or int(length) > MAX_BODY_BYTES:
        raise _too_large()
    return int(length)


async def _read(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        event: Event = await receive()
        if event["type"] == "http.disconnect":
            raise PushProblem(400, "Incomplete request", "the connection ended before the body did")
        chunks.append(event.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            raise _too_large()
        if not event.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large() -> PushProblem:
    return PushProblem(413, "Too large", f"a push has {MAX_BODY_BYTES} bytes at most")


async def _send_problem(send: Send, problem: PushProblem) -> None:
    body = {"type": "about:blank", "title": problem.title, "status": problem.status, "detail": problem.detail}
    headers = [(b"content-type", b"application/problem+json")]
    headers += [(name.encode(), value.encode()) for name, value in problem.headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
