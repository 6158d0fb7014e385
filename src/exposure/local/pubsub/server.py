"""The server as a whole: storage, broker, calls, pushes and certificates, started and stopped together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import grpc

from exposure.local.pubsub.broker import Broker
from exposure.local.pubsub.oidc import CertificateServer, TokenSigner
from exposure.local.pubsub.push import PushDelivery
from exposure.local.pubsub.service import PubSubService
from exposure.local.pubsub.storage import Storage

# A publish request of 10 MB and what gRPC adds to it.
_GRPC_BYTES = 20_000_000
_TICK_SECONDS = 0.02
_GRACE_SECONDS = 1.0


class PortInUse(Exception):
    """Another process listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is in use by another process")
        self.port = port


@dataclass(frozen=True)
class PubSubConfig:
    """Where the server keeps its data and where it listens; port 0 takes a free one."""

    data_dir: Path
    port: int = 8085


class PubSubServer:
    """The local Pub/Sub, inside the event loop it is started on."""

    def __init__(self, config: PubSubConfig) -> None:
        self._config = config
        self._grpc: grpc.aio.Server | None = None
        self._ticking: asyncio.Task[None] | None = None
        self.address = ""

    async def start(self) -> None:
        """Start to serve. Raises DataFolderLocked or PortInUse."""
        self.broker = Broker(Storage(self._config.data_dir))
        signer = TokenSigner(self._config.data_dir, self.broker.clock)
        self._certificates = CertificateServer(signer)
        self._push = PushDelivery(self.broker, signer)
        await self._certificates.start()
        self._push.start()
        await self._listen()
        self._ticking = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Stop to serve; what was published stays on disk."""
        if self._ticking is not None:
            self._ticking.cancel()
        if self._grpc is not None:
            await self._grpc.stop(_GRACE_SECONDS)
        await self._push.stop()
        await self._certificates.stop()
        await self.broker.close()

    @property
    def certificates_url(self) -> str:
        """Return where the keys of the push tokens are published."""
        return self._certificates.url

    async def __aenter__(self) -> PubSubServer:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    async def _listen(self) -> None:
        options = [
            ("grpc.max_receive_message_length", _GRPC_BYTES),
            ("grpc.max_send_message_length", _GRPC_BYTES),
            # Without it a second server would share the port silently.
            ("grpc.so_reuseport", 0),
        ]
        self._grpc = grpc.aio.server(handlers=[PubSubService(self.broker)], options=options)
        try:
            port = self._grpc.add_insecure_port(f"127.0.0.1:{self._config.port}")
        except RuntimeError as error:
            await self.stop()
            raise PortInUse(self._config.port) from error
        await self._grpc.start()
        self.address = f"127.0.0.1:{port}"

    async def _tick(self) -> None:
        while True:
            self.broker.wake()
            self._push.follow()
            await asyncio.sleep(_TICK_SECONDS)
