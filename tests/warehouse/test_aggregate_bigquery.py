"""What the BigQuery reader asks of the service for groups, estimates and explanations."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from exposure.contracts import analytics_table
from exposure.query.aggregate import Aggregation
from exposure.query.aggregate_parse import count_rows
from exposure.warehouse.bigquery_reader import BigQueryReader, BigQueryReaderLimits
from exposure.warehouse.port import (
    AnswerOutOfRange,
    QueryTooExpensive,
    WarehouseMisconfigured,
    WarehouseUnavailable,
)
from fakes.asking import ask_groups
from fakes.bigquery_rest import Answer, BigQueryRest, Json, refusal, result
from fakes.house import rest_reader
from fakes.questions import ask
from fakes.rows import NOON

CONTRACT = analytics_table.CONTRACT
MIB = 2**20
DAYS = [{"name": "g0", "type": "DATE"}, {"name": "m0", "type": "INTEGER"}]
TABLE: Json = {
    "kind": "bigquery#table",
    "tableReference": {
        "projectId": "some-project",
        "datasetId": "analytics_dataset",
        "tableId": "analytics_table",
    },
    "numRows": "41",
}
DRY_RUN: Json = {
    "kind": "bigquery#job",
    "jobReference": {"projectId": "some-project", "location": "EU"},
    "configuration": {"jobType": "QUERY", "dryRun": True, "query": {"query": "SELECT 1"}},
    "status": {"state": "DONE"},
    "statistics": {"totalBytesProcessed": "123456", "query": {"totalBytesProcessed": "123456"}},
}


def asked(question: str) -> Aggregation:
    return ask_groups(question, CONTRACT)


async def test_a_question_about_groups_is_bounded_and_says_for_whom_it_is_billed(rest: BigQueryRest) -> None:
    limits = BigQueryReaderLimits(timedelta(seconds=5), max_bytes_billed=20 * MIB, threads=1)
    reader = rest_reader(rest, limits)
    rest.script("POST queries", result(DAYS, [["2026-11-25", "3"]], totalBytesProcessed="1"))
    groups = await reader.aggregate(asked("group=timestamp:day&timezone=Europe/Madrid"))
    assert groups.rows == [(datetime(2026, 11, 24, 23, tzinfo=UTC), 3)]
    assert (groups.complete, groups.as_of, groups.bytes_billed) == (True, NOON, 10 * MIB)
    [request] = rest.requests
    assert request.body["maximumBytesBilled"] == str(20 * MIB)
    assert request.body["labels"] == {"contract": "analytics_table", "endpoint": "aggregate"}
    assert request.body["jobCreationMode"] == "JOB_CREATION_OPTIONAL"
    assert 2000 < request.body["timeoutMs"] < 3000
    names = {one["name"]: one["parameterType"]["type"] for one in request.body["queryParameters"]}
    assert names == {"timezone": "STRING", "group_rows": "INT64"}
    await reader.close()


async def test_groups_that_do_not_all_arrive_are_none(rest: BigQueryRest, reader: BigQueryReader) -> None:
    rest.script("POST queries", result(DAYS, [["2026-11-25", "3"]], totalRows="2", pageToken=None))
    with pytest.raises(WarehouseUnavailable):
        await reader.aggregate(asked("group=timestamp:day"))


@pytest.mark.parametrize(
    "message",
    [
        "integer overflow in aggregation: SUM(INT64)", "numeric overflow: 1 + 2", "Double overflow: 1e308",
        "DATE_SUB result is out of range", "Timestamp is out of range",
    ],
)  # fmt: skip
async def test_a_value_bigquery_has_no_room_for_is_the_questions_fault(
    rest: BigQueryRest, reader: BigQueryReader, message: str
) -> None:
    rest.script("POST queries", refusal(400, "invalidQuery", message))
    with pytest.raises(AnswerOutOfRange):
        await reader.aggregate(asked("measures=count"))


async def test_any_other_invalid_query_is_our_own_fault(rest: BigQueryRest, reader: BigQueryReader) -> None:
    rest.script("POST queries", refusal(400, "invalidQuery", "Unrecognized name: m7"))
    with pytest.raises(WarehouseMisconfigured):
        await reader.aggregate(asked("measures=count"))


async def test_an_estimate_of_all_rows_is_what_the_table_says_and_bills_nothing(
    rest: BigQueryRest, reader: BigQueryReader
) -> None:
    rest.script("GET analytics_table", Answer(TABLE))
    groups = await reader.estimate(count_rows(asked("")))
    assert (groups.rows, groups.bytes_billed, groups.as_of) == ([(41,)], 0, NOON)
    assert [one.method for one in rest.requests] == ["GET"]


async def test_an_estimate_counts_the_rows_on_their_way_into_the_table(
    rest: BigQueryRest, reader: BigQueryReader
) -> None:
    buffer = {"estimatedRows": "9", "estimatedBytes": "1", "oldestEntryTime": "1"}
    rest.script("GET analytics_table", Answer(TABLE | {"streamingBuffer": buffer}))
    assert (await reader.estimate(count_rows(asked("")))).rows == [(50,)]


async def test_an_estimate_under_filters_counts_stored_rows(
    rest: BigQueryRest, reader: BigQueryReader
) -> None:
    rest.script("POST queries", result([{"name": "m0", "type": "INTEGER"}], [["7"]]))
    groups = await reader.estimate(count_rows(asked("timestamp.gte=2026-01-01T00:00:00Z")))
    assert groups.rows == [(7,)]
    assert "QUALIFY" not in rest.requests[0].body["query"]


async def test_a_table_that_cannot_be_looked_at_has_no_estimate(
    rest: BigQueryRest, reader: BigQueryReader
) -> None:
    rest.script("GET analytics_table", refusal(403, "accessDenied"))
    with pytest.raises(WarehouseMisconfigured):
        await reader.estimate(count_rows(asked("")))


async def test_an_explanation_is_a_dry_run_that_no_cache_answers(
    rest: BigQueryRest, reader: BigQueryReader
) -> None:
    rest.script("POST jobs", Answer(DRY_RUN))
    for question in (asked("group=timestamp:day&id.eq=a"), ask(CONTRACT, ("id", "eq", "a"))):
        plan = await reader.explain(question)
        assert (plan.engine, plan.bytes_estimated, plan.steps) == ("bigquery", 123456, "")
        assert "a" in plan.parameters.values()
        configuration = rest.requests[-1].body["configuration"]
        assert configuration["dryRun"] is True
        assert configuration["query"]["query"] == plan.text
        assert configuration["query"]["useQueryCache"] is False
        assert configuration["labels"] == {"contract": "analytics_table", "endpoint": "explain"}
    assert [one.method for one in rest.requests] == ["POST", "POST"]


async def test_a_question_that_may_not_be_run_may_not_be_explained(
    rest: BigQueryRest, reader: BigQueryReader
) -> None:
    rest.script("POST jobs", refusal(400, "bytesBilledLimitExceeded"))
    with pytest.raises(QueryTooExpensive):
        await reader.explain(asked("measures=count"))


async def test_labels_of_dates_arrive_as_dates(rest: BigQueryRest, reader: BigQueryReader) -> None:
    rest.script("POST queries", result(DAYS, [[None, "1"], ["2026-11-25", "3"]]))
    groups = await reader.aggregate(asked("group=timestamp:day"))
    assert groups.rows == [(None, 1), (datetime(2026, 11, 25, tzinfo=UTC), 3)]
    assert date(2026, 11, 25) not in groups.rows[1]
