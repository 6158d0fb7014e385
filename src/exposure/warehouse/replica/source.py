"""Where a replica's rows come from: every stored row of a span of event times, as Arrow.

The rows come as they are stored, a key's several times if it is: which of them counts is decided by who holds
them (`exposure.warehouse.replica.first_stored`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from exposure.contracts.model import INGEST_TIME, Contract
from exposure.query.canaries import without_canaries
from exposure.query.model import Filter, Operator, Query, Snapshot
from exposure.warehouse.duckdb_values import unzoned_schema
from exposure.warehouse.port import Reader, RowStream


class StoredRows(Protocol):
    """Reads rows as they are stored. May not write."""

    async def newest(self, contract: Contract) -> Snapshot:
        """Return the newest moment the contract's table can be read at; raises as `Reader.select` does."""

    async def stored(self, query: Query) -> RowStream:
        """Return every stored row that meets the filters, in no order; raises as `Reader.stream` does."""


class Warehouse(Reader, StoredRows, Protocol):
    """What both adapters are: a reader and a source."""


class TooManyRows(Exception):
    """The rows take more memory than they may."""


@dataclass(frozen=True)
class ReadRows:
    """Rows of all stored columns, instants without their zone, and the moment they were read at."""

    rows: pa.Table
    moment: Snapshot


def stored_query(contract: Contract, since: datetime | None, ingested_after: datetime | None = None) -> Query:
    """Return the question for rows with an event time from `since` on; None bounds nothing.

    Canaries are not among them: hardly anybody asks for one, and nobody else has to look past them.
    """
    filters = []
    if since is not None:
        filters.append(Filter(contract.column(contract.event_time), Operator.GTE, since))
    if ingested_after is not None:
        filters.append(Filter(INGEST_TIME, Operator.GT, ingested_after))
    return without_canaries(Query(contract, contract.stored_columns, tuple(filters), (), 1))


async def read_all(source: StoredRows, query: Query, most_bytes: int) -> ReadRows:
    """Return every row of the newest moment; raises TooManyRows, and WarehouseError as the source does."""
    moment = await source.newest(query.contract)
    stream = await source.stored(replace(query, snapshot=moment))
    try:
        schema = unzoned_schema(query.columns)
        batches, size = [], 0
        while (batch := await stream.next_batch()) is not None:
            size += batch.nbytes
            if size > most_bytes:
                raise TooManyRows(f"the rows of {query.contract.name} take more than {most_bytes} bytes")
            batches.append(batch)
        return ReadRows(_unzoned(batches, schema), moment)
    finally:
        stream.close()


def _unzoned(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    parts = [
        pa.RecordBatch.from_arrays(
            [column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True)],
            schema=schema,
        )
        for batch in batches
    ]
    return pa.Table.from_batches(parts, schema)
