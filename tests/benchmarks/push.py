"""One ingest worker that is pushed to, in a process of its own, and the load that is put on it.

`measure` is what others call. The worker verifies each push's token, validates its message and appends its
row over BigQuery's protocol, alone or with others.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop

from benchmarks.child import child_of
from benchmarks.load import LoadOutcome, run_load
from exposure.contracts.catalog import CATALOG
from exposure.ingest.app import PushApp
from exposure.ingest.batch import BatchLimits
from exposure.ingest.garbage import spare_what_stands
from exposure.ingest.pipeline import Pipeline
from exposure.ingest.token import PushIdentity, TokenVerifier
from exposure.local.ports import HttpServer
from exposure.warehouse.bigquery_writer import BigQueryWriter
from exposure.warehouse.port import WarehouseUnavailable
from exposure.warehouse.schema import quarantine_table, rows_table
from fakes.token_signer import ACCOUNT, AUDIENCE, CertificateServer, claims, sign

CONTRACT = CATALOG.get("analytics_table")
WAYS = {
    "group commit": BatchLimits(),
    "one append per push": BatchLimits(rows=1, in_flight=1000),
}


@dataclass(frozen=True)
class Pushed:
    """What was measured from outside, and the seconds of a core the worker took for it."""

    load: LoadOutcome
    cpu_seconds: float

    @property
    def per_core(self) -> float:
        """Return pushes per second of a core that is fully used."""
        return self.load.requests / self.cpu_seconds


async def serve(way: str, sink: str) -> None:
    """Serve until standard input ends; print the address and a token first."""
    async with CertificateServer() as google:
        tables = [rows_table(CONTRACT), quarantine_table(CONTRACT)]
        writer = BigQueryWriter("local", tables, endpoint=sink)
        await _until_ready(writer)
        verifier = TokenVerifier(PushIdentity(ACCOUNT, AUDIENCE, google.url))
        server = HttpServer(0)
        await server.start(PushApp({CONTRACT.name: Pipeline(CONTRACT, writer, WAYS[way])}, verifier, writer))
        spare_what_stands()
        print(json.dumps([server.url, sign(claims(time.time()))]), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await server.stop()


async def _until_ready(writer: BigQueryWriter) -> None:
    """Wait for the sink, which on a busy machine may take longer to listen well than to say where."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await writer.ready()
            except WarehouseUnavailable:
                await asyncio.sleep(0.2)


def request(number: int, token: str, data: str = '{"page": "/home", "visitor": 4711}') -> str:
    """Return one push as Pub/Sub sends it."""
    message = {
        "id": f"evt-{number:08}",
        "timestamp": "2026-11-25T12:00:00.123456Z",
        "data": data,
    }
    inner = {"data": base64.b64encode(json.dumps(message).encode()).decode()}
    inner |= {"messageId": str(number), "message_id": str(number)}
    inner |= {"publishTime": "2026-11-25T12:00:00.123Z", "publish_time": "2026-11-25T12:00:00.123Z"}
    subscription = "projects/local/subscriptions/data-ingestion-topic-ingest"
    body = json.dumps({"message": inner, "subscription": subscription}, separators=(",", ":"))
    head = f"POST /push/{CONTRACT.name} HTTP/1.1\r\nHost: ingest\r\nContent-Type: application/json\r\n"
    head += f"User-Agent: CloudPubSub-Google\r\nAuthorization: {token}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}"


def measure(way: str, sink: str, pushes: int, connections: int) -> Pushed:
    """Start a worker, push, stop it. Every push must be answered 204."""
    with tempfile.TemporaryDirectory() as name, child_of("push", way, sink) as worker:
        url, token = json.loads(worker.said)
        before, requests = cpu_seconds(worker.pid), Path(name) / "requests.json"
        requests.write_text(json.dumps([request(number, token) for number in range(pushes)]))
        outcome = run_load(url, requests, connections)
        used = cpu_seconds(worker.pid) - before
    assert outcome.failures == 0, outcome
    return Pushed(outcome, used)


def cpu_seconds(pid: int) -> float:
    """Return the seconds of a core the process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], sys.argv[2]))
