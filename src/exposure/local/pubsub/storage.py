"""The server's disk: one SQLite file in WAL mode, written by one thread, many callers per commit.

What was committed survives a power cut. Messages are kept whole in memory too; the disk is read at start.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from google.protobuf.message import DecodeError

from exposure.local.pubsub.wire import PubsubMessage, Subscription, Topic

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
_log = logging.getLogger(__name__)


class DataFolderLocked(Exception):
    """Another process uses the data folder."""


class DataFileBroken(OSError):
    """The data folder holds a file that is not what its name says; the sentence names it and a way out."""


class StorageFailed(Exception):
    """The disk did not take a commit (full, read-only); nothing of it is stored."""


@dataclass(frozen=True, slots=True)
class Change:
    """One statement with its parameters."""

    sql: str
    parameters: tuple[object, ...]


class Storage:
    """Commits changes in the order they are handed over. Lives on one event loop.

    Opening raises DataFolderLocked or DataFileBroken, reading what is stored DataFileBroken.
    """

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._path = data_dir / "pubsub.sqlite"
        self._lock = _lock(data_dir)
        try:
            self._connection = _open(self._path)
        except DataFileBroken:
            self._lock.close()
            raise
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="pubsub-storage")
        self._changes: list[Change] = []
        self._committed: asyncio.Future[None] | None = None
        self._flush: asyncio.Task[None] | None = None
        self._urgent = asyncio.Event()
        self._is_closed = False

    def topics(self) -> Iterator[Any]:
        """Yield each stored Topic."""
        for (content,) in self._rows("SELECT config FROM topics"):
            yield self._read(Topic, content)

    def subscriptions(self) -> Iterator[Any]:
        """Yield each stored Subscription."""
        yield from (
            self._read(Subscription, row[0]) for row in self._rows("SELECT config FROM subscriptions")
        )

    def backlog(self) -> Iterator[tuple[str, int, int, bytes]]:
        """Yield subscription, sequence, attempts and message of all that is not acknowledged, in order."""
        yield from self._rows(
            "SELECT subscription, sequence, attempts, message FROM deliveries JOIN messages USING (sequence)"
            " ORDER BY sequence"
        )

    def message(self, content: bytes) -> Any:
        """Return a message of the backlog."""
        return self._read(PubsubMessage, content)

    def last_sequence(self) -> int:
        """Return the highest sequence stored."""
        return max((int(row[0] or 0) for row in self._rows("SELECT max(sequence) FROM messages")), default=0)

    def later(self, *changes: Change) -> None:
        """Commit the changes within some milliseconds; a power cut before may forget them."""
        if not self._is_closed:
            self._changes.extend(changes)
            self._schedule()

    async def commit(self, *changes: Change) -> None:
        """Return when the changes, and all handed over before, are on disk; raises StorageFailed."""
        if self._is_closed:
            raise StorageFailed("the message store is closed")
        self._changes.extend(changes)
        if self._committed is None:
            self._committed = asyncio.get_running_loop().create_future()
        committed = self._committed
        self._urgent.set()
        self._schedule()
        # Others wait for the same commit: one of them leaving must not cancel it.
        await asyncio.shield(committed)

    async def close(self) -> None:
        """Commit what was handed over and release the file; closing again does nothing."""
        if self._is_closed:
            return
        try:
            await self.commit()
            if self._flush is not None:
                await self._flush
        except StorageFailed as error:
            _log.error("acknowledgements were not stored and will be asked for again: %s", error)
        finally:
            self._is_closed = True
            self._executor.shutdown()
            self._connection.close()
            self._lock.close()

    def _rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._connection.execute(sql)
        except sqlite3.DatabaseError as error:
            raise _broken(self._path, error) from error

    def _read(self, kind: Any, content: bytes) -> Any:
        try:
            return kind.FromString(content)
        except DecodeError as error:
            raise _broken(self._path, error) from error

    def _schedule(self) -> None:
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._flush_all())

    async def _flush_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._changes or self._committed is not None:
            if self._committed is None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._urgent.wait(), _LAZY_SECONDS)
            self._urgent.clear()
            changes, self._changes = self._changes, []
            committed, self._committed = self._committed, None
            try:
                await loop.run_in_executor(self._executor, self._write, changes)
            except sqlite3.Error as error:
                _fail(committed, error)
            else:
                if committed is not None:
                    committed.set_result(None)

    def _write(self, changes: list[Change]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for change in changes:
                self._connection.execute(change.sql, change.parameters)
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            # SQLite has rolled back by itself after some errors, a full disk among them.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


def _fail(committed: asyncio.Future[None] | None, error: sqlite3.Error) -> None:
    if committed is None:
        _log.error("acknowledgements were not stored and will be asked for again after a restart: %s", error)
        return
    failure = StorageFailed(f"the message store cannot be written: {error}")
    failure.__cause__ = error
    committed.set_exception(failure)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_TABLES)
    except sqlite3.Error as error:
        connection.close()
        raise _broken(path, error) from error
    return connection


def _broken(path: Path, error: Exception) -> DataFileBroken:
    return DataFileBroken(
        f"{path} is not the message store of this server: {error}; restore it, or move it away to start empty"
    )


def _lock(data_dir: Path) -> IO[str]:
    lock = (data_dir / "pubsub.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise DataFolderLocked(f"the data folder {data_dir} is in use by another process") from error
    return lock
