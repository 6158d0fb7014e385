"""When a writer is ready, when it forgets a stream, and how it ends."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import suppress
from datetime import timedelta

import grpc
import pytest

from exposure.contracts.model import Column
from exposure.contracts.types import Scalar
from exposure.warehouse.bigquery_writer import BigQueryWriter
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.write_limits import WriteLimits
from fakes.bigquery_write import FakeBigQueryWrite
from fakes.write_faults import Fine, Refuse
from fakes.write_scene import TABLE, orders_of, until, writing


async def test_closing_waits_for_the_appends_at_hand_and_takes_no_more() -> None:
    async with writing() as scene:
        scene.server.faults.extend([Fine(0.03), Refuse(grpc.StatusCode.ABORTED)])
        appends = [asyncio.create_task(scene.append(name)) for name in "abcd"]
        await until(lambda: scene.server.appends == 1)
        await scene.writer.close()
        assert await asyncio.gather(*appends) == [{}, {}, {}, {}]
        assert sorted(map(str, scene.stored())) == ["a", "b", "c", "d"]
        with pytest.raises(WarehouseUnavailable, match="closed"):
            await scene.append("e")
        with pytest.raises(WarehouseUnavailable, match="closed"):
            await scene.writer.ready()


async def test_a_writer_is_ready_when_its_tables_are_there() -> None:
    async with writing() as scene:
        await scene.writer.ready()
        assert scene.server.appends == 0
        await scene.server.stop()
        await scene.writer.ready()  # found sound once: what it meets later, the appends tell


async def test_a_writer_whose_table_is_missing_is_not_ready() -> None:
    missing = dataclasses.replace(TABLE, name="missing")
    async with writing() as scene:
        writer = BigQueryWriter("local", [TABLE, missing], endpoint=scene.server.address)
        with pytest.raises(WarehouseMisconfigured, match="NOT_FOUND"):
            await writer.ready()
        scene.server.create(missing)
        with pytest.raises(WarehouseMisconfigured, match="NOT_FOUND"):
            await writer.ready()
        scene.time.advance(31)
        await writer.ready()
        await writer.close()


async def test_a_writer_whose_table_lacks_a_column_is_not_ready() -> None:
    wider = dataclasses.replace(
        TABLE, columns=(*TABLE.columns, Column("added", Scalar.STRING, nullable=True))
    )
    async with writing() as scene:
        writer = BigQueryWriter("local", [wider], endpoint=scene.server.address)
        with pytest.raises(WarehouseMisconfigured, match="lacks the column added"):
            await writer.ready()
        await writer.close()


async def test_a_writer_that_reaches_no_server_is_not_ready_until_it_does() -> None:
    async with FakeBigQueryWrite([TABLE]) as server:
        await server.stop()
        writer = BigQueryWriter("local", [TABLE], endpoint=server.address)
        with pytest.raises(WarehouseUnavailable, match="UNAVAILABLE"):
            await writer.ready()
        await server.start(int(server.address.rpartition(":")[2]))
        with suppress(WarehouseUnavailable):
            await writer.ready()
        assert await writer.append(TABLE, orders_of(["a"])) == {}
        await writer.ready()
        await writer.close()


async def test_a_stream_unused_for_long_is_forgotten_and_opened_again() -> None:
    async with writing(WriteLimits(idle=timedelta(minutes=20))) as scene:
        await scene.append("a")
        scene.time.advance(21 * 60)
        await until(lambda: not scene.writer._streams)
        assert await scene.append("b") == {}
        assert scene.stored() == ["a", "b"]


async def test_a_stream_with_an_append_in_flight_is_not_forgotten() -> None:
    limits = WriteLimits(
        idle=timedelta(seconds=1), deadline=timedelta(minutes=5), answer_timeout=timedelta(minutes=5)
    )
    async with writing(limits) as scene:
        gate = asyncio.Event()
        scene.server.faults.append(Fine(gate=gate))
        append = asyncio.create_task(scene.append("a"))
        await until(lambda: scene.server.appends == 1)
        scene.time.advance(60)
        await asyncio.sleep(0.01)
        gate.set()
        assert await append == {}
        assert scene.server.connections == 1
