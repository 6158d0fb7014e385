"""What the BigQuery reader makes of refusals, faults and silence."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from datetime import timedelta

import pytest

from exposure.contracts import analytics_table
from exposure.warehouse.bigquery_client import bigquery_client
from exposure.warehouse.bigquery_reader import BigQueryReader, BigQueryReaderLimits
from exposure.warehouse.port import (
    QueryTooExpensive,
    WarehouseError,
    WarehouseMisconfigured,
    WarehouseUnavailable,
)
from fakes.bigquery_rest import UNFINISHED, Answer, BigQueryRest, job, refusal, result
from fakes.house import rest_reader
from fakes.questions import ask

CONTRACT = analytics_table.CONTRACT
MIB = 2**20
ID = [{"name": "_0", "type": "STRING"}, {"name": "_1", "type": "STRING"}]
IDS = ask(CONTRACT, select="id")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(403, "quotaExceeded"), WarehouseUnavailable),
        (refusal(403, "accessDenied"), WarehouseMisconfigured),
        (refusal(403, "billingNotEnabled"), WarehouseMisconfigured),
        (refusal(401, "authError"), WarehouseMisconfigured),
        (refusal(404, "notFound"), WarehouseMisconfigured),
        (refusal(400, "invalidQuery"), WarehouseMisconfigured),
        (refusal(400, "bytesBilledLimitExceeded"), QueryTooExpensive),
        (refusal(403, "bytesBilledLimitExceeded"), QueryTooExpensive),
        (refusal(400, "resourcesExceeded"), WarehouseUnavailable),
        (refusal(400, "stopped"), WarehouseUnavailable),
        (Answer({}, 403), WarehouseMisconfigured),
        (Answer({}, 504), WarehouseUnavailable),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else f"{value.status}",
)
async def test_a_refusal_says_whose_fault_it_is_and_is_not_asked_again(
    rest: BigQueryRest, reader: BigQueryReader, answer: Answer, error: type[WarehouseError]
) -> None:
    rest.script("POST queries", answer)
    with pytest.raises(WarehouseError) as raised:
        await reader.select(IDS)
    assert type(raised.value) is error
    assert len(rest.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        refusal(403, "rateLimitExceeded"), refusal(503, "backendError"), Answer({}, 500), Answer({}, 502),
        Answer({}, 0),
    ],
    ids=["rate limit", "503", "500", "502", "cut"],
)  # fmt: skip
async def test_a_passing_fault_that_stays_is_unavailable_by_the_deadline(
    rest: BigQueryRest, hasty: BigQueryReader, answer: Answer
) -> None:
    rest.script("POST queries", answer)
    with pytest.raises(WarehouseUnavailable):
        await hasty.select(IDS)


async def test_a_passing_fault_that_passes_is_not_noticed(rest: BigQueryRest, reader: BigQueryReader) -> None:
    rest.script("POST queries", refusal(403, "rateLimitExceeded"), result(ID, [["a", "a"]]))
    assert (await reader.select(IDS)).rows == [("a",)]
    assert len(rest.requests) == 2


async def test_a_service_that_does_not_answer_is_unavailable_at_the_deadline(
    rest: BigQueryRest, hasty: BigQueryReader
) -> None:
    held = threading.Event()
    rest.script("POST queries", dataclasses.replace(result(ID, []), held=held))
    with pytest.raises(WarehouseUnavailable):
        await hasty.select(IDS)
    held.set()


async def test_a_question_whose_time_passed_while_it_waited_is_not_asked(rest: BigQueryRest) -> None:
    held = threading.Event()
    rest.script("POST queries", dataclasses.replace(result(ID, []), held=held))
    reader = rest_reader(rest, BigQueryReaderLimits(timedelta(seconds=1), threads=1))
    first, second = (asyncio.create_task(reader.select(IDS)) for _ in range(2))
    await asyncio.sleep(0.6)
    held.set()
    with pytest.raises(WarehouseUnavailable):
        await second
    assert len(rest.requests) == 1
    await asyncio.wait({first})
    assert first.exception() is None or isinstance(first.exception(), WarehouseUnavailable)
    await reader.close()


async def test_a_service_that_is_not_there_is_unavailable() -> None:
    client = bigquery_client("some-project", "EU", connections=1, endpoint="http://127.0.0.1:1")
    reader = BigQueryReader(client, BigQueryReaderLimits(timedelta(seconds=1)))
    with pytest.raises(WarehouseUnavailable):
        await reader.select(IDS)
    await reader.close()


async def test_a_job_that_does_not_end_in_time_is_given_up_and_cancelled(
    rest: BigQueryRest, hasty: BigQueryReader
) -> None:
    rest.script("POST queries", UNFINISHED)
    rest.script("GET job-1", Answer(job("RUNNING")), UNFINISHED)
    rest.script("POST cancel", Answer({"job": job("RUNNING")}))
    with pytest.raises(WarehouseUnavailable):
        await hasty.select(IDS)
    async with asyncio.timeout(20):
        while not rest.calls("POST", "job-1/cancel"):
            await asyncio.sleep(0.01)


async def test_a_job_that_fails_says_whose_fault_it_is(rest: BigQueryRest, reader: BigQueryReader) -> None:
    failed = job("DONE")
    failed["status"]["errorResult"] = {"reason": "bytesBilledLimitExceeded", "message": "no"}
    rest.script("POST queries", UNFINISHED)
    rest.script("GET job-1", Answer(failed))
    rest.script("POST cancel", Answer({"job": failed}))
    with pytest.raises(QueryTooExpensive):
        await reader.select(IDS)


async def test_more_questions_than_may_wait_are_refused_without_asking(rest: BigQueryRest) -> None:
    held = threading.Event()
    rest.script("POST queries", dataclasses.replace(result(ID, []), held=held))
    reader = rest_reader(rest, BigQueryReaderLimits(threads=1, queue=1))
    asked = [asyncio.create_task(reader.select(IDS)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(WarehouseUnavailable, match="too many"):
        await reader.select(IDS)
    held.set()
    assert [page.complete for page in await asyncio.gather(*asked)] == [True, True]
    assert len(rest.requests) == 2
    await reader.close()


async def test_a_closed_reader_refuses_questions(rest: BigQueryRest) -> None:
    reader = rest_reader(rest, BigQueryReaderLimits(threads=2))
    await reader.close()
    with pytest.raises(WarehouseUnavailable, match="closed"):
        await reader.select(IDS)
