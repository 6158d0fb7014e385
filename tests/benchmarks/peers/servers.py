"""Starts every contestant on a loopback port of its own, asks it, weighs its memory and stops it."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from benchmarks.peers.data import TABLE, Files
from benchmarks.peers.ours import FOLDER
from benchmarks.peers.postgres import Postgres, free_port
from benchmarks.peers.questions import PAGE_ROWS

_UVICORN = (
    "--http", "exposure.http_protocol:Protocol", "--log-level", "warning",
    "--no-access-log", "--no-server-header", "--no-proxy-headers",
)  # fmt: skip
_START_SECONDS = 60.0
# Of 0.1 s an idle server works less than this.
_SETTLE_SECONDS, _IDLE_SECONDS = 20.0, 0.03
_TICKS = os.sysconf("SC_CLK_TCK")
# What Datasette may take for one answer; its own default of a second would refuse its deep pages.
_DATASETTE_MS = 60_000
_TESTS = Path(__file__).parents[2]


@dataclass(frozen=True)
class Got:
    """One answer; the names of its fields are in any case."""

    status: int
    body: bytes
    fields: Message


@dataclass(frozen=True)
class Server:
    """A running contestant: `host:port`, and the processes whose memory is its own."""

    address: str
    pids: Sequence[int]

    @property
    def memory_mib(self) -> float:
        """Return what it and all processes it started hold, each shared page counted once."""
        return sum(_proportional_kib(pid) for root in self.pids for pid in (root, *_children(root))) / 1024

    @property
    def processor_seconds(self) -> float:
        """Return the time on the processor that it and all processes it started have taken."""
        return sum(_ticks(pid) for root in self.pids for pid in (root, *_children(root))) / _TICKS

    def settle(self) -> None:
        """Wait for the end of what nobody waits for any more, but not for ever."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < deadline:
            before = self.processor_seconds
            time.sleep(0.1)
            if self.processor_seconds - before < _IDLE_SECONDS:
                return

    def get(self, path: str, headers: Mapping[str, str], body: str | None = None) -> Got:
        """Return one answer; a body makes it a POST."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request("GET" if body is None else "POST", path, body, dict(headers))
        answer = connection.getresponse()
        found = Got(answer.status, answer.read(), answer.headers)
        connection.close()
        return found


@contextmanager
def running(command: Sequence[str | Path], address: str, **environment: str) -> Iterator[Server]:
    """Start a program, give it when it answers, and stop it."""
    own = {**os.environ, "PYTHONPATH": os.pathsep.join((str(_TESTS), str(_TESTS.parent / "src")))}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=own | environment, stdout=quiet, stderr=quiet) as process:
        try:
            server = Server(address, [process.pid])
            _await(server, process)
            yield server
        finally:
            process.terminate()


@contextmanager
def served(python: Path | str, app: str, *options: str, **environment: str) -> Iterator[Server]:
    """Serve an ASGI application by the same server with the same options as every other."""
    port = free_port()
    command = [python, "-m", "uvicorn", app, "--port", str(port), *_UVICORN, *options]
    with running(command, f"127.0.0.1:{port}", **environment) as server:
        yield server


@contextmanager
def ours(factory: str, folder: Path) -> Iterator[Server]:
    """Serve this API, assembled by a function of `benchmarks.peers.ours`."""
    environment = {FOLDER: str(folder)}
    with served(sys.executable, f"benchmarks.peers.ours:{factory}", "--factory", **environment) as server:
        yield server


@contextmanager
def roapi(peers: Path, files: Files) -> Iterator[Server]:
    """Serve the Parquet file by ROAPI, loaded into memory as it does by default."""
    port = free_port()
    table = f"{TABLE}={files.parquet}"
    quiet = ["--addr-postgres", "127.0.0.1:0", "--addr-flight-sql", "127.0.0.1:0"]
    command: list[str | Path] = [
        peers / "roapi",
        "--table",
        table,
        "--addr-http",
        f"127.0.0.1:{port}",
        *quiet,
    ]
    with running(command, f"127.0.0.1:{port}", RUST_LOG="error") as server:
        yield server


@contextmanager
def datasette(peers: Path, files: Files) -> Iterator[Server]:
    """Serve the SQLite file by Datasette, as a file that does not change."""
    port = free_port()
    settings = {"sql_time_limit_ms": _DATASETTE_MS, "max_returned_rows": 1000, "default_page_size": PAGE_ROWS}
    options = [word for name, value in settings.items() for word in ("--setting", name, str(value))]
    command: list[str | Path] = [
        peers / "datasette",
        "serve",
        "-i",
        files.sqlite,
        "--port",
        str(port),
        *options,
    ]
    with running(command, f"127.0.0.1:{port}") as server:
        yield server


@contextmanager
def postgres_route(peers: Path, postgres: Postgres) -> Iterator[Server]:
    """Serve the routes over PostgreSQL, whose own processes count as theirs."""
    app = "benchmarks.peers.postgres_route:app"
    with served(peers / "python", app, POSTGRES=postgres.address) as server:
        yield Server(server.address, [*server.pids, postgres.pid])


def _await(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            server.get("/", {})
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{process.args!r} did not begin to serve")


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, tasks.read_text().split()):
            found += [child, *_children(child)]
    return found


def _ticks(pid: int) -> int:
    """Return the processor's ticks of a process and of its children that have ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        # It ended since it was listed: its parent counts it now.
        return 0
    # The second field, the program's name, may hold blanks. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    return sum(map(int, stat.rpartition(")")[2].split()[11:15]))


def _proportional_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
