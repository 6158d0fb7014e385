"""Which web pages may read answers: the CORS protocol, for the origins the configuration names.

No cookie is ever read here, so no page is let use one, and a preflight asks nothing of anybody.
Format: https://fetch.spec.whatwg.org/#http-cors-protocol.
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ANY_ORIGIN = "*"
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "Authorization, X-API-Key, Accept, If-None-Match",
    "Access-Control-Max-Age": "7200",
    "Vary": "Access-Control-Request-Method, Access-Control-Request-Headers",
}


class Cors:
    """The ASGI layer that lets pages of the origins read answers, and answers their preflights."""

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other events pass through, and so does all when no origin is allowed."""
        if scope["type"] != "http" or not self._origins:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        allowed = self._allowed(headers.get("origin"))

        async def decorated(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._decorate(MutableHeaders(scope=message), allowed)
            await send(message)

        is_preflight = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        served = Response(status_code=204, headers=_PREFLIGHT) if is_preflight and allowed else self._app
        await served(scope, receive, decorated)

    def _allowed(self, origin: str | None) -> str | None:
        """Return the origin to name in the answer, None for none."""
        if ANY_ORIGIN in self._origins:
            return ANY_ORIGIN
        return origin if origin in self._origins else None

    def _decorate(self, headers: MutableHeaders, allowed: str | None) -> None:
        if ANY_ORIGIN not in self._origins:
            # Also where the origin is not allowed or not named: a cache must not mix these up.
            headers.add_vary_header("Origin")
        if allowed is not None:
            headers["Access-Control-Allow-Origin"] = allowed
            headers["Access-Control-Expose-Headers"] = "*"
