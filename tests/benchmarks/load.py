"""A lean HTTP/1.1 load generator: keep-alive connections, prepared requests, latencies kept.

Closed model: each connection sends its next request when the last is answered. It runs in a process of
its own, so that client and server share the machine but not an event loop.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import uvloop

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(frozen=True)
class LoadOutcome:
    """What one run measured; latencies in milliseconds."""

    requests: int
    failures: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Return answered requests per second."""
        return self.requests / self.seconds


def run_load(url: str, requests: Path, connections: int) -> LoadOutcome:
    """Send every request of the file (a JSON list of latin-1 strings) once and return what was measured."""
    command = [sys.executable, "-m", "benchmarks.load", url, str(requests), str(connections)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return LoadOutcome(**json.loads(answer.stdout))


class _Load:
    """What the connections share: requests to send, latencies, failures, and the end."""

    def __init__(self, requests: list[bytes], connections: int) -> None:
        self.requests = requests
        self.latencies: list[float] = []
        self.failures = 0
        self.open = connections
        self.ended = asyncio.get_running_loop().create_future()

    def end_one(self) -> None:
        self.open -= 1
        if not self.open:
            self.ended.set_result(None)


class _Connection(asyncio.Protocol):
    def __init__(self, load: _Load) -> None:
        self._load = load
        self._begun = 0.0
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not _is_whole(self._received):
            return
        self._load.latencies.append(time.perf_counter() - self._begun)
        self._load.failures += int(self._received[9:12]) >= 300
        self._received = b""
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.failures += exc is not None
        self._load.end_one()

    def _send(self) -> None:
        if not self._load.requests:
            self._transport.close()
            return
        self._begun = time.perf_counter()
        self._transport.write(self._load.requests.pop())


def _is_whole(answer: bytes) -> bool:
    """Tell whether head and body are there; a body's length is in the head."""
    end = answer.find(_END_OF_HEAD)
    if end < 0 or answer.startswith(b"HTTP/1.1 204"):
        return end >= 0
    head = answer[:end].lower()
    length = head.find(_LENGTH)
    body = int(head[length + len(_LENGTH) :].partition(b"\r")[0]) if length >= 0 else 0
    return len(answer) >= end + len(_END_OF_HEAD) + body


async def _main(address: str, requests: list[bytes], connections: int) -> LoadOutcome:
    host, port = address.removeprefix("http://").split(":")
    load, loop = _Load(requests, connections), asyncio.get_running_loop()
    started = time.perf_counter()
    for _ in range(connections):
        await loop.create_connection(lambda: _Connection(load), host, int(port))
    await load.ended
    seconds, latencies = time.perf_counter() - started, sorted(load.latencies)
    p50, p95, p99 = (latencies[int(len(latencies) * share)] * 1000 for share in (0.5, 0.95, 0.99))
    return LoadOutcome(len(latencies), load.failures, seconds, p50, p95, p99)


if __name__ == "__main__":
    texts = json.loads(Path(sys.argv[2]).read_text())
    encoded = [text.encode("latin-1") for text in texts]
    print(json.dumps(asdict(uvloop.run(_main(sys.argv[1], encoded, int(sys.argv[3]))))))
