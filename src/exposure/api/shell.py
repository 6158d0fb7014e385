"""What surrounds every answer: a request id, security headers and HEAD."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exposure.api.request import IS_HEAD, REQUEST_ID
from exposure.api.request_ids import RequestIds

_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Frame-Options": "DENY",
    # Read only over TLS; two years, as browsers ask of those they know beforehand.
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
}
_POLICY = "default-src 'none'; frame-ancestors 'none'"


class Shell:
    """The outermost ASGI layer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._ids = RequestIds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other events pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._ids.next()
        is_head = scope["method"] == "HEAD"

        async def decorated(message: Message) -> None:
            if message["type"] == "http.response.start":
                _decorate(message, request_id)
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        # A HEAD is a GET whose body is not sent.
        inner = {
            **scope,
            "method": "GET" if is_head else scope["method"],
            REQUEST_ID: request_id,
            IS_HEAD: is_head,
        }
        await self._app(inner, receive, decorated)


def _decorate(message: Message, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in _SECURITY.items():
        headers[name] = value
    headers.setdefault("Content-Security-Policy", _POLICY)
    headers["X-Request-Id"] = request_id
