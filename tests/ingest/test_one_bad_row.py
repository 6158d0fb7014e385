"""What one bad row in a thousand costs, from the messages to the two tables, over BigQuery's own protocol."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from exposure.contracts.analytics_table import CONTRACT
from exposure.ingest.batch import BatchLimits
from exposure.ingest.outcome import Outcome
from exposure.ingest.pipeline import Pipeline
from exposure.warehouse.bigquery_writer import BigQueryWriter
from exposure.warehouse.schema import quarantine_table, rows_table
from fakes.bigquery_write import FakeBigQueryWrite
from fakes.messages import event, message
from fakes.write_faults import Judge

ROWS, QUARANTINE = rows_table(CONTRACT), quarantine_table(CONTRACT)
THOUSAND = [message(event(id=f"evt-{number}"), f"m-{number}") for number in range(1000)]


def _against(number: int) -> Judge:
    def reason(row: Mapping[str, object]) -> str:
        return "malformed" if row.get("id") == f"evt-{number}" else ""

    return Judge(reason)


async def _cost(server: FakeBigQueryWrite, bad: int) -> int:
    """Take in a thousand messages of which the table refuses one; return the appends that were not needed."""
    writer = BigQueryWriter("local", (ROWS, QUARANTINE), endpoint=server.address)
    pipeline = Pipeline(CONTRACT, writer, BatchLimits(rows=1000))
    before = server.appends, server.count(ROWS), server.count(QUARANTINE)
    outcomes = await pipeline.handle_all(THOUSAND)
    await writer.close()
    assert [at for at, outcome in enumerate(outcomes) if outcome is not Outcome.STORED] == [bad]
    assert outcomes[bad] is Outcome.QUARANTINED
    assert server.count(ROWS) - before[1] == 999
    assert server.count(QUARANTINE) - before[2] == 1
    assert server.rows(QUARANTINE)[-1][5] == f"m-{bad}"
    # Without the bad row it would be one append, and one for quarantine is owed to it.
    return server.appends - before[0] - 2


@pytest.mark.parametrize("bad", [0, 499, 500, 998, 999])
async def test_one_bad_row_of_a_thousand_that_is_named_costs_itself_and_two_appends_at_most(bad: int) -> None:
    async with FakeBigQueryWrite((ROWS, QUARANTINE)) as server:
        server.judge = _against(bad)
        assert await _cost(server, bad) <= 2


@pytest.mark.parametrize("ends_stream", [False, True])
@pytest.mark.parametrize("bad", [0, 1, 499, 500, 683, 998, 999])
async def test_one_bad_row_of_a_thousand_that_is_not_named_costs_itself_and_twelve_appends_at_most(
    bad: int, ends_stream: bool
) -> None:
    async with FakeBigQueryWrite((ROWS, QUARANTINE)) as server:
        server.judge = Judge(_against(bad).reason, named=0, ends_stream=ends_stream)
        assert await _cost(server, bad) <= 12
