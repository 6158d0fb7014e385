"""Takes rows stored more than once out of a BigQuery table's old days. Nothing that is served changes.

Rows are appended at least once, and whoever reads them picks one per key; what is picked anyhow costs space
and bytes in each question. Of rows with the same key and event time, those the reader would not pick go. A
day is rewritten by one MERGE, which is done whole or not at all. Rows that arrive meanwhile stay, and those
that the Storage Write API has just written are rewritten as any others:
https://cloud.google.com/bigquery/docs/data-manipulation-language#dml-limitations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from google.cloud import bigquery

from exposure.contracts.model import Contract
from exposure.contracts.types import Scalar
from exposure.warehouse.bigquery_dialect import BigQueryDialect
from exposure.warehouse.bigquery_errors import FAILURES, warehouse_error
from exposure.warehouse.bigquery_values import query_parameter
from exposure.warehouse.bindings import Bindings
from exposure.warehouse.schema import Table, rows_table
from exposure.warehouse.sql import Statement


@dataclass(frozen=True)
class BigQueryCompactionLimits:
    """What one statement may take and bill; `patience` is how long a request is repeated that fails."""

    deadline: timedelta = timedelta(minutes=30)
    patience: timedelta = timedelta(seconds=30)
    max_bytes_billed: int = 100 * 2**30


@dataclass(frozen=True)
class StoredDay:
    """One day of event times in UTC: how many rows are stored, and how many of them are different ones."""

    day: date
    rows: int
    different: int

    @property
    def repeats(self) -> int:
        """Return how many rows are stored once more than they need to be."""
        return self.rows - self.different


class BigQueryCompaction:
    """The tables of the client's project; the client names the location and is closed with it.

    Every method raises WarehouseError. `bytes_billed` is what all statements so far have billed.
    """

    def __init__(self, client: bigquery.Client, limits: BigQueryCompactionLimits | None = None) -> None:
        self._client = client
        self._limits = limits or BigQueryCompactionLimits()
        self._dialect = BigQueryDialect(client.project)
        self.bytes_billed = 0

    def days(self, contract: Contract, since: date, until: date) -> Sequence[StoredDay]:
        """Return the days from `since` on and before `until` that have rows, the earliest first."""
        rows = self._run(_compile_days(contract, self._dialect, since, until), contract)
        return [StoredDay(row[0], row[1], row[2]) for row in rows]

    def compact(self, contract: Contract, day: date) -> None:
        """Let each row of a day be stored once."""
        self._run(_compile_compaction(contract, self._dialect, day), contract)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()  # type: ignore[no-untyped-call]

    def _run(self, statement: Statement, contract: Contract) -> Sequence[bigquery.Row]:
        seconds = self._limits.deadline.total_seconds()
        config = bigquery.QueryJobConfig(
            query_parameters=[query_parameter(one) for one in statement.parameters],
            maximum_bytes_billed=self._limits.max_bytes_billed,
            labels={"contract": contract.name, "endpoint": "compaction"},
        )
        config.job_timeout_ms = int(seconds * 1000)
        retry = bigquery.DEFAULT_RETRY.with_timeout(self._limits.patience.total_seconds())
        # What has begun is not begun again: whoever asked looks first at what it came to.
        again: Any = {"retry": retry, "job_retry": None}
        try:
            job = self._client.query(statement.text, job_config=config, **again)
            rows = list(job.result(timeout=seconds, **again))
        except FAILURES as error:
            raise warehouse_error(error) from error
        self.bytes_billed += job.total_bytes_billed or 0
        return rows


def _compile_days(contract: Contract, dialect: BigQueryDialect, since: date, until: date) -> Statement:
    table, bindings = rows_table(contract), Bindings()
    key, event_time = dialect.identifier(table.key), dialect.identifier(table.partitioned_by)
    text = (
        "SELECT `_day`, SUM(`_stored`), COUNT(*)\n"  # noqa: S608  # names are the contract's, values are bound
        f"FROM (\n  SELECT EXTRACT(DATE FROM {event_time}) AS `_day`, COUNT(*) AS `_stored`\n"
        f"  FROM {dialect.path(table)}\n  WHERE {_within(table, dialect, bindings, since, until)}\n"
        f"  GROUP BY `_day`, {key}, {event_time}\n)\nGROUP BY `_day`\nORDER BY `_day`"
    )
    return Statement(text, bindings.parameters)


def _compile_compaction(contract: Contract, dialect: BigQueryDialect, day: date) -> Statement:
    table, bindings = rows_table(contract), Bindings()
    path = dialect.path(table)
    within = _within(table, dialect, bindings, day, day + timedelta(days=1))
    text = (
        f"MERGE {path}\n"  # noqa: S608  # names are the contract's, values are bound
        # All columns, those that no contract declares too.
        f"USING (\n  SELECT *\n  FROM {path}\n  WHERE {within}\n"
        f"  QUALIFY {dialect.is_first_of(table.key, table.partitioned_by)}\n)\n"
        # No row meets another: all of the day go, and the first ones come again.
        "ON FALSE\n"
        "WHEN NOT MATCHED BY TARGET THEN INSERT ROW\n"
        f"WHEN NOT MATCHED BY SOURCE AND {within} THEN DELETE"
    )
    return Statement(text, bindings.parameters)


def _within(table: Table, dialect: BigQueryDialect, bindings: Bindings, since: date, until: date) -> str:
    event_time = dialect.identifier(table.partitioned_by)
    first, end = (
        dialect.placeholder(bindings.bind(Scalar.TIMESTAMP, datetime.combine(day, time(), UTC), name=name))
        for name, day in (("since", since), ("until", until))
    )
    return f"{event_time} >= {first} AND {event_time} < {end}"
