"""Reads quarantines out of BigQuery, for a person at a terminal. May not write.

One query a question, bounded in time and in bytes billed; a long answer is fetched page by page while it is
read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from google.cloud import bigquery

from exposure.contracts.model import Contract
from exposure.warehouse.bigquery_dialect import BigQueryDialect
from exposure.warehouse.bigquery_errors import FAILURES, warehouse_error
from exposure.warehouse.bigquery_values import query_parameter
from exposure.warehouse.quarantine import (
    Position,
    QuarantineCount,
    Quarantined,
    Selection,
    compile_counts,
    compile_selection,
    quarantined,
)
from exposure.warehouse.sql import Statement

_FETCHED_ROWS = 500


@dataclass(frozen=True)
class BigQueryQuarantineLimits:
    """What one question may take and bill."""

    deadline: timedelta = timedelta(minutes=2)
    max_bytes_billed: int = 10 * 2**30


class BigQueryQuarantine:
    """The quarantines of the client's project; the client names the location and is closed with it."""

    def __init__(self, client: bigquery.Client, limits: BigQueryQuarantineLimits | None = None) -> None:
        self._client = client
        self._limits = limits or BigQueryQuarantineLimits()
        self._dialect = BigQueryDialect(client.project)

    def select(
        self, contract: Contract, selection: Selection, after: Position | None = None, most: int | None = None
    ) -> Iterator[Quarantined]:
        """Yield the messages, the earliest first; see `QuarantineReader`."""
        statement = compile_selection(contract, selection, self._dialect, after, most)
        for row in self._ask(statement, contract):
            yield quarantined(row)

    def count(self, contract: Contract, selection: Selection) -> Sequence[QuarantineCount]:
        """Return the counts; see `QuarantineReader`."""
        statement = compile_counts(contract, selection, self._dialect)
        return [QuarantineCount(*row) for row in self._ask(statement, contract)]

    def close(self) -> None:
        """Close the connections."""
        self._client.close()  # type: ignore[no-untyped-call]

    def _ask(self, statement: Statement, contract: Contract) -> Iterator[tuple[Any, ...]]:
        seconds = self._limits.deadline.total_seconds()
        config = bigquery.QueryJobConfig(
            query_parameters=[query_parameter(one) for one in statement.parameters],
            maximum_bytes_billed=self._limits.max_bytes_billed,
            labels={"contract": contract.name, "endpoint": "quarantine"},
        )
        config.job_timeout_ms = int(seconds * 1000)
        try:
            found = self._client.query_and_wait(
                statement.text,
                job_config=config,
                location=self._client.location,
                api_timeout=seconds,
                wait_timeout=seconds,
                retry=bigquery.DEFAULT_RETRY.with_timeout(seconds),
                job_retry=None,  # type: ignore[arg-type]  # documented as "no retries of jobs"
                page_size=_FETCHED_ROWS,
            )
            for row in found:
                yield tuple(row[index] for index in range(len(found.schema)))
        except FAILURES as error:
            raise warehouse_error(error) from error
