"""Which moment BigQuery is asked for, and what becomes of a walk whose moment it does not keep any more."""

from __future__ import annotations

import dataclasses
from datetime import timedelta, timezone

import pytest

from exposure.contracts import analytics_table
from exposure.query.aggregate_parse import count_rows
from exposure.query.model import Snapshot
from exposure.warehouse.bigquery_reader import BigQueryReader
from exposure.warehouse.port import SnapshotExpired, WarehouseUnavailable
from fakes.bigquery_rest import Answer, BigQueryRest, job, refusal, result
from fakes.questions import ask
from fakes.rows import NOON

CONTRACT = analytics_table.CONTRACT
ID = [{"name": "_0", "type": "STRING"}, {"name": "_1", "type": "STRING"}]
COUNT = [{"name": "m0", "type": "INTEGER"}]
IDS = ask(CONTRACT, select="id", page_size=1)
ONE = ask(CONTRACT, ("id", "eq", "a"), select="id", page_size=1)
A_SECOND_AGO = Snapshot(NOON - timedelta(seconds=1))
# As BigQuery words it; the numbers are milliseconds since 1970.
TOO_EARLY = (
    "Invalid snapshot time 1763000000000 for table "
    "some-project:analytics_dataset.analytics_table@1763000000000. Cannot read before 1763600000000."
)


async def test_a_first_page_is_of_a_second_ago_which_the_service_clock_has_surely_reached(
    rest: BigQueryRest, reader: BigQueryReader
) -> None:
    rest.script("POST queries", result(ID, [["a", "a"], ["b", "b"]]))
    page = await reader.select(IDS)
    assert _moments(rest) == ["2026-11-25 11:59:59.000000+00:00"]
    assert (page.snapshot, page.as_of) == (A_SECOND_AGO, A_SECOND_AGO.at)


async def test_the_newest_moment_is_told_without_asking_and_stored_rows_are_read_at_it(
    rest: BigQueryRest, reader: BigQueryReader
) -> None:
    moment = await reader.newest(CONTRACT)
    assert (moment, rest.requests) == (A_SECOND_AGO, [])
    rest.script("POST queries", result(ID[:1], []))
    stream = await reader.stored(dataclasses.replace(IDS, snapshot=moment))
    assert (_moments(rest), stream.as_of) == (["2026-11-25 11:59:59.000000+00:00"], moment.at)
    stream.close()


async def test_a_later_page_is_of_the_moment_of_the_first(rest: BigQueryRest, reader: BigQueryReader) -> None:
    earlier = Snapshot((NOON - timedelta(hours=1, microseconds=1)).astimezone(timezone(timedelta(hours=2))))
    rest.script("POST queries", result(ID, []))
    page = await reader.select(dataclasses.replace(IDS, snapshot=earlier))
    assert _moments(rest) == ["2026-11-25 10:59:59.999999+00:00"]
    assert page.snapshot == earlier


async def test_a_count_and_a_stream_are_of_a_moment_only_when_told_which(
    rest: BigQueryRest, reader: BigQueryReader
) -> None:
    counted = count_rows(IDS)
    for snapshot, as_of in ((None, NOON), (A_SECOND_AGO, A_SECOND_AGO.at)):
        rest.script("POST queries", result(COUNT, [["7"]]))
        groups = await reader.aggregate(dataclasses.replace(counted, snapshot=snapshot))
        rest.script("POST queries", result(ID[:1], []))
        stream = await reader.stream(dataclasses.replace(IDS, snapshot=snapshot))
        assert (groups.as_of, stream.as_of) == (as_of, as_of)
        stream.close()
    assert _moments(rest) == [None, None, *["2026-11-25 11:59:59.000000+00:00"] * 2]


async def test_one_row_by_its_key_is_the_newest_there_is(rest: BigQueryRest, reader: BigQueryReader) -> None:
    rest.script("POST queries", result(ID, []))
    page = await reader.select(ONE)
    assert (_moments(rest), page.as_of) == ([None], NOON)


async def test_what_is_explained_is_what_would_be_run(rest: BigQueryRest, reader: BigQueryReader) -> None:
    planned = {"configuration": {"dryRun": True, "query": {}}, "statistics": {"totalBytesProcessed": "0"}}
    rest.script("POST jobs", Answer(job("DONE") | planned))
    plan = await reader.explain(IDS)
    assert "FOR SYSTEM_TIME AS OF TIMESTAMP '2026-11-25 11:59:59.000000+00:00'" in plan.text


async def test_a_walk_that_began_longer_ago_than_is_kept_is_refused_before_the_service_is_asked(
    rest: BigQueryRest, reader: BigQueryReader
) -> None:
    oldest = Snapshot(NOON - timedelta(days=7))
    older = Snapshot(oldest.at - timedelta(microseconds=1))
    rest.script("POST queries", result(ID, []))
    await reader.select(dataclasses.replace(IDS, snapshot=oldest))
    assert len(rest.requests) == 1
    query = dataclasses.replace(IDS, snapshot=older)
    counted = dataclasses.replace(count_rows(IDS), snapshot=older)
    for refused in (
        reader.select(query), reader.stream(query), reader.explain(query), reader.aggregate(counted),
    ):  # fmt: skip
        with pytest.raises(SnapshotExpired):
            await refused
    assert len(rest.requests) == 1


@pytest.mark.parametrize("reason", ["invalid", "invalidQuery"])
async def test_a_moment_the_service_does_not_keep_any_more_ends_the_walk(
    rest: BigQueryRest, reader: BigQueryReader, reason: str
) -> None:
    rest.script("POST queries", refusal(400, reason, TOO_EARLY))
    for question in (IDS, ONE):
        with pytest.raises(SnapshotExpired):
            await reader.select(dataclasses.replace(question, snapshot=A_SECOND_AGO))
    with pytest.raises(SnapshotExpired):
        await reader.aggregate(dataclasses.replace(count_rows(IDS), snapshot=A_SECOND_AGO))


async def test_a_table_younger_than_the_first_page_of_a_walk_is_there_the_next_time_it_is_asked(
    rest: BigQueryRest, reader: BigQueryReader
) -> None:
    rest.script("POST queries", refusal(400, "invalid", TOO_EARLY), result(ID, []))
    with pytest.raises(WarehouseUnavailable):
        await reader.select(IDS)
    assert (await reader.select(IDS)).complete


def _moments(rest: BigQueryRest) -> list[str | None]:
    """Return the instant each statement asks for, None where it asks for none."""
    texts = [request.body["query"] for request in rest.calls("POST", "queries")]
    parts = [text.partition(" FOR SYSTEM_TIME AS OF TIMESTAMP '")[2] for text in texts]
    return [part.partition("'")[0] or None for part in parts]
