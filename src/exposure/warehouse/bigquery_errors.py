"""What BigQuery's errors mean to a reader: whose fault it is, and whether asking again can help.

Reasons: https://cloud.google.com/bigquery/docs/error-messages. Quotas answer with HTTP 403, so the reason
is looked at before the status.
"""

from __future__ import annotations

import concurrent.futures
import re
from collections.abc import Iterator
from datetime import timedelta

import requests.exceptions
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError

from exposure.warehouse.bigquery_calls import NobodyWaits
from exposure.warehouse.port import (
    AnswerOutOfRange,
    QueryTooExpensive,
    SnapshotExpired,
    Unavailability,
    WarehouseError,
    WarehouseMisconfigured,
    WarehouseUnavailable,
)

# Everything a call of the client may raise when the service, the network or the set-up is at fault.
FAILURES = (
    GoogleAPICallError, RetryError, GoogleAuthError, requests.exceptions.RequestException,
    concurrent.futures.TimeoutError, ConnectionError, NobodyWaits,
)  # fmt: skip
# Of these the service may be well: its answer did not come by the deadline.
_LATE = (requests.exceptions.Timeout, concurrent.futures.TimeoutError, NobodyWaits)
# https://cloud.google.com/bigquery/docs/troubleshoot-quotas: a rate passes in seconds, a quota does not.
_RATE_PASSES, _QUOTA_PASSES = timedelta(seconds=2), timedelta(minutes=10)
_RATE = ("rateLimitExceeded", "jobRateLimitExceeded")
_QUOTA = ("quotaExceeded",)
_FAULT = (
    "backendError", "internalError", "badGateway", "jobBackendError", "jobInternalError", "resourcesExceeded",
    "tableUnavailable", "stopped", "timeout",
)  # fmt: skip
_OUT_OF_RANGE = re.compile(r"(over|under)flow|out of (allowed )?range", re.IGNORECASE)
_NO_SNAPSHOT = re.compile(r"invalid snapshot time|cannot read before", re.IGNORECASE)
_TRY_LATER = (408, 429)


def warehouse_error(error: Exception) -> WarehouseError:
    """Return the error of the port that one of FAILURES is."""
    if isinstance(error, RetryError) and isinstance(error.cause, GoogleAPICallError):
        error = error.cause
    if isinstance(error, GoogleAPICallError):
        return _of_call(error)
    if isinstance(error, GoogleAuthError) and not error.retryable:
        return WarehouseMisconfigured(f"BigQuery: the credentials do not work: {error}")
    is_late = isinstance(error, _LATE) and not isinstance(error, requests.exceptions.ConnectionError)
    reason = Unavailability.DEADLINE if is_late else Unavailability.FAULT
    return WarehouseUnavailable(f"BigQuery: {type(error).__name__}: {error}", reason)


def _of_call(error: GoogleAPICallError) -> WarehouseError:
    for reason in _reasons(error):
        known = _of_reason(reason, f"BigQuery: {reason}: {error.message}")
        if known is not None:
            return known
        # The SQL is our own, so a value that fits no type can only be one of the answer: a sum, a date.
        if reason == "invalidQuery" and _OUT_OF_RANGE.search(error.message or ""):
            return AnswerOutOfRange(f"BigQuery: {error.message}")
    if _NO_SNAPSHOT.search(error.message or ""):
        return SnapshotExpired(f"BigQuery: {error.message}")
    status = int(error.code or 500)
    kind = WarehouseUnavailable if status >= 500 or status in _TRY_LATER else WarehouseMisconfigured
    return kind(f"BigQuery: {error.message}")


def _of_reason(reason: str, message: str) -> WarehouseError | None:
    if reason == "bytesBilledLimitExceeded":
        return QueryTooExpensive(message)
    if reason in _RATE:
        return WarehouseUnavailable(message, Unavailability.RATE, _RATE_PASSES)
    if reason in _QUOTA:
        return WarehouseUnavailable(message, Unavailability.QUOTA, _QUOTA_PASSES)
    return WarehouseUnavailable(message) if reason in _FAULT else None


def _reasons(error: GoogleAPICallError) -> Iterator[str]:
    for detail in error.errors:
        if isinstance(detail, dict) and isinstance(detail.get("reason"), str):
            yield detail["reason"]
