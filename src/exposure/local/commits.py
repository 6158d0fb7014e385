"""What the embedded platform knows that a cloud does not: every write to a table passes through this process.

So the version of a table is how often it was written to, and what was published is read at once, kept
answers or not. It says nothing of what was written, and lasts as long as the process.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence

from exposure.api.cache.versions import Version
from exposure.query.model import Row
from exposure.warehouse.port import Writer
from exposure.warehouse.schema import Table

_DAY_SECONDS = 86_400


class CountedWriter:
    """Passes rows on to a writer and counts. Is a Writer, and is Versions of the tables by their names."""

    def __init__(self, writer: Writer, clock: Callable[[], float] = time.time) -> None:
        self._writer = writer
        self._clock = clock
        # A count begins anew with each process, and a client may have a tag of the one before.
        self._epoch = secrets.token_hex(8)
        self._count = 0
        self._begin_day()

    def current(self, contract: str) -> Version:
        """Return the version the contract's table is at; a new day is a new one, as questions may mean it."""
        if self._clock() >= self._day_ends:
            self._begin_day()
        return self._versions.get(contract, self._first)

    async def append(self, table: Table, rows: Sequence[Row]) -> Mapping[int, str]:
        """Store the rows; when this returns, or fails, their table is at another version."""
        try:
            return await self._writer.append(table, rows)
        finally:
            self._count += 1
            self._versions[table.name] = self._version()

    async def ready(self) -> None:
        """Return when the writer is ready."""
        await self._writer.ready()

    async def close(self) -> None:
        """Close the writer."""
        await self._writer.close()

    def _begin_day(self) -> None:
        moment = self._clock()
        self._day_ends = moment - moment % _DAY_SECONDS + _DAY_SECONDS
        self._count += 1
        self._first = self._version()
        self._versions: dict[str, Version] = {}

    def _version(self) -> Version:
        return Version(f"{self._epoch}.{self._count}", self._clock())
