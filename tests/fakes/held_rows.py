"""Rows of the contract `orders` as a replica's table is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from exposure.contracts import orders
from exposure.query.model import Row
from exposure.warehouse.arrow import record_batch
from exposure.warehouse.duckdb_values import unzoned_schema


def held_rows(rows: Sequence[Row]) -> pa.Table:
    """Return the rows, whose instants lose their zone."""
    schema = unzoned_schema(orders.CONTRACT.stored_columns)
    return pa.Table.from_batches([record_batch(schema, [_unzoned(row) for row in rows])])


def _unzoned(row: Row) -> Row:
    return tuple(value.replace(tzinfo=None) if isinstance(value, datetime) else value for value in row)
