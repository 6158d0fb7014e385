"""What an export of 1,000,000 rows costs: peak memory of the server above idle, and rows per second.

Run it: `make bench`. Every streaming format is asked of a server over a DuckDB file and read to its end by a
client that counts the rows. The baseline is a process of its own that fetches all rows of the same file and
writes them with the standard library's json. Idle is the server after a page in the same format.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa
import uvloop
from pyarrow import parquet

from benchmarks.read import CONTRACT, fill, serve

MIB = 2**20
GOAL_MIB = 64
PAGE = f"/v1/{CONTRACT.name}?page_size=1000&format="
EXPORT = f"/v1/{CONTRACT.name}:export?format="


@dataclass(frozen=True)
class Measured:
    """One answer read to its end."""

    rows: int
    body_bytes: int
    seconds: float
    peak_mib: float

    def line(self, name: str, baseline: float) -> str:
        rate = self.rows / self.seconds
        return (
            f"{name:<24} {rate:>9,.0f} {rate / baseline:>9.1f}x {self.peak_mib:>9.0f} "
            f"{self.body_bytes / MIB:>9.0f} {self.seconds:>7.2f}"
        )


class Counted(http.client.HTTPResponse):
    """A response that counts the bytes of its body as they are read."""

    body_bytes = 0

    def read(self, amt: int | None = None) -> bytes:
        data = super().read(amt)
        self.body_bytes += len(data)
        return data


def lines(body: BinaryIO) -> int:
    count = 0
    while part := body.read(MIB):
        count += part.count(b"\n")
    return count


def csv_rows(body: BinaryIO) -> int:
    return lines(body) - 1


def json_rows(opening: bytes) -> Callable[[BinaryIO], int]:
    def count(body: BinaryIO) -> int:
        found, tail = 0, b""
        while part := body.read(MIB):
            text = tail + part
            found += text.count(opening)
            tail = text[-(len(opening) - 1) :]
        assert tail.endswith(b"}")
        return found

    return count


def arrow_rows(body: BinaryIO) -> int:
    return sum(batch.num_rows for batch in pa.ipc.open_stream(body))


def parquet_rows(body: BinaryIO) -> int:
    with tempfile.TemporaryFile() as file:
        while part := body.read(MIB):
            file.write(part)
        rows: int = parquet.ParquetFile(file).metadata.num_rows
        return rows


def drain(body: BinaryIO) -> int:
    """Read a compressed body to its end; its rows are those of the others."""
    while body.read(MIB):
        pass
    return 0


FORMATS: dict[str, tuple[Callable[[BinaryIO], int], str]] = {
    "json": (json_rows(b'{"id":'), "identity"),
    "json&shape=arrays": (json_rows(b'["evt-'), "identity"),
    "ndjson": (lines, "identity"),
    "ndjson&end_record=true": (lambda body: lines(body) - 1, "identity"),
    "csv": (csv_rows, "identity"),
    "csv&csv_safe=true": (csv_rows, "identity"),
    "arrow": (arrow_rows, "identity"),
    "parquet": (parquet_rows, "identity"),
    "csv, gzip": (drain, "gzip"),
}


def memory(pid: int, name: str) -> float:
    """Return a figure of the process's memory in MiB: VmRSS now, VmHWM at its highest."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise KeyError(name)


@contextmanager
def peak_above(pid: int) -> Iterator[Callable[[], float]]:
    """Give what returns the highest memory since now above that of now, in MiB."""
    idle = memory(pid, "VmRSS")
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    yield lambda: memory(pid, "VmHWM") - idle


@contextmanager
def asked(address: str, path: str, coding: str) -> Iterator[Counted]:
    connection = http.client.HTTPConnection(address, timeout=300)
    connection.response_class = Counted
    connection.request("GET", path, headers={"Accept-Encoding": coding})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    assert isinstance(answer, Counted)
    yield answer
    connection.close()


def measure(address: str, pid: int, name: str, rows: int) -> Measured:
    """Ask for the export in one format and read it to its end."""
    count, coding = FORMATS[name]
    words = name.partition(",")[0]
    with asked(address, PAGE + words, coding) as page:
        page.read()
    with peak_above(pid) as peak, asked(address, EXPORT + words, coding) as answer:
        started = time.perf_counter()
        counted = count(answer)
        seconds = time.perf_counter() - started
        body_bytes = answer.body_bytes
        assert counted == rows or (coding == "gzip" and not counted), (name, counted)
        return Measured(rows, body_bytes, seconds, peak())


def fetch_all(path: str) -> None:
    """Be the baseline: print rows, bytes, seconds and peak as JSON."""
    connection = duckdb.connect(path, read_only=True)
    table = f'"{CONTRACT.dataset}"."{CONTRACT.name}"'
    names = [column.name for column in CONTRACT.columns]
    select = f"SELECT {', '.join(names)} FROM {table}"
    connection.execute(f"{select} LIMIT 1000").fetchall()
    with peak_above(os_pid()) as peak:
        started = time.perf_counter()
        found = connection.execute(select).fetchall()
        text = json.dumps({"data": [dict(zip(names, row, strict=True)) for row in found]}, default=str)
        figures: dict[str, Any] = {"rows": len(found), "body_bytes": len(text)}
        print(json.dumps(figures | {"seconds": time.perf_counter() - started, "peak_mib": peak()}))


def os_pid() -> int:
    return int(Path("/proc/self").readlink().name)


def main(rows: int) -> None:
    """Fill a table, then print rate and memory of the baseline and of every format."""
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(fill(Path(name), rows))
        path = str(Path(name) / "warehouse.duckdb")
        command = [sys.executable, __file__, "baseline", path]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        baseline = Measured(**found)
        rate = baseline.rows / baseline.seconds
        print(f"{'answer':<24} {'rows/s':>9} {'ratio':>10} {'peak MiB':>9} {'body MiB':>9} {'s':>7}")
        print(baseline.line("fetchall + json.dumps", rate))
        command = [sys.executable, __file__, "serve", name]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            address = server.stdout.readline().strip().removeprefix("http://")
            for one in FORMATS:
                measured = measure(address, server.pid, one, rows)
                verdict = "" if measured.peak_mib <= GOAL_MIB else f"  above the goal of {GOAL_MIB} MiB"
                print(measured.line(one, rate) + verdict)
            assert server.stdin is not None
            server.stdin.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        uvloop.run(serve(Path(sys.argv[2])))
    elif sys.argv[1:2] == ["baseline"]:
        fetch_all(sys.argv[2])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
