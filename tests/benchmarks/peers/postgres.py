"""A PostgreSQL of one's own for as long as the measurement lasts: Debian's, on a free loopback port.

Its folder is inside the measurement's; root may not run it, so root runs it as the account `postgres`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.data import TABLE

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "1GB",
    "work_mem": "64MB",
    "fsync": "off",  # nothing is written while it is measured
    "max_wal_size": "4GB",
}
_SQL = f"""
CREATE TABLE {TABLE} (id text COLLATE "C" PRIMARY KEY, timestamp timestamptz NOT NULL, data text NOT NULL,
    amount double precision NOT NULL, quantity bigint NOT NULL, category text COLLATE "C" NOT NULL);
COPY {TABLE} FROM '%s' (FORMAT csv);
CREATE INDEX ON {TABLE} (timestamp, id);
CREATE INDEX ON {TABLE} (category);
VACUUM (FREEZE, ANALYZE) {TABLE};
"""


class NotInstalled(Exception):
    """A program that the measurement needs is missing; the sentence says how to get it."""


@dataclass(frozen=True)
class Postgres:
    """A running server: its address, and the process that is the parent of all of its own."""

    address: str
    pid: int


@contextmanager
def running_postgres(folder: Path, rows: Path) -> Iterator[Postgres]:
    """Start a server that holds the rows of the CSV file, and stop it at the end."""
    programs = _programs()
    data = folder / "postgres"
    data.mkdir()
    account = _account(folder, data, rows)
    port = free_port()
    _run(account, programs / "initdb", "-D", data, "-U", "measured", "--auth=trust", "--no-sync")
    options = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
    command: list[str | Path] = [programs / "postgres", "-D", data, "-p", str(port), "-k", data, *options]
    with subprocess.Popen(command, user=account, stderr=subprocess.DEVNULL) as server:
        try:
            address = f"postgresql://measured@127.0.0.1:{port}/postgres"
            _run(
                account, programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", "30", retries=100
            )
            _run(account, programs / "psql", "-q", "-d", address, "-v", "ON_ERROR_STOP=1", "-c", "SELECT 1")
            for statement in (_SQL % rows).split(";")[:-1]:
                _run(
                    account, programs / "psql", "-q", "-d", address, "-v", "ON_ERROR_STOP=1", "-c", statement
                )
            yield Postgres(address, server.pid)
        finally:
            server.terminate()


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _programs() -> Path:
    """Return the newest installed version's folder; Debian puts it on no PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parts[-3]))
    beside = shutil.which("initdb")
    if not found and beside is None:
        raise NotInstalled("PostgreSQL is missing; on Debian: apt-get install postgresql")
    return found[-1].parent if found else Path(str(beside)).parent


def _account(folder: Path, data: Path, rows: Path) -> str | None:
    """Return whose name the server runs in; None is one's own. The account may reach its data."""
    if os.geteuid() != 0:
        return None
    account = pwd.getpwnam("postgres")
    os.chown(data, account.pw_uid, account.pw_gid)
    folder.chmod(0o755)
    rows.chmod(0o644)
    return account.pw_name


def _run(account: str | None, *command: str | Path, retries: int = 0) -> None:
    done = subprocess.run(command, user=account, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode and retries:
        _run(account, *command, retries=retries - 1)
    elif done.returncode:
        raise RuntimeError(f"{Path(command[0]).name}: {done.stderr.strip() or done.stdout.strip()}")
