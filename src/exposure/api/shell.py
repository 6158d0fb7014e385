"""What surrounds every answer: a request id, security headers and HEAD."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exposure.api.request import IS_HEAD, REQUEST_ID
from exposure.api.request_ids import RequestIds
from exposure.written_fields import WRITTEN, written

# In lower case, as applications name theirs: no layer within names one of these.
_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-frame-options", b"DENY"),
    # Read only over TLS; two years, as browsers ask of those they know beforehand.
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
)
# Pages of documentation have one of their own.
_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


_LENGTH = b"content-length"


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
                message = _decorated(message, request_id)
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


def _decorated(start: Message, request_id: str) -> Message:
    # Not by way of starlette's MutableHeaders, which look at every field for each that is set.
    names = {name for name, _ in start["headers"]}
    policies = () if _POLICY[0] in names else (_POLICY,)
    fields = [*start["headers"], *_SECURITY, *policies, (b"x-request-id", request_id.encode())]
    # What says its length comes in one piece; what is streamed does not.
    is_whole = _LENGTH in names
    return {**start, "headers": fields} | ({WRITTEN: written(fields)} if is_whole else {})
