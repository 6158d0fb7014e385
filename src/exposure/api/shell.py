"""What surrounds every answer: a request id, security headers, HEAD, and the bounds of a URL."""

from __future__ import annotations

import secrets
from urllib.parse import unquote_to_bytes

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exposure.api.problems import INVALID_PARAMETER, URI_TOO_LONG, Problem, answer
from exposure.api.request import REQUEST_ID, URL_BYTES

_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Frame-Options": "DENY",
}
_POLICY = "default-src 'none'; frame-ancestors 'none'"


class Shell:
    """The outermost ASGI layer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other events pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        is_head = scope["method"] == "HEAD"

        async def decorated(message: Message) -> None:
            if message["type"] == "http.response.start":
                _decorate(message, request_id)
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        # A HEAD is a GET whose body is not sent.
        inner = {**scope, "method": "GET" if is_head else scope["method"], REQUEST_ID: request_id}
        problem = _refusal(scope)
        served = self._app if problem is None else answer(problem, request_id)
        await served(inner, receive, decorated)


def _refusal(scope: Scope) -> Problem | None:
    """Return what is wrong with the URL before anything is looked up."""
    # A server may leave raw_path out; the path is then what it has decoded.
    path = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    if len(path) + len(scope["query_string"]) >= URL_BYTES:
        return Problem(URI_TOO_LONG, f"the URL has more than {URL_BYTES} bytes")
    if b"%" not in path:
        return None
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        # Servers put U+FFFD in the place of such bytes, and a key that nobody asked for would be read.
        return Problem(INVALID_PARAMETER, "the path is not percent-encoded UTF-8")
    return None


def _decorate(message: Message, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in _SECURITY.items():
        headers[name] = value
    headers.setdefault("Content-Security-Policy", _POLICY)
    headers["X-Request-Id"] = request_id
