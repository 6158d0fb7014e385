"""What DuckDB's errors mean to the roads: whose fault it is, and whether asking again can help."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from exposure.warehouse.port import (
    AnswerOutOfRange,
    WarehouseError,
    WarehouseMisconfigured,
    WarehouseUnavailable,
)

# A row's own fault: a missing value, one outside its column's range, one of another type.
ROW_ERRORS = (
    duckdb.DataError, duckdb.IntegrityError, pa.ArrowException, ValueError, TypeError, OverflowError,
)  # fmt: skip


def warehouse_error(error: duckdb.Error) -> WarehouseError:
    """Return the error of the port that DuckDB's error is."""
    if isinstance(error, duckdb.CatalogException | duckdb.BinderException):
        return WarehouseMisconfigured(f"DuckDB: {error}")
    if "Unknown TimeZone" in str(error):
        return WarehouseMisconfigured(f"DuckDB knows fewer time zones than this machine: {error}")
    if isinstance(error, duckdb.OutOfRangeException | duckdb.ConversionException):
        return AnswerOutOfRange(f"DuckDB: {error}")
    return WarehouseUnavailable(f"DuckDB: {error}")
