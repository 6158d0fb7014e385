"""What BigQuery's answers to an append mean: a closed set, decided here and acted on in `write_stream`.

Pure: no connection, no clock. Codes: https://cloud.google.com/bigquery/docs/write-api and the comments of
`AppendRowsResponse` and `StorageError` in google/cloud/bigquery/storage/v1/storage.proto.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import grpc
from google.cloud.bigquery_storage_v1.types import storage
from google.rpc import status_pb2  # type: ignore[import-untyped]

from exposure.warehouse.port import (
    SchemaDrifted,
    WarehouseError,
    WarehouseMisconfigured,
    WarehouseUnavailable,
)

STATUS_DETAILS = "grpc-status-details-bin"
_NO_REASON = "BigQuery gave no reason"
_SERVER_ENDED = "the server ended the stream"


class Verdict(Enum):
    """What became of the rows of one request."""

    DURABLE = "all rows are stored"
    ROWS_NAMED = "nothing is stored; rows at fault are named, perhaps not all of them"
    ROWS_UNNAMED = "nothing is stored; some row is at fault and none is named"
    SCHEMA_BEHIND = "nothing is stored; the service does not know a column yet, or the table lacks it"
    LOST = "stored or not, nobody knows; the same request may succeed on a new connection"
    THROTTLED = "nothing is stored; a quota is used up"
    MISCONFIGURED = "nothing is stored, and nothing will be until a person mends the set-up"


@dataclass(frozen=True)
class WriteOutcome:
    """A verdict and its reason. `rows` are the named rows' reasons, by index within the request.

    `schema_changed` says that the table's schema is newer than the connection, `drifted` that the table is
    not the contract's.
    """

    verdict: Verdict
    reason: str = ""
    rows: Mapping[int, str] = field(default_factory=dict)
    schema_changed: bool = False
    drifted: bool = False


_BY_STATUS: dict[grpc.StatusCode, Verdict] = {
    grpc.StatusCode.RESOURCE_EXHAUSTED: Verdict.THROTTLED,
    grpc.StatusCode.INVALID_ARGUMENT: Verdict.ROWS_UNNAMED,
    grpc.StatusCode.OUT_OF_RANGE: Verdict.ROWS_UNNAMED,
    grpc.StatusCode.NOT_FOUND: Verdict.MISCONFIGURED,
    grpc.StatusCode.PERMISSION_DENIED: Verdict.MISCONFIGURED,
    grpc.StatusCode.UNAUTHENTICATED: Verdict.MISCONFIGURED,
    grpc.StatusCode.FAILED_PRECONDITION: Verdict.MISCONFIGURED,
    grpc.StatusCode.UNIMPLEMENTED: Verdict.MISCONFIGURED,
}
# A storage error says more than the status it travels in.
_STORAGE = storage.StorageError.StorageErrorCode
_BY_STORAGE_ERROR: dict[int, Verdict] = {
    _STORAGE.SCHEMA_MISMATCH_EXTRA_FIELDS: Verdict.SCHEMA_BEHIND,
    _STORAGE.KMS_SERVICE_ERROR: Verdict.LOST,
    _STORAGE.TABLE_NOT_FOUND: Verdict.MISCONFIGURED,
    _STORAGE.STREAM_NOT_FOUND: Verdict.MISCONFIGURED,
    _STORAGE.CMEK_NOT_PROVIDED: Verdict.MISCONFIGURED,
    _STORAGE.INVALID_CMEK_PROVIDED: Verdict.MISCONFIGURED,
    _STORAGE.CMEK_ENCRYPTION_ERROR: Verdict.MISCONFIGURED,
    _STORAGE.KMS_PERMISSION_DENIED: Verdict.MISCONFIGURED,
}
_STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}
_MISCONFIGURED = (Verdict.MISCONFIGURED, Verdict.SCHEMA_BEHIND)


def of_answer(answer: Any, rows: int) -> WriteOutcome:
    """Return what an `AppendRowsResponse` (the raw message) to a request of so many rows means."""
    named = {
        error.index: error.message or _NO_REASON for error in answer.row_errors if 0 <= error.index < rows
    }
    if named:
        return WriteOutcome(Verdict.ROWS_NAMED, answer.error.message, named)
    if answer.HasField("error") and answer.error.code:
        return _of_status(answer.error)
    if answer.HasField("append_result") and not answer.row_errors:
        return WriteOutcome(Verdict.DURABLE, schema_changed=answer.HasField("updated_schema"))
    # Neither a result nor a usable error: claiming the rows would be a guess, sending them again is not.
    return WriteOutcome(Verdict.LOST, "the answer held neither a result nor an error")


def of_end(
    code: grpc.StatusCode, message: str | None, trailers: Iterable[tuple[str, Any]] = ()
) -> WriteOutcome:
    """Return what the end of a call with this status means for the requests it left unanswered."""
    for key, value in trailers:
        if key == STATUS_DETAILS:
            status = status_pb2.Status.FromString(value)
            return _of_status(status)
    return WriteOutcome(_BY_STATUS.get(code, Verdict.LOST), f"{code.name}: {message or _SERVER_ENDED}")


def warehouse_error(outcome: WriteOutcome, where: str) -> WarehouseError:
    """Return the error of the port for a request that could not be made durable."""
    kind: type[WarehouseError] = WarehouseUnavailable
    if outcome.verdict in _MISCONFIGURED:
        kind = SchemaDrifted if outcome.drifted else WarehouseMisconfigured
    return kind(f"BigQuery: {where}: {outcome.reason or outcome.verdict.value}")


def _of_status(status: Any) -> WriteOutcome:
    code = _STATUS_CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    reason = f"{code.name}: {status.message or _NO_REASON}"
    for detail in status.details:
        error = storage.StorageError.pb()()
        if detail.Unpack(error) and error.code in _BY_STORAGE_ERROR:
            return WriteOutcome(_BY_STORAGE_ERROR[error.code], f"{reason} ({_STORAGE(error.code).name})")
    return WriteOutcome(_BY_STATUS.get(code, Verdict.LOST), reason)
