"""Publishes the key that push tokens are signed with, over HTTP on loopback, as Google does for its own."""

from __future__ import annotations

import asyncio
import contextlib
import json

from exposure.local.pubsub.oidc import TokenSigner

PATH = "/oauth2/v3/certs"
_REQUEST_SECONDS = 5.0
_LOOPBACK = "127.0.0.1"
_NO_REQUEST = (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError)


class CertificateServer:
    """Answers GET of one path with the signer's certificates; port 0 takes a free one."""

    def __init__(self, signer: TokenSigner, port: int) -> None:
        self._signer = signer
        self._port = port
        self._server: asyncio.Server | None = None
        self.url = ""

    async def start(self) -> None:
        """Start to serve; `url` is known from now on. Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(self._answer, _LOOPBACK, self._port)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://{_LOOPBACK}:{port}{PATH}"

    async def stop(self) -> None:
        """Stop to serve."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client that sends no request, or leaves, is owed no answer.
        with contextlib.closing(writer), contextlib.suppress(*_NO_REQUEST):
            async with asyncio.timeout(_REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._response(head.split(b"\r\n", 1)[0].decode("latin-1")))
                await writer.drain()

    def _response(self, request_line: str) -> bytes:
        status, body = "404 Not Found", b"{}"
        if request_line.startswith(f"GET {PATH} "):
            status, body = "200 OK", json.dumps(self._signer.certificates()).encode()
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Cache-Control: public, max-age=3600\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + body
