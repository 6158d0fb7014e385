"""The port between the roads and the warehouse: `Writer` for ingest, `Reader` for the API.

They are two types because they are two identities in the cloud: one may append and not read, the other
may read and not write. Adapters are `DuckDB*` and `BigQuery*`; one conformance suite runs on both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from exposure.query.aggregate import Aggregation
from exposure.query.model import Query, Row, Snapshot
from exposure.warehouse.schema import Table

# Where rows are read unless an answer says otherwise, and an instance's own copy of a table's recent rows.
WAREHOUSE, REPLICA = "warehouse", "replica"


class WarehouseError(Exception):
    """Nothing was stored or read. The row or the question was not at fault."""


class Unavailability(StrEnum):
    """Why the warehouse does not answer.

    FAULT: it fails, or is not there. DEADLINE: the question took longer than it may. BUSY: we ask as much at
    a time as we may. RATE: too many questions in too little time. QUOTA: a quota of it is used up.
    """

    FAULT = "fault"
    DEADLINE = "deadline"
    BUSY = "busy"
    RATE = "rate"
    QUOTA = "quota"


class WarehouseUnavailable(WarehouseError):
    """The warehouse is down, slow or out of quota: the same call may succeed later.

    `retry_after` is how long asking again is in vain, None where that is not known.
    """

    def __init__(
        self,
        message: str = "",
        reason: Unavailability = Unavailability.FAULT,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after


class WarehouseMisconfigured(WarehouseError):
    """A table, a column or a permission is missing: it fails until a person mends the set-up."""


class SchemaDrifted(WarehouseMisconfigured):
    """A table is there and differs from its contract; the sentence names every difference."""


class QueryTooExpensive(WarehouseError):
    """The question would cost more than its byte cap; nothing was billed."""


class AnswerOutOfRange(WarehouseError):
    """A value of the answer, such as a sum, is greater than its type can hold: the question must change."""


class SnapshotExpired(WarehouseError):
    """The rows cannot be read as they were at that moment any more: the walk must begin again."""


@dataclass(frozen=True)
class Page:
    """One page of an answer.

    `rows` hold one value per column of `query.columns`, in that order, in the Python types listed at
    `exposure.contracts.types.Scalar`. `complete` is False when rows remain after the last one; `last`
    is then the position to go on from (`Query.after`). `snapshot` is what the rows were read at: that of the
    query, or of a first page the one to go on with; of a question for one key, which a page answers whole,
    it is only the moment. `tier` says where they were read.
    """

    rows: Sequence[Row]
    complete: bool
    last: Row | None
    snapshot: Snapshot
    bytes_billed: int
    tier: str = WAREHOUSE

    @property
    def as_of(self) -> datetime:
        """Return the moment whose rows these are, the same for every page of a walk."""
        return self.snapshot.at


@dataclass(frozen=True)
class Groups:
    """The groups of an answer.

    `rows` hold each group's values and then its measures, in the order of the question. A bucket is its
    beginning: a date, or an instant in UTC. `complete` is False when there are more groups than these.

    Of groups apart a row holds the number of its group, the value and the count, and `cut` holds the numbers
    of the groups that have more values than these.
    """

    rows: Sequence[Row]
    complete: bool
    as_of: datetime
    bytes_billed: int
    cut: frozenset[int] = frozenset()
    tier: str = WAREHOUSE


@dataclass(frozen=True)
class Plan:
    """What would be run: the statement's text, its parameters by name, and what is known of its cost.

    `bytes_estimated` is the most it would read, None when the warehouse does not say; `steps` is the
    warehouse's own description, empty when it gives none.
    """

    engine: str
    text: str
    parameters: Mapping[str, object]
    bytes_estimated: int | None
    steps: str = ""


class RowStream(Protocol):
    """Every row of an answer, part by part, as they were at one moment: what is stored later is not there.

    It is read in one way only, rows or batches, by one reader that asks for the next part when it has room
    for it. Reading raises WarehouseUnavailable or WarehouseMisconfigured when the rows end too early; that
    they have ended is said by an empty part alone.
    """

    @property
    def as_of(self) -> datetime:
        """Return when the rows were read."""

    @property
    def bytes_billed(self) -> int:
        """Return what the whole answer cost."""

    async def next_rows(self, most: int) -> Sequence[Row]:
        """Return at most that many of the next rows, as in `Page.rows`; none when there are no more."""

    async def next_batch(self) -> Any:
        """Return the next rows as a `pyarrow.RecordBatch` of `warehouse.arrow.readable_schema`, or None."""

    def close(self) -> None:
        """Give up what was not read; may be called at any time, more than once, and waits for nothing."""


class Reader(Protocol):
    """Answers questions. May not write."""

    async def select(self, query: Query) -> Page:
        """Return one page, at most one row per key.

        Raises WarehouseUnavailable, WarehouseMisconfigured, QueryTooExpensive or, of a query with a
        snapshot, SnapshotExpired; never returns a part of an answer that looks whole.
        """

    async def stream(self, query: Query) -> RowStream:
        """Return all rows the query means, whatever its `page_size` and `after`; no order when it has none.

        Raises as `select` does, WarehouseUnavailable also when as many streams are read as may be.
        """

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        """Return the groups, made of at most one row per key.

        Raises as `select` does, and AnswerOutOfRange.
        """

    async def estimate(self, counted: Aggregation) -> Groups:
        """Return about what `aggregate` would of a bare count of rows; rows stored twice may count twice.

        Without filters nothing is read. Raises as `select` does.
        """

    async def explain(self, question: Query | Aggregation) -> Plan:
        """Return what would be run; runs nothing and bills nothing. Raises as `select` does."""

    async def close(self) -> None:
        """Release connections and threads; waits for no query."""


class Writer(Protocol):
    """Stores rows. May not read."""

    async def append(self, table: Table, rows: Sequence[Row]) -> Mapping[int, str]:
        """Store rows durably; return the reason for each row the warehouse refused, by index.

        A row holds one value per column of `table.columns`, in that order. When this returns, every row
        not named in the answer is durable. At least once: a row may be stored twice when the warehouse
        failed in an ambiguous moment. Raises WarehouseUnavailable or WarehouseMisconfigured when nothing
        can be said of the rows; they must then be offered again.
        """

    async def ready(self) -> None:
        """Return when appends can be accepted; raise WarehouseError when they cannot."""

    async def close(self) -> None:
        """Finish appends in flight, then release connections and threads."""
