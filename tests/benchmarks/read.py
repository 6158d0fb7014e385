"""How fast the API answers from the embedded warehouse over 1,000,000 rows, beside an empty answer.

Run it: `make bench`. No cache is involved: every request is a
question to DuckDB. The baseline is the same server answering `GET /health/live`, which asks nothing.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop

from benchmarks.load import LoadOutcome, run_load
from exposure.api.app import build_api
from exposure.api.seal import TokenSealer
from exposure.contracts.catalog import CATALOG
from exposure.local.ports import HttpServer
from exposure.query.model import Row
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.schema import rows_table

CONTRACT = CATALOG.get("analytics_table")
START = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 10_000
REQUESTS = {"empty answer": 4000, "point read": 1000, "page of 100": 500, "page of 100 in an hour": 500}


def row(number: int) -> Row:
    instant = START + timedelta(seconds=number * 20)
    return (f"evt-{number:08}", instant, "x" * 50, str(number), instant, instant, None)


async def fill(folder: Path, rows: int) -> None:
    """Store the rows as ingest would."""
    table = rows_table(CONTRACT)
    connection = open_duckdb(folder / "warehouse.duckdb", [table])
    writer = DuckDBWriter(connection)
    for first in range(0, rows, BATCH):
        assert not await writer.append(table, [row(number) for number in range(first, first + BATCH)])
    await writer.close()
    connection.close()


async def serve(folder: Path) -> None:
    """Serve until standard input ends."""
    connection = open_duckdb(folder / "warehouse.duckdb", [rows_table(contract) for contract in CATALOG])
    server = HttpServer(0)
    await server.start(build_api(CATALOG, DuckDBReader(connection), TokenSealer([bytes(32)])))
    print(server.url, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()
    connection.close()


def path_of(kind: str, rows: int) -> str:
    """Return a path of that kind, drawn from the whole table."""
    number = random.randrange(rows)
    if kind == "empty answer":
        return "/health/live"
    if kind == "point read":
        return f"/v1/{CONTRACT.name}/evt-{number:08}"
    instant = (START + timedelta(seconds=number * 20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    if kind == "page of 100":
        return f"/v1/{CONTRACT.name}?timestamp.lt={instant}"
    later = (START + timedelta(seconds=number * 20 + 3600)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"/v1/{CONTRACT.name}?timestamp.gte={instant}&timestamp.lt={later}"


def measure(kind: str, url: str, folder: Path, rows: int, connections: int) -> LoadOutcome:
    """Send the requests of one kind and return what was measured."""
    requests = [f"GET {path_of(kind, rows)} HTTP/1.1\r\nHost: x\r\n\r\n" for _ in range(REQUESTS[kind])]
    path = folder / "requests.json"
    path.write_text(json.dumps(requests))
    outcome = run_load(url, path, connections)
    assert outcome.failures == 0, (kind, outcome)
    return outcome


def main(rows: int) -> None:
    """Fill a table, then print rate, latencies and the share of the empty answer's rate for each kind."""
    random.seed(7)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.perf_counter()
        asyncio.run(fill(folder, rows))
        print(f"{rows} rows stored in {time.perf_counter() - started:.0f} s")
        print(f"{'connections':>11} {'answer':<24} {'req/s':>8} {'p50 ms':>8} {'p95 ms':>8} {'of empty':>9}")
        command = [sys.executable, __file__, "serve", name]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            for connections in (1, 16):
                baseline = measure("empty answer", url, folder, rows, connections)
                for kind in REQUESTS:
                    one = (
                        baseline if kind == "empty answer" else measure(kind, url, folder, rows, connections)
                    )
                    line = f"{connections:>11} {kind:<24} {one.rate:>8.0f} {one.p50_ms:>8.2f}"
                    print(f"{line} {one.p95_ms:>8.2f} {one.rate / baseline.rate:>9.3f}")
            assert server.stdin is not None
            server.stdin.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        uvloop.run(serve(Path(sys.argv[2])))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
