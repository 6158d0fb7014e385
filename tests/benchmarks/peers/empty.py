"""The ceiling: an ASGI application that answers every request with nothing."""

from __future__ import annotations

from typing import Any

_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"0")],
}
_BODY = {"type": "http.response.body", "body": b""}


async def app(scope: dict[str, Any], _: Any, send: Any) -> None:
    """Answer with an empty body, whatever is asked."""
    if scope["type"] == "http":
        await send(_START)
        await send(_BODY)
