"""What BigQuery says without running anything: how many rows a table stores, what a statement would read."""

from __future__ import annotations

from google.cloud import bigquery

from exposure.warehouse.bigquery_errors import FAILURES, warehouse_error
from exposure.warehouse.port import Plan
from exposure.warehouse.schema import Table
from exposure.warehouse.sql import Statement

ENGINE = "bigquery"


def table_path(table: Table, project: str) -> str:
    """Return the table's name as the REST API takes it."""
    return f"{project}.{table.dataset}.{table.name}"


def stored_rows(client: bigquery.Client, path: str, seconds: float) -> int:
    """Return about how many rows the table stores, those on their way into it included.

    Rows are counted as stored, a key's several times if it is. Raises WarehouseError.
    """
    retry = bigquery.DEFAULT_RETRY.with_timeout(seconds)
    try:
        table = client.get_table(path, retry=retry, timeout=seconds)
    except FAILURES as error:
        raise warehouse_error(error) from error
    # numRows leaves out the buffer: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables
    buffer = table.streaming_buffer
    return int(table.num_rows or 0) + int((buffer.estimated_rows if buffer else 0) or 0)


def dry_run(
    client: bigquery.Client, statement: Statement, config: bigquery.QueryJobConfig, seconds: float
) -> Plan:
    """Return the plan of a statement that is not run: free of charge, and an upper bound of its bytes.

    Of clustered tables less may be read. https://cloud.google.com/bigquery/docs/running-queries#dry-run
    Raises WarehouseError.
    """
    config.dry_run = True
    # A cached result would be reported as nothing to read.
    config.use_query_cache = False
    try:
        job = client.query(
            statement.text,
            job_config=config,
            location=client.location,
            retry=bigquery.DEFAULT_RETRY.with_timeout(seconds),
            timeout=seconds,
            job_retry=None,
        )
    except FAILURES as error:
        raise warehouse_error(error) from error
    parameters = {one.name: one.value for one in statement.parameters}
    return Plan(ENGINE, statement.text, parameters, job.total_bytes_processed)
