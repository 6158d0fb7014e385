"""What a stream of BigQuery's asks for, and what it does with half an answer."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import google.auth.credentials
import grpc
import pytest
from google.cloud import bigquery_storage, bigquery_storage_v1
from google.cloud.bigquery.table import RowIterator
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

from exposure.contracts import analytics_table, orders
from exposure.query.model import Query, Row
from exposure.warehouse import bigquery_client as client_module
from exposure.warehouse import bigquery_reader
from exposure.warehouse.bigquery_client import bigquery_client, storage_client
from exposure.warehouse.bigquery_reader import BigQueryReader, BigQueryReaderLimits
from exposure.warehouse.port import QueryTooExpensive, RowStream, WarehouseUnavailable
from exposure.warehouse.sql import compile_stream
from fakes.bigquery_emulator import PROJECT, BigQueryEmulator
from fakes.bigquery_rest import JOB, UNFINISHED, Answer, BigQueryRest, job, refusal, result
from fakes.house import bigquery_house, rest_reader
from fakes.questions import ask
from fakes.rows import NOON, order_row

ID = [{"name": "_0", "type": "STRING"}]
IDS = dataclasses.replace(ask(analytics_table.CONTRACT, select="id"), order=())
MIB = 2**20


async def rows_of(stream: RowStream) -> list[Row]:
    found: list[Row] = []
    while part := await stream.next_rows(2):
        found.extend(part)
    return found


async def test_a_stream_is_asked_for_like_a_page_and_named_an_export(rest: BigQueryRest) -> None:
    reader = rest_reader(
        rest, BigQueryReaderLimits(timedelta(seconds=5), max_bytes_billed=20 * MIB, threads=1)
    )
    rest.script("POST queries", result(ID, [["a"]]))
    await reader.stream(IDS)
    body = rest.requests[0].body
    assert body["maximumBytesBilled"] == str(20 * MIB)
    assert 4000 < body["timeoutMs"] < 5000
    assert body["labels"] == {"contract": "analytics_table", "endpoint": "export"}
    assert "LIMIT" not in body["query"]
    assert "ORDER BY `_ingest_time`, `_message_id`) = 1" in body["query"]
    assert body["maxResults"] == 5000
    await reader.close()


async def test_a_stream_says_what_its_query_billed(rest: BigQueryRest, reader: BigQueryReader) -> None:
    rest.script("POST queries", result(ID, [["a"]], totalBytesProcessed=str(10 * MIB + 1)))
    stream = await reader.stream(IDS)
    assert (stream.bytes_billed, stream.as_of) == (11 * MIB, NOON)


async def test_a_page_is_fetched_when_it_is_asked_for(rest: BigQueryRest, reader: BigQueryReader) -> None:
    _script_pages(rest, total=4)
    stream = await reader.stream(IDS)
    assert await stream.next_rows(1) == [("a",)]
    assert await stream.next_rows(9) == [("b",)]
    before = len(rest.requests)
    assert await stream.next_rows(9) == [("c",), ("d",)]
    assert len(rest.requests) > before
    assert await stream.next_rows(9) == ()
    assert await stream.next_rows(9) == ()


async def test_batches_are_made_of_pages_where_there_is_no_storage_client(
    rest: BigQueryRest, reader: BigQueryReader
) -> None:
    _script_pages(rest, total=4)
    stream = await reader.stream(IDS)
    sizes = []
    while (batch := await stream.next_batch()) is not None:
        sizes.append((batch.num_rows, batch.schema.names))
    assert sizes == [(2, ["id"]), (2, ["id"])]


@pytest.mark.parametrize("total", [3, 5])
async def test_an_answer_with_other_than_its_number_of_rows_never_ends_well(
    rest: BigQueryRest, reader: BigQueryReader, total: int
) -> None:
    _script_pages(rest, total=total)
    with pytest.raises(WarehouseUnavailable, match="rows"):
        await rows_of(await reader.stream(IDS))


async def test_a_page_that_cannot_be_had_ends_the_stream_for_good(
    rest: BigQueryRest, reader: BigQueryReader
) -> None:
    _script_pages(rest, total=4)
    rest.script("GET job-1", Answer(job("DONE")), refusal(404, "notFound"))
    stream = await reader.stream(IDS)
    assert len(await stream.next_rows(9)) == 2
    for _ in range(2):
        with pytest.raises(Exception, match=r"BigQuery|nobody"):
            await stream.next_rows(9)


def test_the_storage_client_is_made_at_the_first_stream_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    def make(credentials: object) -> object:
        made.append(credentials)
        return object()

    monkeypatch.setattr(bigquery_storage_v1, "BigQueryReadClient", make)
    client = bigquery_client("some-project", "EU", connections=1, endpoint="http://127.0.0.1:1")
    storage = storage_client(client)
    assert storage is not None
    assert not made
    assert storage() is storage()
    assert made == [client._credentials]


@pytest.mark.parametrize("missing", ["pyarrow", "google.cloud.bigquery_storage_v1"])
def test_without_its_libraries_there_is_no_storage_client(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr(client_module, "find_spec", lambda name: None if name == missing else object())
    client = bigquery_client("some-project", "EU", connections=1, endpoint="http://127.0.0.1:1")
    assert storage_client(client) is None


async def test_a_query_over_its_cap_is_too_expensive(rest: BigQueryRest, reader: BigQueryReader) -> None:
    rest.script("POST queries", refusal(400, "bytesBilledLimitExceeded"))
    with pytest.raises(QueryTooExpensive):
        await reader.stream(IDS)


async def test_a_query_past_its_deadline_ends_and_makes_room(
    rest: BigQueryRest, hasty: BigQueryReader
) -> None:
    rest.script("POST queries", UNFINISHED)
    rest.script("GET job-1", Answer(job("RUNNING")), UNFINISHED)
    rest.script("POST cancel", Answer({"job": job("DONE")}))
    for _ in range(5):
        with pytest.raises(WarehouseUnavailable):
            await hasty.stream(IDS)
        await asyncio.sleep(0.05)


async def test_a_stream_past_its_whole_time_is_given_up(rest: BigQueryRest) -> None:
    reader = rest_reader(rest, BigQueryReaderLimits(threads=1, stream_deadline=timedelta(0)))
    rest.script("POST queries", result(ID, [["a"]]))
    stream = await reader.stream(IDS)
    with pytest.raises(WarehouseUnavailable, match="deadline"):
        await stream.next_rows(1)
    await reader.close()


@pytest.fixture
def storage(bigquery_emulator: BigQueryEmulator) -> Iterator[Any]:
    channel = grpc.insecure_channel(bigquery_emulator.grpc)
    transport = BigQueryReadGrpcTransport(
        channel=channel,
        credentials=google.auth.credentials.AnonymousCredentials(),  # type: ignore[no-untyped-call]
    )
    yield bigquery_storage.BigQueryReadClient(transport=transport)  # type: ignore[no-untyped-call]
    channel.close()


# The library's own way to its own Arrow batches.
@pytest.mark.filterwarnings("ignore:Retrieving Arrow record batches directly:PendingDeprecationWarning")
async def test_through_the_storage_client_rows_and_batches_are_the_same(
    bigquery_emulator: BigQueryEmulator, storage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        order_row(
            order_id=f"ord-{number}",
            weight_kg=None if number % 2 else 0.5,
            items=[{"sku": "s", "quantity": 1, "unit_price": Decimal("1.5")}] * (number % 2),
            shipping={"street": "s", "city": "c", "postcode": None, "latitude": 1.5} if number % 3 else None,
            context='{"a":1}' if number % 2 else None,
        )
        for number in range(20)
    ]
    async with bigquery_house(bigquery_emulator, orders.CONTRACT) as house:
        await house.put(*rows)
        assert isinstance(house.reader, BigQueryReader)
        query: Query = ask(house.contract, order="order_id")
        expected = list((await house.reader.select(query)).rows)
        house.reader._storage = lambda: storage
        # Else the library reads so few rows out of the query's own answer.
        monkeypatch.setattr(RowIterator, "_is_almost_completely_cached", lambda _: False)
        monkeypatch.setattr(bigquery_reader, "PAGE_ROWS", 5)
        sessions: list[Any] = []
        create = storage.create_read_session

        # The emulator keeps no table of a query's result, as BigQuery does: the same rows in one of ours.
        text = compile_stream(query, house.reader._dialect).text
        kept = f"`{house.contract.dataset}`.`kept`"
        house.reader._client.query(f"CREATE TABLE {kept} AS {text}").result()

        def created(**asked: Any) -> Any:
            sessions.append(asked)
            table = f"projects/{PROJECT}/datasets/{house.contract.dataset}/tables/kept"
            return create(**{**asked, "read_session": {"table": table, "data_format": "ARROW"}})

        monkeypatch.setattr(storage, "create_read_session", created)
        assert await rows_of(await house.reader.stream(query)) == expected
        stream = await house.reader.stream(query)
        found: list[Row] = []
        while (batch := await stream.next_batch()) is not None:
            found.extend(tuple(row.values()) for row in batch.to_pylist())
        assert found == expected
        assert [session["max_stream_count"] for session in sessions] == [1, 1]


def _script_pages(rest: BigQueryRest, total: int) -> None:
    """Script an answer of two pages with two rows each that says it has so many."""
    first = result(ID, [["a"], ["b"]], totalRows=str(total), pageToken="next", jobReference=JOB)
    rest.script("POST queries", first)
    rest.script("GET job-1", Answer(job("DONE")), result(ID, [["c"], ["d"]], totalRows=str(total)))
