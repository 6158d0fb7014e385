"""How long each service takes from its interpreter's first line to an application that can be served.

Run it: `make bench`. Median of several fresh processes, files and bytecode warm; the image is compiled
when it is built. What only the other service's environment has cannot be imported here either. The time
on the processor is what stays the same on a machine that is busy with other things.
"""

from __future__ import annotations

import base64
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PROCESSES = 7
# An address makes the clients ask for no credentials; nothing is asked of it.
NOWHERE = "http://127.0.0.1:1"
PROGRAM = """
import asyncio, json, resource, sys, threading, time
service, *absent = sys.argv[1:]
sys.modules.update(dict.fromkeys(absent))
started = time.perf_counter()
import uvicorn
from exposure import entrypoints
async def build():
    getattr(entrypoints, service)()
asyncio.run(build())
seconds = time.perf_counter() - started
for one in threading.enumerate():
    if one.name == "warehouse-reader":
        one.join()
questions = time.perf_counter() - started
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([seconds, questions, time.process_time(), len(sys.modules), memory]))
"""


@dataclass(frozen=True)
class Service:
    """A service's environment, and the modules its own installation does not have."""

    environment: Mapping[str, str]
    absent: Sequence[str]


@dataclass(frozen=True)
class Start:
    """One start: to the application, to where it can ask its warehouse, from the process's birth to its end,
    and on the processor."""

    application_ms: float
    warehouse_ms: float
    process_ms: float
    processor_ms: float
    modules: int
    memory_mib: float


SERVICES = {
    "api": Service(
        {
            "EXPOSURE_PROJECT": "local",
            "EXPOSURE_LOCATION": "EU",
            "EXPOSURE_PAGE_TOKEN_KEYS": base64.b64encode(bytes(32)).decode(),
            "EXPOSURE_BIGQUERY_ENDPOINT": NOWHERE,
        },
        ("pyarrow", "duckdb", "google.cloud.bigquery_storage", "google.cloud.pubsub_v1"),
    ),
    "ingest": Service(
        {
            "EXPOSURE_PROJECT": "local",
            "EXPOSURE_PUSH_ACCOUNT": "push@local.iam.gserviceaccount.com",
            "EXPOSURE_PUSH_AUDIENCE": "https://ingest.example",
            "EXPOSURE_STORAGE_WRITE_ENDPOINT": NOWHERE.removeprefix("http://"),
        },
        ("duckdb", "fastapi", "google.cloud.bigquery"),
    ),
}


def start(name: str) -> Start:
    """Start a service once in a process of its own and return what it took."""
    service = SERVICES[name]
    born = time.perf_counter()
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, name, *service.absent],
        env={**os.environ, **service.environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    lived = time.perf_counter() - born
    seconds, warehouse, processor, modules, kibibytes = json.loads(answer.stdout.splitlines()[-1])
    return Start(seconds * 1000, warehouse * 1000, lived * 1000, processor * 1000, modules, kibibytes / 1024)


def main() -> None:
    """Print each service's median start."""
    print(
        f"{'':<10} {'application':>12} {'warehouse':>12} {'process':>10} {'processor':>10} "
        f"{'modules':>9} {'memory':>9}"
    )
    for name in SERVICES:
        start(name)
        starts = [start(name) for _ in range(PROCESSES)]
        application = statistics.median(one.application_ms for one in starts)
        process = statistics.median(one.process_ms for one in starts)
        processor = statistics.median(one.processor_ms for one in starts)
        warehouse = statistics.median(one.warehouse_ms for one in starts)
        times = f"{application:>9.0f} ms {warehouse:>9.0f} ms {process:>7.0f} ms {processor:>7.0f} ms"
        print(f"{name:<10} {times} {starts[-1].modules:>9} {starts[-1].memory_mib:>5.0f} MiB")


if __name__ == "__main__":
    main()
