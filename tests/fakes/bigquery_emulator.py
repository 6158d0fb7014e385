"""BigQuery on loopback: a real REST and gRPC server (bqemulator) in a process of its own, offline.

It judges the protocol and the SQL. It does not enforce schemas, costs or pruning; it answers a query that
failed with no rows; and it deadlocks when a query overlaps an append.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from exposure.warehouse.bigquery_schema import table_resource
from exposure.warehouse.schema import Table

PROJECT = "local"
LOCATION = "EU"
ANNOUNCEMENT = "listening "
_SERVER = Path(__file__).with_name("bigquery_emulator_server.py")


@dataclass(frozen=True)
class BigQueryEmulator:
    """Where it listens: `rest` is an address with its scheme, `grpc` is host:port."""

    rest: str
    grpc: str

    def create(self, tables: Sequence[Table]) -> None:
        """Create the tables and the datasets they are in."""
        client = bigquery.Client(
            project=PROJECT,
            location=LOCATION,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": self.rest},
        )
        for dataset in {table.dataset for table in tables}:
            client.create_dataset(dataset, exists_ok=True)
        for table in tables:
            client.create_table(bigquery.Table.from_api_repr(table_resource(table, PROJECT)))
        client.close()  # type: ignore[no-untyped-call]


@contextmanager
def running_emulator() -> Iterator[BigQueryEmulator]:
    """Start the emulator on free ports, yield where it is, and end it."""
    server = subprocess.Popen(
        [sys.executable, str(_SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield _where(server)
    finally:
        try:
            server.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.communicate()


def _where(server: subprocess.Popen[str]) -> BigQueryEmulator:
    for line in server.stdout or ():
        if line.startswith(ANNOUNCEMENT):
            rest, grpc = line.removeprefix(ANNOUNCEMENT).split()
            return BigQueryEmulator(f"http://127.0.0.1:{rest}", f"127.0.0.1:{grpc}")
    raise RuntimeError(f"the BigQuery emulator ended with {server.wait()} before it listened")
