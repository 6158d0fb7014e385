"""A real `redis-server` on a free loopback port: what a fake cannot show is how the wire behaves."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_PATIENCE_SECONDS = 20.0
PROGRAM = "redis-server"


@dataclass(frozen=True)
class RedisServer:
    """The running server."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"


@contextmanager
def running_redis(folder: Path, *options: str, port: int | None = None) -> Iterator[RedisServer]:
    """Start a server that keeps nothing on disk, on that port or a free one, and stop it."""
    program = shutil.which(PROGRAM)
    if program is None:
        # A clone with nothing but Python and make can be tested without it; CI installs it.
        pytest.skip(f"{PROGRAM} is not on PATH; `apt-get install redis-server` has it")
    port = port or _free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL) as process:
        try:
            _await(port, process)
            yield RedisServer(port, process)
        finally:
            process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    raise RuntimeError(f"{PROGRAM} did not begin to answer")


class SilentServer:
    """Takes connections and answers nothing."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._open: list[asyncio.StreamWriter] = []
        self.url = ""

    async def __aenter__(self) -> SilentServer:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.append(writer)
        while await reader.read(1024):
            pass
