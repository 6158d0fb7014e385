"""What comes over users of APIs that ask BigQuery, a test each: impossible here.

They are pains of the users of BigQuery's own clients, and of the query tools and APIs built on them; asked is
the whole API over BigQuery's protocol.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from exposure.contracts import orders
from exposure.contracts.catalog import Catalog
from exposure.warehouse.bigquery_reader import BigQueryReaderLimits
from fakes.api_house import ApiHouse
from fakes.bigquery_api import ID_FIELDS, IDS, api_over, bigquery_api
from fakes.bigquery_emulator import running_emulator
from fakes.bigquery_rest import JOB, UNFINISHED, Answer, BigQueryRest, job, refusal, result, running_rest
from fakes.house import bigquery_house
from fakes.rows import order_row

ONE_ROW = result(ID_FIELDS, [["a", "a"]])
MIB = 2**20


@pytest.fixture
def rest() -> Iterator[BigQueryRest]:
    with running_rest() as rest:
        rest.script("POST queries", ONE_ROW)
        yield rest


@pytest.fixture
async def asking(rest: BigQueryRest) -> AsyncIterator[ApiHouse]:
    """Return the API that asks the canned service."""
    async with bigquery_api(rest) as house:
        yield house


def calls(rest: BigQueryRest) -> list[str]:
    return [f"{one.method} {one.path.partition('?')[0].rpartition('/')[2]}" for one in rest.requests]


# 4: a walk that never ends, on any kind of source.
async def test_a_walk_over_bigquery_ends_after_as_many_pages_as_it_has_rows_for() -> None:
    weights = [None if number % 3 == 0 else 1.5 for number in range(11)]
    rows = [order_row(order_id=f"o{number:02}", weight_kg=one) for number, one in enumerate(weights)]
    with running_emulator() as emulator:
        async with bigquery_house(emulator, orders.CONTRACT) as house:
            await house.put(*rows)
            async with api_over(house.reader, Catalog((house.contract,))) as api:
                since = "placed_at.gte=2026-01-01T00:00:00Z"
                for order in ("-placed_at", "weight_kg,-paid", "-weight_kg.nullsfirst"):
                    url = f"/v1/orders?page_size=3&select=order_id&order={order}&{since}"
                    pages = await walked(api, url)
                    assert [len(page) for page in pages] == [3, 3, 3, 2]
                    assert len({key for page in pages for key in page}) == len(rows)


async def walked(api: ApiHouse, first: str, most: int = 9) -> list[list[str]]:
    """Return the keys on each page, of so many pages at most."""
    url: str | None = first
    pages: list[list[str]] = []
    while url and len(pages) < most:
        answer = await api.get(url)
        pages.append([row["order_id"] for row in answer.json()["data"]])
        link = answer.headers.get("link")
        url = None if link is None else link.partition(">")[0].removeprefix("<")
    return pages


# 6: groups are wanted and switched off for fear of what they cost.
async def test_no_question_is_asked_without_a_bound_on_what_it_may_cost(rest: BigQueryRest) -> None:
    async with bigquery_api(rest, BigQueryReaderLimits(threads=2, max_bytes_billed=20 * MIB)) as api:
        for url in (IDS, "/v1/analytics_table:aggregate", "/v1/analytics_table:facets?columns=id"):
            rest.requests.clear()
            rest.script("POST queries", refusal(400, "bytesBilledLimitExceeded"))
            answer = await api.get(url)
            assert (answer.status_code, answer.json()["code"]) == (422, "QUERY_TOO_EXPENSIVE"), answer.text
            assert {one.body["maximumBytesBilled"] for one in rest.requests} == {str(20 * MIB)}


# 8: counts that nobody asked for make every page slow.
async def test_how_many_rows_a_table_has_is_read_off_it_and_no_query(
    rest: BigQueryRest, asking: ApiHouse
) -> None:
    names = {"projectId": "some-project", "datasetId": "analytics_dataset", "tableId": "analytics_table"}
    rest.script("GET analytics_table", Answer({"tableReference": names, "numRows": "41"}))
    answer = await asking.get(f"{IDS}&count=estimate")
    assert answer.json()["total"] == {"rows": 41, "kind": "estimate"}
    assert sorted(calls(rest)) == ["GET analytics_table", "POST queries"]


# 9: a small question takes seconds, because a job is made of it and its answer then fetched.
async def test_a_page_is_one_call_and_no_job(rest: BigQueryRest, asking: ApiHouse) -> None:
    for url in (IDS, "/v1/analytics_table/a?select=id"):
        rest.requests.clear()
        rest.script("POST queries", ONE_ROW)
        assert (await asking.get(url)).status_code == 200
        [request] = rest.requests
        assert request.path.partition("?")[0].endswith("/queries")
        assert request.body["jobCreationMode"] == "JOB_CREATION_OPTIONAL"


# 10: a question that takes long is answered as if there were no rows.
async def test_an_answer_that_is_not_ready_is_waited_for(rest: BigQueryRest, asking: ApiHouse) -> None:
    rest.script("POST queries", UNFINISHED)
    rest.script(
        "GET job-1", Answer(job("RUNNING")), UNFINISHED, Answer(job("DONE")),
        result(ID_FIELDS, [["a", "a"]], jobReference=JOB),
    )  # fmt: skip
    answer = await asking.get(IDS)
    assert (answer.status_code, answer.json()["data"]) == (200, [{"id": "a"}])


# 10, and 15: the warehouse goes on working for an answer that nobody waits for.
async def test_an_answer_that_does_not_come_is_an_error_and_its_job_is_cancelled(rest: BigQueryRest) -> None:
    rest.script("POST queries", UNFINISHED)
    rest.script("GET job-1", Answer(job("RUNNING")), UNFINISHED)
    rest.script("POST cancel", Answer({"job": job("RUNNING")}))
    async with bigquery_api(rest, BigQueryReaderLimits(timedelta(seconds=1), threads=2)) as api:
        answer = await api.get(IDS)
        assert answer.status_code in (503, 504)
        assert "data" not in answer.json()
        async with asyncio.timeout(20):
            while not rest.calls("POST", "job-1/cancel"):
                await asyncio.sleep(0.01)


# 11: the client library blocks, and with it every other request.
async def test_while_bigquery_is_waited_for_everything_else_is_answered(
    rest: BigQueryRest, asking: ApiHouse
) -> None:
    held = threading.Event()
    rest.script("POST queries", dataclasses.replace(ONE_ROW, held=held))
    slow = asyncio.create_task(asking.get(IDS))
    async with asyncio.timeout(30):
        while not rest.requests:
            await asyncio.sleep(0.005)
        for url in ("/health/live", "/v1", "/openapi.json", "/v1/analytics_table:schema"):
            assert (await asking.get(url)).status_code == 200
    assert not slow.done()
    held.set()
    assert (await slow).json()["data"] == [{"id": "a"}]


# 12: ten connections, whatever is asked at a time.
async def test_as_many_questions_as_run_at_a_time_have_a_connection_each_and_keep_it(
    rest: BigQueryRest,
) -> None:
    async with bigquery_api(rest, BigQueryReaderLimits(threads=14)) as api:
        for _ in range(2):
            rest.requests.clear()
            held = threading.Event()
            rest.script("POST queries", dataclasses.replace(ONE_ROW, held=held))
            asked = [asyncio.create_task(api.get(f"{IDS}&id.ne={number}")) for number in range(14)]
            async with asyncio.timeout(30):
                while len(rest.requests) < 14:
                    await asyncio.sleep(0.005)
            held.set()
            assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
            assert rest.connections == 14


# 13: numbers come as texts, because BigQuery's protocol writes them so.
async def test_numbers_that_bigquery_writes_as_texts_are_numbers(
    rest: BigQueryRest, asking: ApiHouse
) -> None:
    kinds = {"_0": "INTEGER", "_1": "BIGNUMERIC", "_2": "FLOAT", "_3": "BOOLEAN", "_4": "STRING"}
    fields = [{"name": name, "type": kind} for name, kind in kinds.items()]
    values = [str(2**63 - 1), "0.000000001", "0.1", "true", "ord-1"]
    rest.script("POST queries", result(fields, [values]))
    answer = await asking.get("/v1/orders?select=customer_id,total,weight_kg,paid&order=order_id")
    row = '{"customer_id":9223372036854775807,"total":"0.000000001","weight_kg":0.1,"paid":true}'
    assert f'"data":[{row}]' in answer.text


# 16: a quota that is used up is asked again and again, by every client at once.
async def test_a_quota_that_is_used_up_is_told_with_when_to_ask_again_and_not_asked_again(
    rest: BigQueryRest, asking: ApiHouse
) -> None:
    rest.script("POST queries", refusal(403, "quotaExceeded"))
    answers = [await asking.get(IDS) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {503}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    assert len(rest.requests) <= 5


# 17: nobody can tell whether the warehouse or what stands before it is slow.
async def test_a_page_says_how_long_it_waited_for_the_warehouse(rest: BigQueryRest, asking: ApiHouse) -> None:
    held = threading.Event()
    rest.script("POST queries", dataclasses.replace(ONE_ROW, held=held))
    timer = threading.Timer(0.3, held.set)
    timer.start()
    answer = await asking.get(IDS)
    timer.join()
    assert answer.json()["stats"]["elapsed_ms"] >= 200


# 20: what is missing in the set-up is not named.
async def test_a_missing_permission_is_named_to_the_operators_and_to_nobody_else(
    rest: BigQueryRest, asking: ApiHouse, caplog: pytest.LogCaptureFixture
) -> None:
    missing = "Access Denied: Project p: User does not have bigquery.jobs.create permission in project p."
    rest.script("POST queries", refusal(403, "accessDenied", missing))
    with caplog.at_level(logging.ERROR):
        answer = await asking.get(IDS)
    assert (answer.status_code, answer.json()["code"]) == (502, "UPSTREAM_MISCONFIGURED")
    assert "bigquery.jobs.create" in caplog.text
    assert "bigquery.jobs" not in answer.text
