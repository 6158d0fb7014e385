"""Answers of the Storage Write API as raw messages, and the check of rows against a table's columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc
import pyarrow as pa
from google.cloud.bigquery_storage_v1.types import storage
from google.rpc import code_pb2, status_pb2  # type: ignore[import-untyped]

SCHEMA_MISMATCH = int(storage.StorageError.StorageErrorCode.SCHEMA_MISMATCH_EXTRA_FIELDS)


def stored(path: str) -> Any:
    """Return the answer to a request whose rows are stored."""
    answer = storage.AppendRowsResponse.pb()()
    answer.append_result.SetInParent()
    answer.write_stream = path
    return answer


def status(code: grpc.StatusCode, message: str, storage_error: int = 0) -> Any:
    """Return a google.rpc.Status, with a StorageError among its details when one is given."""
    made = status_pb2.Status(code=code_pb2.Code.Value(code.name), message=message)
    if storage_error:
        detail = storage.StorageError.pb()(code=storage_error, error_message=message)
        made.details.add().Pack(detail)
    return made


def row_errors(reasons: Mapping[int, str]) -> Any:
    """Return the answer that names rows, by index, with their reasons."""
    answer = storage.AppendRowsResponse.pb()()
    answer.error.CopyFrom(status(grpc.StatusCode.INVALID_ARGUMENT, f"{len(reasons)} rows are malformed"))
    for index, reason in reasons.items():
        answer.row_errors.add(index=index, code=1, message=reason)
    return answer


def error(code: grpc.StatusCode, message: str, storage_error: int = 0) -> Any:
    """Return the answer that refuses a request as a whole."""
    answer = storage.AppendRowsResponse.pb()()
    answer.error.CopyFrom(status(code, message, storage_error))
    return answer


def check_columns(batch: pa.RecordBatch, columns: pa.Schema) -> Any:
    """Return the error of rows that do not fit the table; None when they do."""
    unknown = set(batch.schema.names) - set(columns.names)
    if unknown:
        message = f"unknown columns {sorted(unknown)}"
        return error(grpc.StatusCode.INVALID_ARGUMENT, message, SCHEMA_MISMATCH)
    missing: dict[int, str] = {}
    for field in columns:
        at = batch.schema.get_field_index(field.name)
        if at < 0 and not field.nullable:
            return error(grpc.StatusCode.INVALID_ARGUMENT, f"no column {field.name}")
        if at >= 0 and batch.schema.field(at).type != field.type:
            return error(grpc.StatusCode.INVALID_ARGUMENT, f"column {field.name} has another type")
        if at >= 0 and not field.nullable and batch.column(at).null_count:
            missing |= _null_rows(batch, at, field.name)
    return row_errors(missing) if missing else None


def _null_rows(batch: pa.RecordBatch, at: int, name: str) -> Mapping[int, str]:
    nulls = batch.column(at).is_null().to_pylist()
    return {row: f"{name} is required" for row, is_null in enumerate(nulls) if is_null}
