"""The embedded platform, assembled: Pub/Sub, ingest, DuckDB and the API on one event loop.

The same pipeline, token verification and API as in the cloud; only Pub/Sub and the warehouse are local.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TextIO

from exposure.api.access.door import Door
from exposure.api.access.key_file import KeyFile
from exposure.api.access.keys import StoredKeys, write_keys
from exposure.api.answer_lines import AnswerLines
from exposure.api.app import build_api
from exposure.api.cache.answers import Cache
from exposure.api.cache.store import Store
from exposure.api.cache.windows import Windows
from exposure.api.seal import TokenSealer
from exposure.api.watched import watched_api, watched_reader
from exposure.contracts.catalog import Catalog
from exposure.ingest.app import PushApp
from exposure.ingest.pipeline import Pipeline, Shared
from exposure.ingest.token import PushIdentity, TokenVerifier
from exposure.ingest.watched import WatchedRoad
from exposure.local.commits import CountedWriter
from exposure.local.feed import PROJECT, declare_feed
from exposure.local.ports import HttpServer
from exposure.local.pubsub.key_file import load_or_make
from exposure.local.pubsub.server import PubSubConfig, PubSubServer
from exposure.local.pubsub.storage import DataFileBroken
from exposure.local.watch import Collectors, local_watches
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.schema import quarantine_table, rows_table

PUSH_ACCOUNT = f"push@{PROJECT}.iam.gserviceaccount.com"
_KEY_BYTES = 32
_CACHE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class PlatformConfig:
    """Where the platform keeps its data and where it listens; a port of 0 takes a free one.

    `collectors` is where traces and metrics are sent. `lines` takes the lines the services would log. `clock`
    is seconds since the epoch; Pub/Sub, its tokens and the times of ingest follow it.
    """

    data_dir: Path
    api_port: int = 8080
    ingest_port: int = 8081
    pubsub_port: int = 8085
    collectors: Collectors = field(default_factory=Collectors)
    lines: TextIO | None = None
    clock: Callable[[], float] = time.time


@dataclass(frozen=True)
class Addresses:
    """Where the parts answer: two URLs, and Pub/Sub's `host:port` for PUBSUB_EMULATOR_HOST."""

    api: str
    ingest: str
    pubsub: str


class Platform:
    """The running platform; an async context manager.

    Starting raises PortInUse, DataFolderLocked, DataFileBroken or a WarehouseError, each with one clear
    sentence, and OSError for a folder that cannot be used.
    """

    def __init__(self, catalog: Catalog, config: PlatformConfig) -> None:
        self._catalog = catalog
        self._config = config
        self._parts = AsyncExitStack()
        self.addresses = Addresses("", "", "")

    async def __aenter__(self) -> Platform:
        """Start every part; when one fails, those before it are stopped again."""
        async with AsyncExitStack() as parts:
            await self._start(parts)
            self._parts = parts.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop in the opposite order: first no more pushes, then what is in flight, then the file."""
        await self._parts.aclose()

    async def failed(self) -> None:
        """Wait for the end: returns when the platform is stopped, raises PubSubFailed when it failed."""
        await self._pubsub.failed()

    async def _start(self, parts: AsyncExitStack) -> None:
        config = self._config
        config.data_dir.mkdir(parents=True, exist_ok=True)
        tables = [make(contract) for contract in self._catalog for make in (rows_table, quarantine_table)]
        connection = open_duckdb(config.data_dir / "warehouse.duckdb", tables)
        parts.callback(connection.close)
        api = HttpServer(config.api_port)
        parts.push_async_callback(api.stop)
        ingest = HttpServer(config.ingest_port)
        parts.push_async_callback(ingest.stop)
        # Where ingest listened before a restart somebody else may listen now, and may acknowledge anything.
        pubsub = self._pubsub = PubSubServer(
            PubSubConfig(config.data_dir, config.pubsub_port, clock=config.clock, pushes_from_the_start=False)
        )
        await parts.enter_async_context(pubsub)
        identity = PushIdentity(PUSH_ACCOUNT, ingest.url, pubsub.certificates_url)
        watches = local_watches(self._catalog, pubsub.broker, config.collectors)
        road = WatchedRoad(watches.ingest, "duckdb")
        commits = CountedWriter(DuckDBWriter(connection))
        writer = road.writer(commits)
        shared = Shared(lines=watches.ingest.lines(config.lines))
        pipelines = {
            contract.name: road.pipeline(
                Pipeline(contract, writer, clock=self._now, shared=shared), contract.name
            )
            for contract in self._catalog
        }
        await ingest.start(road.app(PushApp(pipelines, TokenVerifier(identity, clock=config.clock), writer)))
        sealer = TokenSealer([_page_token_key(config.data_dir / "page-token.key")])
        door = Door(keys=KeyFile(_keys_file(config.data_dir / "keys.json")))
        reader = watched_reader(DuckDBReader(connection), watches.api, "duckdb")
        cache = Cache(versions=commits, windows=Windows(), store=Store(_CACHE_BYTES))
        served = build_api(self._catalog, reader, sealer, door, cache)
        await api.start(watched_api(AnswerLines(served, watches.api.lines(config.lines)), watches.api))
        for contract in self._catalog:
            await declare_feed(pubsub.broker, contract, ingest.url, PUSH_ACCOUNT)
        pubsub.begin_to_push()
        self.addresses = Addresses(api.url, ingest.url, pubsub.address)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._config.clock(), UTC)


def _keys_file(path: Path) -> Path:
    """Return the file of API keys, empty at the first start; `exposure keys` fills it."""
    load_or_make(path, lambda: write_keys(StoredKeys()))
    return path


def _page_token_key(path: Path) -> bytes:
    """Return the key of page tokens, made at the first start, so that tokens outlive a restart."""
    key = load_or_make(path, lambda: os.urandom(_KEY_BYTES))
    if len(key) != _KEY_BYTES:
        raise DataFileBroken(
            f"{path} has {len(key)} bytes, a key {_KEY_BYTES}; delete it, and the next start makes a new "
            "one, for new page tokens"
        )
    return key
