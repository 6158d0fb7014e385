"""Pages and rows, which are most of what is asked, past the framework's router: it takes as long as they do.

An ASGI layer around the application that has the very same routes, and documents them. Whatever is not
exactly one of these is the application's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

Endpoint = Callable[[Request], Awaitable[Response]]
_PREFIX = "/v1/"


@dataclass(frozen=True)
class RowEndpoints:
    """The endpoints of one contract: of its pages, and of one row by its key."""

    page: Endpoint
    row: Endpoint


class DirectRows:
    """Serves the endpoints by the names of their contracts; they answer their own errors."""

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, RowEndpoints]) -> None:
        self._app = app
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other events pass through."""
        is_read = scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith(_PREFIX)
        name, has_key, key = scope["path"][len(_PREFIX) :].partition("/") if is_read else ("", "", "")
        endpoints = self._endpoints.get(name)
        if endpoints is None:
            await self._app(scope, receive, send)
            return
        asked = {**scope, "path_params": {"key": key} if has_key else {}}
        endpoint = endpoints.row if has_key else endpoints.page
        response = await endpoint(Request(asked, receive, send))
        await response(asked, receive, send)
