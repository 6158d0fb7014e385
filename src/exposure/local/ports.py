"""Loopback ports and the HTTP servers on them, inside somebody else's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from exposure.http_protocol import Protocol
from exposure.local.pubsub.server import PortInUse

LOOPBACK = "127.0.0.1"
_BACKLOG = 2048
_GRACE_SECONDS = 5
_POLL_SECONDS = 0.005


class _EmbeddedServer(uvicorn.Server):
    """A server whose process belongs to somebody else, and so do its signals and its exit."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told otherwise; ends before `started` when the application does not start."""
        with contextlib.suppress(SystemExit):
            await super().serve(sockets)


class HttpServer:
    """One ASGI application on one loopback port; port 0 takes a free one, known as soon as it is made."""

    def __init__(self, port: int) -> None:
        self._socket = _bind(port)
        self.url = f"http://{LOOPBACK}:{self._socket.getsockname()[1]}"
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self, app: ASGIApp) -> None:
        """Start to serve; returns when requests are answered. Raises RuntimeError when they never will be."""
        config = uvicorn.Config(
            app,
            http=Protocol,
            log_level="warning",
            access_log=False,
            server_header=False,
            # Who called is what the socket says; what a proxy says of it the application reads itself.
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            lifespan="on",
        )
        server = _EmbeddedServer(config)
        self._server = server
        self._serving = asyncio.create_task(server.serve(sockets=[self._socket]))
        while not server.started:
            if self._serving.done():
                await self._serving
                raise RuntimeError(f"the server at {self.url} ended before it started")
            await asyncio.sleep(_POLL_SECONDS)

    async def stop(self) -> None:
        """Finish the requests in flight, end the application's life and free the port."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving
        self._socket.close()


def _bind(port: int) -> socket.socket:
    # Named TCP: only then does asyncio send small answers at once instead of waiting 40 ms for company.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, port))
    except OSError as error:
        listening.close()
        raise PortInUse(port) from error
    listening.listen(_BACKLOG)
    return listening
