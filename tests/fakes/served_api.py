"""The API under a real HTTP server on loopback, over a warehouse whose streams may be told to break."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from exposure.api.access.door import Door
from exposure.api.app import build_api
from exposure.api.seal import TokenSealer
from exposure.contracts.catalog import CATALOG
from exposure.local.ports import HttpServer
from exposure.warehouse.duckdb_reader import DuckDBReader, DuckDBReaderLimits
from fakes.api_house import TOKEN_KEY
from fakes.breaking_reader import BreakingReader
from fakes.rows import NOON

_SECONDS = 30


@dataclass(frozen=True)
class ServedApi:
    """Where it listens, and the reader whose streams break."""

    url: str
    reader: BreakingReader


@contextmanager
def served_api(
    connection: duckdb.DuckDBPyConnection, limits: DuckDBReaderLimits | None = None
) -> Iterator[ServedApi]:
    """Serve from an event loop of its own thread, so that a test may block as clients do."""
    reader = BreakingReader(DuckDBReader(connection, limits, clock=lambda: NOON))
    app = build_api(CATALOG, reader, TokenSealer([TOKEN_KEY]), Door(clock=lambda: NOON))
    server = HttpServer(0)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="served-api")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(app), loop).result(_SECONDS)
        yield ServedApi(server.url, reader)
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
