"""How much a request's head may hold. The server bounds neither the number of its fields nor their size."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from exposure.api.problems import HEADERS_TOO_LARGE, INVALID_PARAMETER, URI_TOO_LONG, Problem, answer
from exposure.api.request import REQUEST_ID, URL_BYTES

MOST_FIELDS = 100
MOST_FIELD_BYTES = 32 * 1024


class Bounds:
    """The ASGI layer that refuses too much before anything looks at it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request within bounds; other events pass through."""
        problem = _refusal(scope) if scope["type"] == "http" else None
        served = self._app if problem is None else answer(problem, scope[REQUEST_ID])
        await served(scope, receive, send)


def _refusal(scope: Scope) -> Problem | None:
    # A server may leave raw_path out; the path is then what it has decoded.
    path = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    if len(path) + len(scope["query_string"]) >= URL_BYTES:
        return Problem(URI_TOO_LONG, f"the URL has more than {URL_BYTES} bytes")
    if len(scope["headers"]) > MOST_FIELDS:
        return Problem(HEADERS_TOO_LARGE, f"the request has more than {MOST_FIELDS} header fields")
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_FIELD_BYTES:
        return Problem(
            HEADERS_TOO_LARGE, f"the request's header fields have more than {MOST_FIELD_BYTES} bytes"
        )
    if b"%" not in path:
        return None
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        # Servers put U+FFFD in the place of such bytes, and a key that nobody asked for would be read.
        return Problem(INVALID_PARAMETER, "the path is not percent-encoded UTF-8")
    return None
