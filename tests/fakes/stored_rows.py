"""Stored rows as a list that a replica reads, and a reader behind the replica that has none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from exposure.contracts.model import INGEST_TIME, MESSAGE_ID, Contract
from exposure.query.aggregate import Aggregation
from exposure.query.model import Query, Row, Snapshot
from exposure.warehouse.arrow import readable_schema, record_batch
from exposure.warehouse.port import Groups, Page, Plan, RowStream, WarehouseUnavailable
from fakes.oracle import met, ordered


class _Batches:
    """A stream of one batch, which may break off behind it."""

    def __init__(self, stored: StoredList, rows: Sequence[Row], query: Query) -> None:
        self._stored = stored
        self._parts = [rows] if rows else []
        self._query = query
        self.as_of = stored.clock()
        self.bytes_billed = 0

    async def next_rows(self, most: int) -> Sequence[Row]:
        raise NotImplementedError

    async def next_batch(self) -> Any:
        if self._parts:
            return record_batch(readable_schema(self._query.columns), self._parts.pop())
        if self._stored.breaks:
            raise WarehouseUnavailable("it broke off")
        return None

    def close(self) -> None:
        self._stored.open_streams -= 1


class StoredList:
    """Is a source of the rows of the list; `failure`, when set, is raised instead."""

    def __init__(self, contract: Contract, clock: Callable[[], datetime]) -> None:
        self._contract = contract
        self.clock = clock
        self.rows: list[Row] = []
        self.questions: list[Query] = []
        self.failure: Exception | None = None
        self.breaks = False
        self.open_streams = 0

    async def newest(self, contract: Contract) -> Snapshot:
        assert contract.name == self._contract.name
        return Snapshot(self.clock(), len(self.rows))

    async def stored(self, query: Query) -> _Batches:
        self.questions.append(query)
        if self.failure is not None:
            raise self.failure
        self.open_streams += 1
        held = self.rows[: query.snapshot.rows] if query.snapshot else self.rows
        return _Batches(self, met(self._contract, query.filters, held), query)

    def served(self, held: int | None = None) -> list[Row]:
        """Return the row of each key that counts: of so many rows, or of all, the one stored first."""
        at = [self._contract.stored_columns.index(one) for one in (INGEST_TIME, MESSAGE_ID)]
        first: dict[object, Row] = {}
        for row in sorted(self.rows[:held], key=lambda row: [row[place] for place in at]):
            first.setdefault(row[self._contract.stored_columns.index(self._contract.key_column)], row)
        return list(first.values())


class EmptyReader:
    """A reader without rows: what it answers was passed on to it."""

    async def select(self, query: Query) -> Page:
        del query
        return Page([], complete=True, last=None, snapshot=Snapshot(_THEN), bytes_billed=0)

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        del aggregation
        return Groups([], complete=True, as_of=_THEN, bytes_billed=0)

    async def estimate(self, counted: Aggregation) -> Groups:
        return await self.aggregate(counted)

    async def stream(self, query: Query) -> RowStream:
        raise NotImplementedError

    async def explain(self, question: Query | Aggregation) -> Plan:
        raise NotImplementedError

    async def close(self) -> None:
        pass


class ListReader(EmptyReader):
    """A reader of a list, whose pages it makes as a warehouse should: those of a walk at its snapshot."""

    def __init__(self, stored: StoredList) -> None:
        self._stored = stored

    async def select(self, query: Query) -> Page:
        contract = query.contract
        snapshot = query.snapshot or await self._stored.newest(contract)
        found = ordered(
            contract, query.order, met(contract, query.filters, self._stored.served(snapshot.rows))
        )
        wanted, order = (
            [contract.stored_columns.index(column) for column in columns]
            for columns in (query.columns, [one.column for one in query.order])
        )
        places = [tuple(row[at] for at in order) for row in found]
        begin = 0 if query.after is None else places.index(query.after) + 1
        end = begin + query.page_size
        rows = [tuple(row[at] for at in wanted) for row in found[begin:end]]
        complete = end >= len(found)
        return Page(rows, complete, None if complete else places[end - 1], snapshot, bytes_billed=0)


_THEN = datetime.fromisoformat("2026-11-25T11:59:00Z")
