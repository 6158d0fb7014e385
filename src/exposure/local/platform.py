"""The embedded platform, assembled: Pub/Sub, ingest, DuckDB and the API on one event loop.

The same pipeline, token verification and API as in the cloud; only Pub/Sub and the warehouse are local.
"""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from exposure.api.access.door import Door
from exposure.api.access.key_file import KeyFile
from exposure.api.access.keys import StoredKeys, write_keys
from exposure.api.app import build_api
from exposure.api.seal import TokenSealer
from exposure.contracts.catalog import Catalog
from exposure.ingest.app import PushApp
from exposure.ingest.pipeline import Pipeline
from exposure.ingest.token import PushIdentity, TokenVerifier
from exposure.local.feed import PROJECT, declare_feed
from exposure.local.ports import HttpServer
from exposure.local.pubsub.key_file import load_or_make
from exposure.local.pubsub.server import PubSubConfig, PubSubServer
from exposure.local.pubsub.storage import DataFileBroken
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.schema import quarantine_table, rows_table

PUSH_ACCOUNT = f"push@{PROJECT}.iam.gserviceaccount.com"
_KEY_BYTES = 32


@dataclass(frozen=True)
class PlatformConfig:
    """Where the platform keeps its data and where it listens; a port of 0 takes a free one."""

    data_dir: Path
    api_port: int = 8080
    ingest_port: int = 8081
    pubsub_port: int = 8085


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
        pubsub = self._pubsub = PubSubServer(PubSubConfig(config.data_dir, config.pubsub_port))
        await parts.enter_async_context(pubsub)
        identity = PushIdentity(PUSH_ACCOUNT, ingest.url, pubsub.certificates_url)
        writer = DuckDBWriter(connection)
        pipelines = {contract.name: Pipeline(contract, writer) for contract in self._catalog}
        await ingest.start(PushApp(pipelines, TokenVerifier(identity), writer))
        sealer = TokenSealer([_page_token_key(config.data_dir / "page-token.key")])
        door = Door(keys=KeyFile(_keys_file(config.data_dir / "keys.json")))
        await api.start(build_api(self._catalog, DuckDBReader(connection), sealer, door))
        for contract in self._catalog:
            await declare_feed(pubsub.broker, contract, ingest.url, PUSH_ACCOUNT)
        self.addresses = Addresses(api.url, ingest.url, pubsub.address)


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
