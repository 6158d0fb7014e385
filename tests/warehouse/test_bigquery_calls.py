"""What becomes of a query at BigQuery that nobody waits for any more."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from exposure.contracts import analytics_table
from exposure.query.aggregate_parse import count_rows
from exposure.warehouse.bigquery_reader import BigQueryReader, BigQueryReaderLimits
from exposure.warehouse.limited_reader import LimitedReader, ReaderLimits
from exposure.warehouse.port import Unavailability, WarehouseUnavailable
from fakes.bigquery_rest import JOB, UNFINISHED, Answer, BigQueryRest, job, refusal, result
from fakes.house import rest_reader
from fakes.questions import ask

IDS = ask(analytics_table.CONTRACT, select="id")
ID = [{"name": "_0", "type": "STRING"}, {"name": "_1", "type": "STRING"}]
ASKED: dict[str, Callable[[BigQueryReader], Awaitable[Any]]] = {
    "select": lambda reader: reader.select(IDS),
    "aggregate": lambda reader: reader.aggregate(count_rows(IDS)),
    "stream": lambda reader: reader.stream(IDS),
}


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


def cancels(rest: BigQueryRest) -> int:
    return len(rest.calls("POST", "job-1/cancel"))


def running(rest: BigQueryRest, held: threading.Event | None = None) -> None:
    """Let a query be a job that runs; the service answers what becomes of it when `held` is set."""
    rest.script("POST queries", UNFINISHED)
    rest.script("GET job-1", Answer(job("RUNNING"), held=held))
    rest.script("POST cancel", Answer({"job": job("RUNNING")}))


@pytest.mark.parametrize("kind", ASKED)
async def test_a_job_whose_client_went_away_is_cancelled_at_once(
    rest: BigQueryRest, reader: BigQueryReader, kind: str
) -> None:
    held = threading.Event()
    running(rest, held)
    asking = asyncio.ensure_future(ASKED[kind](reader))
    await until(lambda: rest.calls("GET", "job-1"))
    asking.cancel()
    # While the service still holds its answer back.
    await until(lambda: cancels(rest))
    assert not held.is_set()
    asked = len(rest.calls("GET", "job-1"))
    held.set()
    await reader.close()
    await until(lambda: cancels(rest) == 2)
    assert len(rest.calls("GET", "job-1")) == asked


@pytest.mark.parametrize("kind", ASKED)
async def test_a_query_whose_client_went_away_before_it_was_a_job_is_cancelled_when_it_is_one(
    rest: BigQueryRest, reader: BigQueryReader, kind: str
) -> None:
    held = threading.Event()
    running(rest)
    rest.script("POST queries", dataclasses.replace(UNFINISHED, held=held))
    asking = asyncio.ensure_future(ASKED[kind](reader))
    await until(lambda: rest.calls("POST", "queries"))
    asking.cancel()
    await asyncio.wait({asking})
    assert not cancels(rest)
    held.set()
    await until(lambda: cancels(rest))
    assert rest.calls("GET", "job-1") == []


async def test_a_job_past_the_deadline_is_cancelled_although_the_service_says_nothing_of_it(
    rest: BigQueryRest, hasty: BigQueryReader
) -> None:
    held = threading.Event()
    running(rest, held)
    with pytest.raises(WarehouseUnavailable) as raised:
        await hasty.select(IDS)
    assert raised.value.reason is Unavailability.DEADLINE
    await until(lambda: cancels(rest))
    held.set()


async def test_a_deadline_set_around_the_reader_cancels_the_job_too(
    rest: BigQueryRest, reader: BigQueryReader
) -> None:
    held = threading.Event()
    running(rest, held)
    limited = LimitedReader(reader, ReaderLimits(deadline=timedelta(milliseconds=400)))
    with pytest.raises(WarehouseUnavailable) as raised:
        await limited.select(IDS)
    assert raised.value.reason is Unavailability.DEADLINE
    await until(lambda: cancels(rest))
    held.set()


async def test_a_job_that_cannot_be_cancelled_is_logged(
    rest: BigQueryRest, reader: BigQueryReader, caplog: pytest.LogCaptureFixture
) -> None:
    held = threading.Event()
    running(rest, held)
    rest.script("POST cancel", refusal(403, "accessDenied"))
    asking = asyncio.ensure_future(reader.select(IDS))
    await until(lambda: rest.calls("GET", "job-1"))
    asking.cancel()
    await until(lambda: "could not be cancelled" in caplog.text)
    held.set()


async def test_a_question_that_was_answered_is_not_cancelled(
    rest: BigQueryRest, reader: BigQueryReader
) -> None:
    rest.script("POST queries", UNFINISHED)
    rest.script("GET job-1", Answer(job("DONE")), result(ID, [["a", "a"]], jobReference=JOB))
    assert (await reader.select(IDS)).rows == [("a",)]
    await asyncio.sleep(0.05)
    assert not cancels(rest)


async def test_a_question_given_up_leaves_its_thread_to_the_next(rest: BigQueryRest) -> None:
    held = threading.Event()
    running(rest, held)
    reader = rest_reader(rest, BigQueryReaderLimits(threads=1))
    asking = asyncio.ensure_future(reader.select(IDS))
    await until(lambda: rest.calls("GET", "job-1"))
    asking.cancel()
    await until(lambda: cancels(rest))
    rest.script("POST queries", result(ID, [["a", "a"]]))
    held.set()
    assert (await reader.select(IDS)).rows == [("a",)]
    await reader.close()


@pytest.mark.parametrize(
    ("answer", "reason", "seconds"),
    [
        (refusal(403, "quotaExceeded"), Unavailability.QUOTA, 600),
        (refusal(400, "jobRateLimitExceeded"), Unavailability.RATE, 2),
        (refusal(400, "resourcesExceeded"), Unavailability.FAULT, None),
    ],
    ids=["quota", "rate", "fault"],
)
async def test_a_quota_says_what_it_is_and_when_asking_again_helps(
    rest: BigQueryRest, reader: BigQueryReader, answer: Answer, reason: Unavailability, seconds: int | None
) -> None:
    rest.script("POST queries", answer)
    with pytest.raises(WarehouseUnavailable) as raised:
        await reader.select(IDS)
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert (raised.value.reason, raised.value.retry_after) == (reason, expected)


async def test_a_rate_limit_that_stays_is_told_as_one_at_the_deadline(
    rest: BigQueryRest, hasty: BigQueryReader
) -> None:
    rest.script("POST queries", refusal(403, "rateLimitExceeded"))
    with pytest.raises(WarehouseUnavailable) as raised:
        await hasty.select(IDS)
    assert raised.value.reason is Unavailability.RATE


async def test_a_contract_may_let_its_questions_bill_less_than_others_but_never_more(
    rest: BigQueryRest,
) -> None:
    rest.script("POST queries", result(ID, []))
    reader = rest_reader(rest, BigQueryReaderLimits(max_bytes_billed=2**30, threads=1))
    for most in (2**25, 2**40, None):
        contract = dataclasses.replace(analytics_table.CONTRACT, max_bytes_billed=most)
        await reader.select(ask(contract, select="id"))
    capped = [request.body["maximumBytesBilled"] for request in rest.requests]
    assert capped == [str(2**25), str(2**30), str(2**30)]
    await reader.close()
