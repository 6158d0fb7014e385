"""What an answer says it cost, in its body and its header; and nothing is asked that nobody is told of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from exposure.api.app import build_api
from exposure.api.seal import TokenSealer
from exposure.contracts.catalog import CATALOG
from exposure.query.aggregate import Aggregation
from exposure.warehouse.bigquery_reader import BigQueryReaderLimits
from exposure.warehouse.port import Groups, WarehouseUnavailable
from fakes.api_house import TOKEN_KEY
from fakes.bigquery_rest import Answer, BigQueryRest, Json, refusal, result, running_rest
from fakes.faulty_reader import FaultyReader, for_ever
from fakes.house import rest_reader

MIB = 2**20
EVENTS = "/v1/analytics_table"
TEXT, TIME, NUMBER = "STRING", "TIMESTAMP", "INTEGER"


def answered(kinds: list[str], row: list[str], read: int) -> Answer:
    fields: list[Json] = [{"name": f"_{index}", "type": kind} for index, kind in enumerate(kinds)]
    return result(fields, [row], totalBytesProcessed=str(read))


PAGE = answered([TEXT, TIME, TEXT], ["a", "1764072000000000", "a"], 3 * MIB)
TWO_ROWS = result(
    [{"name": f"_{index}", "type": kind} for index, kind in enumerate([TEXT, TIME, TEXT])],
    [["a", "1764072000000000", "a"], ["b", "1764072000000000", "b"]],
    totalBytesProcessed=str(3 * MIB),
)
ROW = answered([TEXT, TEXT], ["a", "a"], 12 * MIB)
COUNT = answered([NUMBER], ["7"], 20 * MIB)
FACETS = answered([NUMBER, TEXT, NUMBER], ["0", "a", "7"], 11 * MIB + 1)
EXPORT = answered([TEXT], ["a"], 30 * MIB)


@pytest.fixture
def rest() -> Iterator[BigQueryRest]:
    with running_rest() as rest:
        yield rest


@pytest.fixture
async def client(rest: BigQueryRest) -> AsyncIterator[httpx2.AsyncClient]:
    # One thread, so that the questions of one answer come in the order of their script.
    reader = rest_reader(rest, BigQueryReaderLimits(threads=1))
    app = build_api(CATALOG, reader, TokenSealer([TOKEN_KEY]))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api") as client:
        yield client
    await reader.close()


@pytest.mark.parametrize(
    ("url", "answers", "billed"),
    [
        (f"{EVENTS}?select=id", [PAGE], 10 * MIB),
        # A first page that is complete tells the exact total itself.
        (f"{EVENTS}?select=id&count=exact", [PAGE], 10 * MIB),
        (f"{EVENTS}?select=id&page_size=1&count=exact", [TWO_ROWS, COUNT], 30 * MIB),
        (f"{EVENTS}?select=id&count=estimate&id.gt=a", [PAGE, COUNT], 30 * MIB),
        (f"{EVENTS}/a?select=id", [ROW], 12 * MIB),
        (f"{EVENTS}:aggregate", [COUNT], 20 * MIB),
        (f"{EVENTS}:facets?columns=id", [FACETS], 12 * MIB),
        (f"{EVENTS}:export?select=id", [EXPORT], 30 * MIB),
    ],
)
async def test_an_answer_says_what_all_its_questions_billed(
    rest: BigQueryRest, client: httpx2.AsyncClient, url: str, answers: list[Answer], billed: int
) -> None:
    rest.script("POST queries", *answers)
    answer = await client.get(url)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-bytes-billed"] == str(billed)
    assert answer.json()["stats"]["bytes_billed"] == billed


async def test_an_explanation_bills_nothing_and_says_what_would_be_read(
    rest: BigQueryRest, client: httpx2.AsyncClient
) -> None:
    job = {"jobReference": {"projectId": "p", "jobId": "job-1", "location": "EU"}}
    statistics = {"totalBytesProcessed": str(5 * MIB), "query": {"totalBytesProcessed": str(5 * MIB)}}
    rest.script("POST jobs", Answer({**job, "status": {"state": "DONE"}, "statistics": statistics}))
    answer = await client.get(f"{EVENTS}?explain=1")
    assert answer.json()["explain"]["bytes_estimated"] == 5 * MIB
    assert "x-bytes-billed" not in answer.headers


@pytest.mark.parametrize("path", ["", "/a", ":aggregate", ":export"])
async def test_a_question_over_its_cap_is_refused_and_bills_nothing(
    rest: BigQueryRest, client: httpx2.AsyncClient, path: str
) -> None:
    rest.script("POST queries", refusal(400, "bytesBilledLimitExceeded"))
    answer = await client.get(f"{EVENTS}{path}")
    assert (answer.status_code, answer.json()["code"]) == (422, "QUERY_TOO_EXPENSIVE")
    assert "x-bytes-billed" not in answer.headers
    assert answer.json()["retryable"] is False


async def test_a_total_that_fails_leaves_no_page_being_asked_for() -> None:
    class Uncounting(FaultyReader):
        async def estimate(self, counted: Aggregation) -> Groups:
            del counted
            while not self.under_way:
                await asyncio.sleep(0)
            raise WarehouseUnavailable("no total")

    reader = Uncounting()
    reader.wait = for_ever
    app = build_api(CATALOG, reader, TokenSealer([TOKEN_KEY]))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api") as client:
        answer = await client.get(f"{EVENTS}?count=estimate")
    assert answer.status_code == 503
    assert (reader.asked, reader.cancelled, reader.under_way) == (1, 1, 0)
