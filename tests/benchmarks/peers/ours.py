"""This API over the data set, as the cloud's entrypoint assembles it, but with DuckDB for BigQuery.

API keys, access control, rate limits and a line per answer are on; limits are high enough to refuse nothing.
`uvicorn --factory benchmarks.peers.ours:replicated` (or `cached`) serves the files of `MEASURED_FOLDER`.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from starlette.types import ASGIApp

from benchmarks.peers.data import CONTRACT, SCOPE, Files
from exposure.api.access.door import Door
from exposure.api.access.key_file import KeyFile
from exposure.api.access.keys import KeyOrder, StoredKeys, issue, write_keys
from exposure.api.access.rate_limit import Limits, LocalBuckets, Quota
from exposure.api.answer_lines import AnswerLines
from exposure.api.app import build_api
from exposure.api.cache.answers import Cache
from exposure.api.cache.store import Store
from exposure.api.cache.versions import Version
from exposure.api.cache.windows import Windows
from exposure.api.seal import TokenSealer
from exposure.clock import now
from exposure.contracts.catalog import Catalog
from exposure.contracts.hot_window import WHOLE_TABLE
from exposure.contracts.model import Contract
from exposure.telemetry.lines import Lines
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.port import Reader
from exposure.warehouse.replica.follower import Follower
from exposure.warehouse.replica.replica_reader import ReplicaReader
from exposure.warehouse.schema import rows_table

FOLDER = "MEASURED_FOLDER"
_NEVER_REACHED = 10**9
_CACHE_BYTES = 64 * 2**20


def issue_key(folder: Path) -> str:
    """Write the keys file and return the one key it knows."""
    order = KeyOrder("measured", (SCOPE,), now(), now() + timedelta(hours=1))
    kept, key = issue(StoredKeys(), order)
    (folder / "keys.json").write_bytes(write_keys(kept))
    return key


def replicated() -> ASGIApp:
    """Return the API without its cache: every answer is made anew, from a replica of the whole table."""
    folder = Path(os.environ[FOLDER])
    contract, reader = replace(CONTRACT, replica=WHOLE_TABLE), _reader(Files(folder).duckdb)
    return _api(folder, contract, ReplicaReader(reader, [Follower(contract, reader)]), None)


def cached() -> ASGIApp:
    """Return the API with its cache, in front of a table nobody writes to."""
    folder = Path(os.environ[FOLDER])
    cache = Cache(_Unchanging(), Windows(lifetime=timedelta(hours=1)), Store(_CACHE_BYTES))
    return _api(folder, CONTRACT, _reader(Files(folder).duckdb_twin), cache)


class _Unchanging:
    """Knows that the table stays as it is, as the embedded platform knows when nothing is written."""

    def __init__(self) -> None:
        self._version = Version("1", time.time())

    def current(self, _: str) -> Version:
        """Return the only version."""
        return self._version


def _reader(file: Path) -> DuckDBReader:
    return DuckDBReader(open_duckdb(file, [rows_table(CONTRACT)]))


def _api(folder: Path, contract: Contract, reader: Reader, cache: Cache | None) -> ASGIApp:
    limits = Limits(
        LocalBuckets(), address=Quota("address", _NEVER_REACHED), caller=Quota("caller", _NEVER_REACHED)
    )
    door = Door(keys=KeyFile(folder / "keys.json"), limits=limits)
    api = build_api(Catalog((contract,)), reader, TokenSealer([bytes(32)]), door, cache)
    # It is open as long as the process lives.
    nowhere = Path(os.devnull).open("w")  # noqa: SIM115
    return AnswerLines(api, Lines(nowhere))
