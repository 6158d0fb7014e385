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
from dataclasses import dataclass
from pathlib import Path


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
    command = [sys.executable, __file__, url, str(requests), str(connections)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return LoadOutcome(**json.loads(answer.stdout))


async def _connection(host: str, port: int, queue: list[bytes], latencies: list[float]) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    failures = 0
    while queue:
        request = queue.pop()
        started = time.perf_counter()
        writer.write(request)
        failures += await _failed(reader)
        latencies.append(time.perf_counter() - started)
    writer.close()
    return failures


async def _failed(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    marker = head.lower().find(b"content-length:")
    if marker >= 0:
        length = int(head[marker + 15 : head.index(b"\r\n", marker)])
        await reader.readexactly(length)
    return int(status >= 300)


async def _main(address: str, requests: list[bytes], connections: int) -> LoadOutcome:
    host, port = address.removeprefix("http://").split(":")
    latencies: list[float] = []
    started = time.perf_counter()
    failures = await asyncio.gather(
        *(_connection(host, int(port), requests, latencies) for _ in range(connections))
    )
    seconds = time.perf_counter() - started
    latencies.sort()
    p50, p95, p99 = (latencies[int(len(latencies) * share)] * 1000 for share in (0.5, 0.95, 0.99))
    return LoadOutcome(len(latencies), sum(failures), seconds, p50, p95, p99)


if __name__ == "__main__":
    texts = json.loads(Path(sys.argv[2]).read_text())
    outcome = asyncio.run(_main(sys.argv[1], [text.encode("latin-1") for text in texts], int(sys.argv[3])))
    print(json.dumps(outcome.__dict__))
