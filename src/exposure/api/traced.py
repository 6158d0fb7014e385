"""The API's spans: one per request, in its caller's trace; what the API marks and the reader does is within.

A span is named by method and route. The path is not told, as it may hold a row's key, nor is the query.
Conventions: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server. Nothing is measured
here that is not drawn to be recorded; without traces this module is not imported.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exposure.again import once
from exposure.telemetry.trace_context import context_of_headers
from exposure.telemetry.traces import Beginning, RecordedSpan, Traces

if TYPE_CHECKING:
    from exposure.telemetry.spans import Attributes

_OF_CONTRACT = re.compile(r"/v1/([a-z][a-z0-9_]*)(:schema|:export|:aggregate|:facets|/.*)?", re.DOTALL)
_FIXED = frozenset({"/", "/v1", "/health/live", "/health/ready", "/openapi.json", "/docs"})
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


class TracedApi:
    """An ASGI layer. `contracts` are those served: a name that is none becomes no route."""

    def __init__(self, app: ASGIApp, traces: Traces, contracts: Collection[str]) -> None:
        self._app = app
        self._traces = traces
        self._contracts = frozenset(contracts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other events pass through."""
        # Each request may be drawn.
        once(scope)
        span = self._begin(scope) if scope["type"] == "http" else None
        if span is None:
            await self._app(scope, receive, send)
            return
        answer = _Answer(span, self._traces, send)
        try:
            with span.active():
                await self._app(scope, receive, answer.send)
        finally:
            answer.end()

    def _begin(self, scope: Scope) -> RecordedSpan | None:
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        route = self._route(scope["path"])
        attributes: Attributes = {
            "http.request.method": method,
            "url.scheme": scope.get("scheme", "http"),
            **({"http.route": route} if route else {}),
        }
        return self._traces.begin(
            Beginning(
                name=f"{method} {route}".rstrip(),
                kind=SpanKind.SERVER,
                parent=context_of_headers(scope["headers"]),
                attributes=attributes,
            )
        )

    def _route(self, path: str) -> str:
        """Return the form of the path, or nothing: it must not be one more for each that is asked for."""
        if path in _FIXED:
            return path
        found = _OF_CONTRACT.fullmatch(path)
        if found is None or found[1] not in self._contracts:
            return ""
        rest = found[2] or ""
        return f"/v1/{found[1]}{'/{key}' if rest.startswith('/') else rest}"


class _Answer:
    """What is sent, and the end of its span: before the last byte, as CPU may be taken away after it."""

    def __init__(self, span: RecordedSpan, traces: Traces, send: Send) -> None:
        self._span = span
        self._traces = traces
        self._send = send
        self._is_over = False

    async def send(self, message: Message) -> None:
        """Send a part; what is recorded is sent away before the last of them."""
        if message["type"] == "http.response.start":
            self._tell(message["status"])
        elif not message.get("more_body", False):
            self.end()
            await self._traces.flush()
        await self._send(message)

    def end(self) -> None:
        """End the span, unless it has ended."""
        if not self._is_over:
            self._is_over = True
            self._span.end()

    def _tell(self, status: int) -> None:
        self._span.tell({"http.response.status_code": status})
        if status >= 500:
            self._span.fail(str(status))
