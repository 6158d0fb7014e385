"""What ingest has in memory at most: draining a backlog of a million messages, and before a sink that hangs.

`make bench`. Each worker is a process of its own; measured is the peak of its resident memory, libraries and
all. A sink that hangs takes twenty seconds for an append, longer than any message may wait.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import uvloop

from benchmarks.child import child_of
from benchmarks.load import run_load
from benchmarks.null_sink import null_sink
from benchmarks.pull import CONTRACT, SUBSCRIPTION, Counting, feeding
from benchmarks.push import request
from exposure.ingest.garbage import spare_what_stands
from exposure.ingest.pipeline import Pipeline
from exposure.ingest.pull.worker import PullWorker
from exposure.warehouse.bigquery_writer import BigQueryWriter

_MEBI = 2**20
_BACKLOG = 1_000_000
_HANGING_MS = 20_000
_HANGING_SECONDS = 45.0
_LARGE = "x" * 20_000
_PUSHES, _CONNECTIONS = 3_000, 512


def main() -> None:
    """Measure all three and print them."""
    with feeding() as address, null_sink(0) as sink:
        begun = time.perf_counter()
        peak = _pulling(address, sink, str(_BACKLOG))
        print(f"a backlog of {_BACKLOG:,} messages, pulled in {time.perf_counter() - begun:.0f} s")
        _tell(peak, 512)
    with feeding() as address, null_sink(_HANGING_MS) as sink:
        print(f"{_HANGING_SECONDS:.0f} s of a sink that hangs, pulling")
        _tell(_pulling(address, sink, "0"), 300)
    with null_sink(_HANGING_MS) as sink:
        print(f"{_PUSHES:,} pushes of 20 kB to a worker whose sink hangs, {_CONNECTIONS} at a time")
        _tell(_pushed(sink), 300)


def _pulling(*arguments: str) -> float:
    command = [sys.executable, "-m", "benchmarks.memory", *arguments]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, timeout=600).stdout)


async def _pull(address: str, sink: str, rows: int) -> None:
    """Pull so many rows, or for a while when there are to be none."""
    writer = Counting(BigQueryWriter("local", endpoint=sink))
    worker = PullWorker({SUBSCRIPTION: Pipeline(CONTRACT, writer)}, writer, address)
    running, begun = asyncio.create_task(worker.run()), time.monotonic()
    is_done: Callable[[], bool] = lambda: time.monotonic() - begun > _HANGING_SECONDS  # noqa: E731
    if rows:
        is_done = lambda: writer.rows >= rows  # noqa: E731
    while not is_done():
        await asyncio.sleep(0.05)
    worker.stop()
    await running


def _pushed(sink: str) -> float:
    with tempfile.TemporaryDirectory() as name, child_of("push", "group commit", sink) as worker:
        url, token = json.loads(worker.said)
        requests = Path(name) / "requests.json"
        requests.write_text(json.dumps([request(number, token, _LARGE) for number in range(_PUSHES)]))
        outcome = run_load(url, requests, _CONNECTIONS)
        peak = _peak_mebi(str(worker.pid))
    assert outcome.failures == outcome.requests, outcome
    return peak


def _peak_mebi(process: str) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024 / _MEBI


def _tell(peak_mebi: float, goal: int) -> None:
    is_met = "met" if peak_mebi <= goal else "NOT MET"
    print(f"  at most {peak_mebi:.0f} MiB resident; goal {goal} MiB: {is_met}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        spare_what_stands()
        uvloop.run(_pull(sys.argv[1], sys.argv[2], int(sys.argv[3])))
        print(_peak_mebi("self"))
    else:
        main()
