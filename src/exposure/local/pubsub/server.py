"""The server as a whole: storage, broker, calls, pushes and certificates, started and stopped together."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import grpc

from exposure.local.pubsub.broker import Broker
from exposure.local.pubsub.certificates import CertificateServer
from exposure.local.pubsub.held import MOST_BYTES
from exposure.local.pubsub.oidc import TokenSigner
from exposure.local.pubsub.push import PushDelivery
from exposure.local.pubsub.service import PubSubService
from exposure.local.pubsub.storage import Storage

# Above Pub/Sub's own limit of 10 MB by so much that an excess is refused with a sentence: clients try again
# for minutes when gRPC itself refuses a message.
_GRPC_BYTES = 64_000_000
_LOOPBACK = "127.0.0.1"
_TICK_SECONDS = 0.02
_GRACE_SECONDS = 1.0
_OPTIONS = [
    ("grpc.max_receive_message_length", _GRPC_BYTES),
    ("grpc.max_send_message_length", _GRPC_BYTES),
    # Without it a second server would share the port silently.
    ("grpc.so_reuseport", 0),
    # The official clients ping an idle stream every 30 s; gRPC's default ends the connection for that.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
]
_log = logging.getLogger(__name__)


class PortInUse(Exception):
    """Another process listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is in use by another process")
        self.port = port


class PubSubFailed(Exception):
    """An error of the server's own ended its deadlines and retries; it must be started again."""


@dataclass(frozen=True)
class PubSubConfig:
    """Where the server keeps its data and where it listens; a port of 0 takes a free one.

    `clock` is seconds since the epoch; deadlines, back-off, retention and tokens follow it. Publishing is
    refused while the messages that are not acknowledged take `most_bytes` of memory. Nothing is pushed
    before `begin_to_push` unless `pushes_from_the_start`.
    """

    data_dir: Path
    port: int = 8085
    certificates_port: int = 0
    clock: Callable[[], float] = time.time
    most_bytes: int = MOST_BYTES
    pushes_from_the_start: bool = True


class PubSubServer:
    """The local Pub/Sub, inside the event loop it is started on."""

    def __init__(self, config: PubSubConfig) -> None:
        self._config = config
        self._parts = AsyncExitStack()
        self._pushes = config.pushes_from_the_start
        self.address = ""
        self.certificates_url = ""

    async def start(self) -> None:
        """Start to serve. Raises DataFolderLocked, DataFileBroken or PortInUse.

        `address` is what PUBSUB_EMULATOR_HOST names, `certificates_url` where the push tokens' keys are.
        """
        async with AsyncExitStack() as parts:
            await self._start(parts)
            self._parts = parts.pop_all()

    async def stop(self) -> None:
        """Stop to serve; what was published stays on disk."""
        await self._parts.aclose()

    def begin_to_push(self) -> None:
        """Push what waits: the endpoints on disk, which may be of an earlier life, are those of today now."""
        self._pushes = True

    def backlog(self, subscription: str) -> int:
        """Return how many messages the subscription, a full name, has not acknowledged; raises Refusal."""
        return self.broker.backlog(subscription)

    async def failed(self) -> None:
        """Wait for the end: returns when the server is stopped, raises PubSubFailed when it ended itself."""
        await asyncio.wait([self._ticking])
        if not self._ticking.cancelled() and (error := self._ticking.exception()):
            raise PubSubFailed(f"the local Pub/Sub ended by an error of its own: {error!r}") from error

    async def __aenter__(self) -> PubSubServer:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    async def _start(self, parts: AsyncExitStack) -> None:
        config = self._config
        storage = Storage(config.data_dir)
        parts.push_async_callback(storage.close)
        self.broker = Broker(storage, config.clock, config.most_bytes)
        parts.push_async_callback(self.broker.close)
        signer = TokenSigner(config.data_dir, config.clock)
        certificates = CertificateServer(signer, config.certificates_port)
        try:
            await certificates.start()
        except OSError as error:
            raise PortInUse(config.certificates_port) from error
        parts.push_async_callback(certificates.stop)
        self.certificates_url = certificates.url
        push = PushDelivery(self.broker, signer)
        parts.push_async_callback(push.stop)
        await self._listen(parts)
        self._ticking = asyncio.create_task(self._tick(push))
        self._ticking.add_done_callback(_tell_of_failure)
        parts.callback(self._ticking.cancel)

    async def _listen(self, parts: AsyncExitStack) -> None:
        service = PubSubService(self.broker)
        self._check_port()
        server = grpc.aio.server(handlers=[service], options=_OPTIONS)
        try:
            port = server.add_insecure_port(f"{_LOOPBACK}:{self._config.port}")
        except RuntimeError as error:
            raise PortInUse(self._config.port) from error
        await server.start()
        parts.push_async_callback(server.stop, _GRACE_SECONDS)
        parts.callback(service.close)
        self.address = f"{_LOOPBACK}:{port}"

    def _check_port(self) -> None:
        """Raise PortInUse: gRPC would do so too, but not without a line of its own in the terminal."""
        try:
            socket.create_server((_LOOPBACK, self._config.port)).close()
        except OSError as error:
            raise PortInUse(self._config.port) from error

    async def _tick(self, push: PushDelivery) -> None:
        while True:
            self.broker.wake()
            if self._pushes:
                push.follow()
            await asyncio.sleep(_TICK_SECONDS)


def _tell_of_failure(ticking: asyncio.Task[None]) -> None:
    # Without deadlines and retries the server looks alive and delivers no message twice.
    if not ticking.cancelled() and (error := ticking.exception()):
        _log.critical("deadlines and retries have ended; start the platform again", exc_info=error)
