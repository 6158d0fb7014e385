"""A warehouse in memory that writes down what it is asked and answers when and how a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from exposure.query.model import Row
from exposure.warehouse.schema import Table


def _takes_all(_: Table, __: Row) -> str | None:
    return None


@dataclass(eq=False)
class Append:
    """One call of `append`; `answered` is set by the test when the writer holds its answers."""

    table: Table
    rows: tuple[Row, ...]
    answered: asyncio.Future[None] = field(repr=False)

    def answer(self) -> None:
        self.answered.set_result(None)

    def fail(self, error: Exception) -> None:
        self.answered.set_exception(error)


class RecordingWriter:
    """Stores at once, unless `holds` is set: then each append waits for the test's word.

    `refuse` gives the reason against a row, or None. `failure` is raised instead of storing. `journal`
    receives `appended(rows)` at the moment the rows are durable.
    """

    def __init__(self, journal: list[str] | None = None) -> None:
        self.holds = False
        self.refuse: Callable[[Table, Row], str | None] = _takes_all
        self.failure: Exception | None = None
        self.complaint: Exception | None = None
        self.answers_ready = asyncio.Event()
        self.answers_ready.set()
        self.appends: list[Append] = []
        self.asked_ready = 0
        self.closed = False
        self._journal = journal if journal is not None else []
        self._stored: dict[str, list[Row]] = {}
        self._begun = asyncio.Event()

    async def append(self, table: Table, rows: Sequence[Row]) -> Mapping[int, str]:
        append = Append(table, tuple(rows), asyncio.get_running_loop().create_future())
        self.appends.append(append)
        self._begun.set()
        if self.holds:
            await append.answered
        if self.failure is not None:
            raise self.failure
        reasons = {index: self.refuse(table, row) for index, row in enumerate(rows)}
        refused = {index: reason for index, reason in reasons.items() if reason is not None}
        stored = [row for index, row in enumerate(rows) if index not in refused]
        self._stored.setdefault(table.name, []).extend(stored)
        self._journal.append(f"appended({len(stored)} to {table.name})")
        return refused

    async def ready(self) -> None:
        self.asked_ready += 1
        await self.answers_ready.wait()
        if self.complaint is not None:
            raise self.complaint

    async def close(self) -> None:
        self.closed = True

    def stored(self, table: str) -> list[Row]:
        """Return the rows stored in the table, in the order they came."""
        return list(self._stored.get(table, []))

    async def begun(self, number: int) -> Append:
        """Return the append of that number, counted from 0, as soon as it is asked for."""
        while len(self.appends) <= number:
            self._begun.clear()
            await self._begun.wait()
        return self.appends[number]
