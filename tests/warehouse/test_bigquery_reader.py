"""What the BigQuery reader asks of the service, and what it makes of its answers."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import google.auth
import pytest
from google.auth.credentials import AnonymousCredentials

from exposure.contracts import analytics_table, orders
from exposure.contracts.model import Column
from exposure.contracts.types import Array, Object, Scalar
from exposure.warehouse.bigquery_client import bigquery_client
from exposure.warehouse.bigquery_reader import BigQueryReader, BigQueryReaderLimits
from exposure.warehouse.bigquery_schema import schema_fields
from exposure.warehouse.port import (
    WarehouseUnavailable,
)
from fakes.bigquery_rest import JOB, UNFINISHED, Answer, BigQueryRest, Json, job, result
from fakes.house import rest_reader
from fakes.questions import ask
from fakes.rows import NOON

CONTRACT = analytics_table.CONTRACT
MIB = 2**20
LAG = BigQueryReaderLimits().snapshot_lag
ID = [{"name": "_0", "type": "STRING"}, {"name": "_1", "type": "STRING"}]
IDS = ask(CONTRACT, select="id")


async def _asked(rest: BigQueryRest, reader: BigQueryReader) -> Json:
    rest.script("POST queries", result(ID, []))
    await reader.select(ask(CONTRACT, ("timestamp", "gte", NOON), ("id", "in", ("a", "b")), select="id"))
    (request,) = rest.requests
    assert request.path.partition("?")[0] == "/bigquery/v2/projects/some-project/queries"
    return request.body


async def test_a_question_makes_a_job_only_where_it_must(rest: BigQueryRest, reader: BigQueryReader) -> None:
    body = await _asked(rest, reader)
    assert body["jobCreationMode"] == "JOB_CREATION_OPTIONAL"
    assert body["location"] == "EU"
    assert body["useQueryCache"] is True
    assert body["useLegacySql"] is False


async def test_a_question_is_bounded_in_bytes_and_in_time(rest: BigQueryRest) -> None:
    reader = rest_reader(
        rest, BigQueryReaderLimits(timedelta(seconds=5), max_bytes_billed=20 * MIB, threads=1)
    )
    body = await _asked(rest, reader)
    assert body["maximumBytesBilled"] == str(20 * MIB)
    # The answer says by then which job to ask for; the whole may take longer.
    assert 2000 < body["timeoutMs"] < 3000
    assert 4000 < int(body["jobTimeoutMs"]) <= 5000
    await reader.close()


async def test_a_question_says_for_whom_it_is_billed(rest: BigQueryRest, reader: BigQueryReader) -> None:
    assert (await _asked(rest, reader))["labels"] == {"contract": "analytics_table", "endpoint": "rows"}


async def test_a_question_for_one_key_is_labelled_as_such(rest: BigQueryRest, reader: BigQueryReader) -> None:
    rest.script("POST queries", result(ID, []))
    await reader.select(ask(CONTRACT, ("id", "eq", "a"), select="id"))
    assert rest.requests[0].body["labels"]["endpoint"] == "row"


async def test_every_value_travels_as_a_typed_parameter(rest: BigQueryRest, reader: BigQueryReader) -> None:
    body = await _asked(rest, reader)
    assert body["parameterMode"] == "NAMED"
    assert body["queryParameters"] == [
        {
            "name": "p0",
            "parameterType": {"type": "TIMESTAMP"},
            "parameterValue": {"value": "2026-11-25 12:00:00+00:00"},
        },
        {
            "name": "p1",
            "parameterType": {"type": "ARRAY", "arrayType": {"type": "STRING"}},
            "parameterValue": {"arrayValues": [{"value": "a"}, {"value": "b"}]},
        },
        {"name": "page_rows", "parameterType": {"type": "INT64"}, "parameterValue": {"value": "101"}},
    ]


def test_a_deadline_too_short_for_any_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="deadline"):
        BigQueryReaderLimits(deadline=timedelta(milliseconds=500))


def test_a_cap_below_what_every_query_bills_is_refused() -> None:
    with pytest.raises(ValueError, match="max_bytes_billed"):
        BigQueryReaderLimits(max_bytes_billed=10 * MIB - 1)


async def test_in_the_cloud_it_is_google_that_is_asked_with_the_process_own_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = AnonymousCredentials()  # type: ignore[no-untyped-call]
    monkeypatch.setattr(google.auth, "default", lambda scopes: (own, "another-project"))
    client = bigquery_client("some-project", "EU", connections=1)
    assert (client.project, client.location, client._credentials) == ("some-project", "EU", own)
    assert client._connection.API_BASE_URL == "https://bigquery.googleapis.com"
    client.close()  # type: ignore[no-untyped-call]


async def test_connections_are_kept_for_as_many_questions_as_run_at_a_time(rest: BigQueryRest) -> None:
    reader = rest_reader(rest, BigQueryReaderLimits(threads=14))
    rest.script("POST queries", result(ID, []))
    for _ in range(4):
        await asyncio.gather(*(reader.select(IDS) for _ in range(28)))
    assert len(rest.requests) == 4 * 28
    assert rest.connections <= 14
    await reader.close()


async def test_values_arrive_in_their_python_types(rest: BigQueryRest, reader: BigQueryReader) -> None:
    nested = Object((Column("seen", Scalar.TIMESTAMP), Column("note", Scalar.JSON, nullable=True)))
    contract = dataclasses.replace(
        orders.CONTRACT,
        columns=(
            *orders.CONTRACT.columns,
            Column("visit", nested, nullable=True),
            Column("visits", Array(nested)),
        ),
    )
    query = ask(contract)
    microseconds = str(1764072000123456)
    visit = {"f": [{"v": microseconds}, {"v": '{"b": [1, "ñ"], "a": null}'}]}
    written = (
        "ord-1", microseconds, "-9223372036854775808", "99999999999999999999999999999.999999999", "EUR",
        "0.1",
        "true", "9999-12-31", {"f": [{"v": "s"}, {"v": "c"}, {"v": None}, {"v": None}]},
        [{"v": {"f": [{"v": "SKU-1"}, {"v": "2"}, {"v": "0.000000001"}]}}], [{"v": "gift"}, {"v": ""}],
        '{"channel":"web"}', visit, [{"v": visit}, {"v": {"f": [{"v": microseconds}, {"v": None}]}}], "ord-1",
    )  # fmt: skip
    fields = schema_fields([*contract.columns, contract.key_column])
    # JSON is asked for as its text.
    fields[11] |= {"type": "STRING"}
    rest.script("POST queries", result(_numbered(fields), [written]))
    instant = datetime(2025, 11, 25, 12, 0, 0, 123456, UTC)
    seen = {"seen": instant, "note": '{"b":[1,"ñ"],"a":null}'}
    assert (await reader.select(query)).rows == [
        (
            "ord-1", instant, -(2**63), Decimal("99999999999999999999999999999.999999999"), "EUR", 0.1, True,
            date(9999, 12, 31), {"street": "s", "city": "c", "postcode": None, "latitude": None},
            [{"sku": "SKU-1", "quantity": 2, "unit_price": Decimal("0.000000001")}], ["gift", ""],
            '{"channel":"web"}', seen, [seen, {"seen": instant, "note": None}],
        )
    ]  # fmt: skip


async def test_one_row_too_many_tells_that_rows_remain(rest: BigQueryRest, reader: BigQueryReader) -> None:
    rest.script("POST queries", result(ID, [["a", "a"], ["b", "b"], ["c", "c"]]))
    page = await reader.select(dataclasses.replace(IDS, page_size=2))
    assert (page.rows, page.complete, page.last, page.as_of) == ([("a",), ("b",)], False, ("b",), NOON - LAG)


@pytest.mark.parametrize(
    ("read", "billed"), [(0, 0), (1, 10 * MIB), (10 * MIB, 10 * MIB), (10 * MIB + 1, 11 * MIB)]
)
async def test_a_page_says_what_it_billed(
    rest: BigQueryRest, reader: BigQueryReader, read: int, billed: int
) -> None:
    rest.script("POST queries", result(ID, [], totalBytesProcessed=str(read)))
    assert (await reader.select(IDS)).bytes_billed == billed


async def test_a_query_that_became_a_job_is_waited_for(rest: BigQueryRest, reader: BigQueryReader) -> None:
    rest.script("POST queries", UNFINISHED)
    rest.script(
        "GET job-1",
        # jobs.get and jobs.getQueryResults in turns.
        Answer(job("RUNNING")),
        UNFINISHED,
        Answer(job("DONE")),
        result(ID, [["a", "a"]], jobReference=JOB),
    )
    page = await reader.select(IDS)
    assert page.rows == [("a",)]


async def test_an_answer_in_several_pages_is_read_to_its_end(
    rest: BigQueryRest, reader: BigQueryReader
) -> None:
    first = result(ID, [["a", "a"]], totalRows="2", pageToken="next", jobReference=JOB)
    rest.script("POST queries", first)
    rest.script("GET job-1", Answer(job("DONE")), result(ID, [["b", "b"]], totalRows="2"))
    assert (await reader.select(IDS)).rows == [("a",), ("b",)]


@pytest.mark.parametrize(
    "answer",
    [
        result(ID, [["a", "a"]], totalRows="2"),
        Answer(
            {"jobComplete": True, "errors": [{"reason": "invalidQuery", "message": "no"}], "totalRows": "0"}
        ),
        Answer({"jobComplete": True}),
    ],
    ids=["fewer rows than it says", "an error without rows", "nothing"],
)
async def test_half_an_answer_is_never_served_as_a_whole_one(
    rest: BigQueryRest, reader: BigQueryReader, answer: Answer
) -> None:
    rest.script("POST queries", answer)
    with pytest.raises(WarehouseUnavailable):
        await reader.select(IDS)


def _numbered(fields: list[Json]) -> list[Json]:
    return [field | {"name": f"_{index}"} for index, field in enumerate(fields)]
