"""What the writer makes of a server that keeps to no protocol, or of none it can speak to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import google.auth
import grpc
import pytest
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError

from exposure.warehouse.bigquery_writer import BigQueryWriter
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.write_limits import WriteLimits
from fakes.bigquery_write import FakeBigQueryWrite
from fakes.odd_write_server import AppendRows, serving
from fakes.rows import order_row
from fakes.write_answers import stored
from fakes.write_scene import TABLE, orders_of

QUICK = WriteLimits(deadline=timedelta(seconds=30), answer_timeout=timedelta(milliseconds=400))


def _in_turn(calls: Sequence[AppendRows]) -> AppendRows:
    left = list(calls)

    async def append_rows(nothing: Any, context: Any) -> None:
        await left.pop(0)(nothing, context)

    return append_rows


async def _sensible(_: Any, context: Any) -> None:
    while await context.read() is not grpc.aio.EOF:
        await context.write(stored("path"))


async def _deaf(_: Any, __: Any) -> None:
    await asyncio.Event().wait()


async def _curt(_: Any, context: Any) -> None:
    await context.read()


async def _gone(_: Any, __: Any) -> None:
    """End the call with no error before anything was read."""


async def test_an_append_outlives_a_call_that_is_cut_before_it_has_connected() -> None:
    limits = WriteLimits(deadline=timedelta(seconds=10), answer_timeout=timedelta(milliseconds=50))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        writer = BigQueryWriter("local", endpoint=f"127.0.0.1:{port}", limits=limits)
        appending = asyncio.create_task(writer.append(TABLE, orders_of(["one"])))
        await asyncio.sleep(0.3)
    server = FakeBigQueryWrite([TABLE])
    await server.start(port)
    assert await appending == {}
    await writer.close()
    await server.stop()


@pytest.mark.parametrize("odd", [_deaf, _curt, _gone])
async def test_an_append_outlives_a_server_that_does_not_answer(odd: AppendRows) -> None:
    large = [order_row(context=f'"{"x" * 1_500_000}"') for _ in range(2)]
    async with serving(_in_turn([odd, odd, _sensible])) as address:
        writer = BigQueryWriter("local", endpoint=address, limits=QUICK)
        assert await writer.append(TABLE, large) == {}
        await writer.close()


async def test_a_server_that_never_reads_holds_nobody_beyond_the_deadline() -> None:
    limits = WriteLimits(deadline=timedelta(milliseconds=100), answer_timeout=timedelta(seconds=60))
    async with serving(_deaf) as address:
        writer = BigQueryWriter("local", endpoint=address, limits=limits)
        with pytest.raises(WarehouseUnavailable, match=r"no answer within 0\.1 s"):
            await writer.append(TABLE, [order_row(context=f'"{"x" * 5_000_000}"')])
        await writer.close()


async def test_an_answer_no_request_asked_for_is_credited_to_none(caplog: pytest.LogCaptureFixture) -> None:
    async def talkative(_: Any, context: Any) -> None:
        await context.read()
        for _ in range(3):
            await context.write(stored("path"))
        while await context.read() is not grpc.aio.EOF:
            pass

    async with serving(_in_turn([talkative, _sensible])) as address:
        writer = BigQueryWriter("local", endpoint=address, limits=QUICK)
        assert await writer.append(TABLE, orders_of(["a"])) == {}
        assert await writer.append(TABLE, orders_of(["b"])) == {}
        await writer.close()
    assert caplog.text == ""


async def test_the_cloud_is_reached_with_the_credentials_of_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    monkeypatch.setattr(google.auth, "default", lambda **_: (credentials, "project"))
    writer = BigQueryWriter("project")
    assert writer._transport().host == "bigquerystorage.googleapis.com:443"
    await writer.close()


async def test_a_process_without_credentials_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_credentials(**_: object) -> None:
        raise DefaultCredentialsError("none found")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(google.auth, "default", no_credentials)
    writer = BigQueryWriter("project", [TABLE])
    with pytest.raises(WarehouseMisconfigured, match="none found"):
        await writer.append(TABLE, orders_of(["a"]))
    with pytest.raises(WarehouseMisconfigured, match="none found"):
        await writer.ready()
    await writer.close()
