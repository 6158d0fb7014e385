"""What each answer of BigQuery means, without a connection."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.cloud.bigquery_storage_v1.types import storage

from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.write_outcome import Verdict, WriteOutcome, of_answer, of_end, warehouse_error
from fakes.write_answers import error, row_errors, status, stored

Code = grpc.StatusCode
Storage = storage.StorageError.StorageErrorCode
BY_STATUS = {
    Code.ABORTED: Verdict.LOST,
    Code.UNAVAILABLE: Verdict.LOST,
    Code.CANCELLED: Verdict.LOST,
    Code.INTERNAL: Verdict.LOST,
    Code.DEADLINE_EXCEEDED: Verdict.LOST,
    Code.UNKNOWN: Verdict.LOST,
    Code.DATA_LOSS: Verdict.LOST,
    Code.ALREADY_EXISTS: Verdict.LOST,
    Code.RESOURCE_EXHAUSTED: Verdict.THROTTLED,
    Code.INVALID_ARGUMENT: Verdict.ROWS_UNNAMED,
    Code.OUT_OF_RANGE: Verdict.ROWS_UNNAMED,
    Code.NOT_FOUND: Verdict.MISCONFIGURED,
    Code.PERMISSION_DENIED: Verdict.MISCONFIGURED,
    Code.UNAUTHENTICATED: Verdict.MISCONFIGURED,
    Code.FAILED_PRECONDITION: Verdict.MISCONFIGURED,
    Code.UNIMPLEMENTED: Verdict.MISCONFIGURED,
}
BY_STORAGE_ERROR = {
    Storage.SCHEMA_MISMATCH_EXTRA_FIELDS: Verdict.SCHEMA_BEHIND,
    Storage.KMS_SERVICE_ERROR: Verdict.LOST,
    Storage.KMS_PERMISSION_DENIED: Verdict.MISCONFIGURED,
    Storage.TABLE_NOT_FOUND: Verdict.MISCONFIGURED,
    Storage.STREAM_FINALIZED: Verdict.ROWS_UNNAMED,
}


def test_a_result_means_that_the_rows_are_durable() -> None:
    assert of_answer(stored("path"), 3) == WriteOutcome(Verdict.DURABLE)


def test_a_result_with_another_schema_is_durable_and_says_so() -> None:
    answer = stored("path")
    answer.updated_schema.fields.add(name="added")
    assert of_answer(answer, 3) == WriteOutcome(Verdict.DURABLE, schema_changed=True)


def test_named_rows_are_named_with_their_messages() -> None:
    outcome = of_answer(row_errors({0: "no currency", 2: ""}), 3)
    assert outcome.verdict is Verdict.ROWS_NAMED
    assert outcome.rows == {0: "no currency", 2: "BigQuery gave no reason"}


def test_named_rows_the_request_did_not_have_are_not_believed() -> None:
    assert of_answer(row_errors({3: "?", -1: "?"}), 3).verdict is Verdict.ROWS_UNNAMED
    assert of_answer(row_errors({1: "no", 3: "?"}), 3).rows == {1: "no"}


def test_row_errors_beside_a_result_claim_nothing() -> None:
    answer = stored("path")
    answer.row_errors.add(index=1, message="no")
    assert of_answer(answer, 3).rows == {1: "no"}
    answer = stored("path")
    answer.row_errors.add(index=9, message="no")
    assert of_answer(answer, 3).verdict is Verdict.LOST


@pytest.mark.parametrize("answer", [storage.AppendRowsResponse.pb()(), error(Code.OK, "")])
def test_an_answer_that_says_nothing_claims_nothing(answer: Any) -> None:
    assert of_answer(answer, 3).verdict is Verdict.LOST


@pytest.mark.parametrize("code", BY_STATUS)
def test_an_error_and_the_end_of_a_stream_with_one_status_mean_the_same(code: grpc.StatusCode) -> None:
    assert of_answer(error(code, "why"), 3) == WriteOutcome(BY_STATUS[code], f"{code.name}: why")
    assert of_end(code, "why") == WriteOutcome(BY_STATUS[code], f"{code.name}: why")


@pytest.mark.parametrize("storage_error", BY_STORAGE_ERROR)
def test_a_storage_error_says_more_than_its_status(storage_error: Any) -> None:
    verdict = BY_STORAGE_ERROR[storage_error]
    made = status(Code.INVALID_ARGUMENT, "why", int(storage_error))
    trailers = [("other", "text"), ("grpc-status-details-bin", made.SerializeToString())]
    assert of_answer(error(Code.INVALID_ARGUMENT, "why", int(storage_error)), 3).verdict is verdict
    assert of_end(Code.INVALID_ARGUMENT, "why", trailers).verdict is verdict


def test_a_status_nobody_knows_is_no_verdict_on_the_rows() -> None:
    answer = error(Code.OK, "from the future")
    answer.error.code = 4711
    assert of_answer(answer, 3) == WriteOutcome(Verdict.LOST, "UNKNOWN: from the future")


def test_a_stream_that_ends_without_an_error_left_its_requests_unanswered() -> None:
    assert of_end(Code.OK, None) == WriteOutcome(Verdict.LOST, "OK: the server ended the stream")


@pytest.mark.parametrize("verdict", Verdict)
def test_only_a_wrong_setup_is_called_one(verdict: Verdict) -> None:
    made = warehouse_error(WriteOutcome(verdict, "why"), "here")
    is_setup = verdict in (Verdict.MISCONFIGURED, Verdict.SCHEMA_BEHIND)
    assert type(made) is (WarehouseMisconfigured if is_setup else WarehouseUnavailable)
    assert str(made) == "BigQuery: here: why"
