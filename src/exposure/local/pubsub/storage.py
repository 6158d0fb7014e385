"""The server's disk: one SQLite file in WAL mode, written by one thread, many callers per commit.

What was committed survives a power cut. Messages are kept whole in memory too; the disk is read at start.
"""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_TABLES = """
CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, config BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS subscriptions (name TEXT PRIMARY KEY, config BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS messages (sequence INTEGER PRIMARY KEY, message BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
  subscription TEXT NOT NULL, sequence INTEGER NOT NULL, attempts INTEGER NOT NULL,
  PRIMARY KEY (subscription, sequence)
) WITHOUT ROWID;
"""
# Losing an acknowledgement means one more delivery, so acknowledgements wait for company.
_LAZY_SECONDS = 0.01


class DataFolderLocked(Exception):
    """Another process uses the data folder."""


@dataclass(frozen=True)
class Change:
    """One statement with its parameters."""

    sql: str
    parameters: tuple[object, ...]


class Storage:
    """Commits changes in the order they are handed over. Lives on one event loop."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(data_dir)
        self._connection = sqlite3.connect(
            data_dir / "pubsub.sqlite", isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(_TABLES)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="pubsub-storage")
        self._changes: list[Change] = []
        self._committed: asyncio.Future[None] | None = None
        self._flush: asyncio.Task[None] | None = None

    def topics(self) -> Iterator[bytes]:
        """Yield each stored topic."""
        yield from (row[0] for row in self._connection.execute("SELECT config FROM topics"))

    def subscriptions(self) -> Iterator[bytes]:
        """Yield each stored subscription."""
        yield from (row[0] for row in self._connection.execute("SELECT config FROM subscriptions"))

    def backlog(self) -> Iterator[tuple[str, int, int, bytes]]:
        """Yield subscription, sequence, attempts and message of all that is not acknowledged, in order."""
        yield from self._connection.execute(
            "SELECT subscription, sequence, attempts, message FROM deliveries JOIN messages USING (sequence)"
            " ORDER BY sequence"
        )

    def last_sequence(self) -> int:
        """Return the highest sequence ever stored."""
        row = self._connection.execute("SELECT max(sequence) FROM messages").fetchone()
        return int(row[0] or 0)

    def later(self, *changes: Change) -> None:
        """Commit the changes within some milliseconds; a power cut before may forget them."""
        self._changes.extend(changes)
        self._schedule(_LAZY_SECONDS)

    async def commit(self, *changes: Change) -> None:
        """Return when the changes, and all handed over before, are on disk."""
        self._changes.extend(changes)
        if self._committed is None:
            self._committed = asyncio.get_running_loop().create_future()
        committed = self._committed
        self._schedule(0)
        # Others wait for the same commit: one of them leaving must not cancel it.
        await asyncio.shield(committed)

    async def close(self) -> None:
        """Commit what was handed over and release the file."""
        await self.commit()
        if self._flush is not None:
            await self._flush
        self._executor.shutdown()
        self._connection.close()
        self._lock.close()

    def _schedule(self, delay: float) -> None:
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._flush_all(delay))

    async def _flush_all(self, delay: float) -> None:
        if self._committed is None:
            await asyncio.sleep(delay)
        loop = asyncio.get_running_loop()
        while self._changes or self._committed is not None:
            changes, self._changes = self._changes, []
            committed, self._committed = self._committed, None
            try:
                await loop.run_in_executor(self._executor, self._write, changes)
            except sqlite3.Error as error:
                if committed is None:
                    raise
                committed.set_exception(error)
            else:
                if committed is not None:
                    committed.set_result(None)

    def _write(self, changes: list[Change]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for change in changes:
                self._connection.execute(change.sql, change.parameters)
        except sqlite3.Error:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _lock(data_dir: Path) -> IO[str]:
    lock = (data_dir / "pubsub.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise DataFolderLocked(f"the data folder {data_dir} is in use by another process") from error
    return lock
