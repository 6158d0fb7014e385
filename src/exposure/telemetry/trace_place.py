"""An ASGI layer that has lines written while a request is served name the caller's trace; records nothing.

With it Cloud Logging shows our lines beside the platform's own line of the request, traces or no traces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exposure.telemetry.trace_context import CALLER

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class TracePlace:
    """Keeps `trace_context.CALLER` while the application serves a request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other events pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        token = CALLER.set(scope["headers"])
        try:
            await self._app(scope, receive, send)
        finally:
            CALLER.reset(token)
