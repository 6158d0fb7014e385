"""The embedded platform on free ports, on an event loop of its own thread, for tests that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exposure.contracts.catalog import CATALOG
from exposure.local.platform import Addresses, Platform, PlatformConfig

_START_SECONDS = 30


@contextmanager
def running_platform(data_dir: Path) -> Iterator[Addresses]:
    """Run the platform until the block ends; give its addresses."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="platform")
    thread.start()
    platform = Platform(CATALOG, PlatformConfig(data_dir, api_port=0, ingest_port=0, pubsub_port=0))
    try:
        asyncio.run_coroutine_threadsafe(platform.__aenter__(), loop).result(_START_SECONDS)
        yield platform.addresses
        asyncio.run_coroutine_threadsafe(platform.__aexit__(None, None, None), loop).result(_START_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
