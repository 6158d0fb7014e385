"""How many pushes one ingest worker stores per second, against the obvious way: one append per push.

Run it: `make bench`. Both answer the same requests with the same code but
for grouping, over the same durable DuckDB file; each runs in a process of its own, one after the other.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import uvloop

from benchmarks.load import LoadOutcome, run_load
from exposure.contracts.catalog import CATALOG
from exposure.ingest.app import PushApp
from exposure.ingest.batch import BatchLimits
from exposure.ingest.pipeline import Pipeline
from exposure.local.ports import HttpServer
from exposure.query.model import Row
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.port import Writer
from exposure.warehouse.schema import Table, quarantine_table, rows_table

CONTRACT = CATALOG.get("analytics_table")
GROUPED = BatchLimits()
ONE_BY_ONE = BatchLimits(rows=1, in_flight=1000)


class _Anyone:
    """Token verification is measured by itself; here both sides leave it out."""

    async def verify(self, authorization: str) -> None:
        del authorization

    async def close(self) -> None:
        return


class _Counting:
    """Counts appends on their way to the writer."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.appends = 0

    async def append(self, table: Table, rows: Sequence[Row]) -> Mapping[int, str]:
        self.appends += 1
        return await self._writer.append(table, rows)

    async def ready(self) -> None:
        await self._writer.ready()

    async def close(self) -> None:
        await self._writer.close()


async def serve(limits: BatchLimits, folder: Path) -> None:
    """Serve until standard input ends; print the address first and the number of appends last."""
    connection = open_duckdb(folder / "warehouse.duckdb", [rows_table(CONTRACT), quarantine_table(CONTRACT)])
    writer = _Counting(DuckDBWriter(connection))
    server = HttpServer(0)
    await server.start(PushApp({CONTRACT.name: Pipeline(CONTRACT, writer, limits)}, _Anyone(), writer))
    print(server.url, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()
    rows = connection.execute("SELECT count(*) FROM analytics_dataset.analytics_table").fetchall()[0][0]
    print(json.dumps({"appends": writer.appends, "rows": rows}), flush=True)


def request(number: int) -> str:
    """Return one push as Pub/Sub sends it."""
    message = {
        "id": f"evt-{number:08}",
        "timestamp": "2026-11-25T12:00:00.123456Z",
        "data": '{"page": "/home", "visitor": 4711}',
    }
    envelope = {
        "message": {
            "data": base64.b64encode(json.dumps(message).encode()).decode(),
            "messageId": str(number),
            "publishTime": "2026-11-25T12:00:00.123Z",
        },
        "subscription": "projects/local/subscriptions/data-ingestion-topic-ingest",
    }
    body = json.dumps(envelope)
    head = f"POST /push/{CONTRACT.name} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}"


def measure(mode: str, pushes: int, connections: int) -> tuple[LoadOutcome, dict[str, int]]:
    """Start a server in that mode, push, stop it; return what was measured and what was stored."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        requests = folder / "requests.json"
        requests.write_text(json.dumps([request(number) for number in range(pushes)]))
        command = [sys.executable, __file__, mode, name]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            outcome = run_load(url, requests, connections)
            assert server.stdin is not None
            server.stdin.close()
            stored = json.loads(server.stdout.read())
    return outcome, stored


def main() -> None:
    """Measure both ways at each concurrency and print rates and ratios."""
    print(f"{'connections':>11} {'way':<20} {'pushes/s':>9} {'p50 ms':>8} {'p99 ms':>8} {'rows/append':>12}")
    for connections, pushes, baseline_pushes in ((1, 500, 500), (16, 5_000, 2_000), (256, 40_000, 4_000)):
        baseline, stored_baseline = measure("one-by-one", baseline_pushes, connections)
        grouped, stored = measure("grouped", pushes, connections)
        for way, one, counts in (
            ("one append per push", baseline, stored_baseline),
            ("group commit", grouped, stored),
        ):
            assert one.failures == 0, one
            assert counts["rows"] == one.requests, counts
            size = counts["rows"] / counts["appends"]
            line = f"{connections:>11} {way:<20} {one.rate:>9.0f} {one.p50_ms:>8.1f} {one.p99_ms:>8.1f}"
            print(f"{line} {size:>12.1f}")
        print(f"{connections:>11} ratio {grouped.rate / baseline.rate:.1f}x")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        limits = GROUPED if sys.argv[1] == "grouped" else ONE_BY_ONE
        uvloop.run(serve(limits, Path(sys.argv[2])))
    else:
        main()
