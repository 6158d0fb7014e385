"""The port between the roads and the warehouse: `Writer` for ingest, `Reader` for the API.

They are two types because they are two identities in the cloud: one may append and not read, the other
may read and not write. Adapters are `DuckDB*` and `BigQuery*`; one conformance suite runs on both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from exposure.query.model import Query, Row
from exposure.warehouse.schema import Table


class WarehouseError(Exception):
    """Nothing was stored or read. The row or the question was not at fault."""


class WarehouseUnavailable(WarehouseError):
    """The warehouse is down, slow or out of quota: the same call may succeed later."""


class WarehouseMisconfigured(WarehouseError):
    """A table, a column or a permission is missing: it fails until a person mends the set-up."""


class QueryTooExpensive(WarehouseError):
    """The question would cost more than its byte cap; nothing was billed."""


@dataclass(frozen=True)
class Page:
    """One page of an answer.

    `rows` hold one value per column of `query.columns`, in that order, in the Python types listed at
    `exposure.contracts.types.Scalar`. `complete` is False when rows remain after the last one; `last`
    is then the position to go on from (`Query.after`). `as_of` is when the rows were read.
    """

    rows: Sequence[Row]
    complete: bool
    last: Row | None
    as_of: datetime
    bytes_billed: int


class Reader(Protocol):
    """Answers questions. May not write."""

    async def select(self, query: Query) -> Page:
        """Return one page, at most one row per key.

        Raises WarehouseUnavailable, WarehouseMisconfigured or QueryTooExpensive; never returns a part
        of an answer that looks whole.
        """

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
