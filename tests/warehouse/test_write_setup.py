"""What a wrong table, column or permission leads to: no row is refused for it, and no storm gets through."""

from __future__ import annotations

import asyncio
import dataclasses

import grpc
import pytest

from exposure.contracts.model import Column
from exposure.contracts.types import Scalar
from exposure.warehouse.bigquery_writer import BigQueryWriter
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.write_limits import WriteLimits
from fakes.rows import order_row
from fakes.write_answers import SCHEMA_MISMATCH
from fakes.write_faults import Break, Fine, Judge, Refuse
from fakes.write_scene import TABLE, Scene, until, writing

Code = grpc.StatusCode
WIDER = dataclasses.replace(TABLE, columns=(*TABLE.columns, Column("added", Scalar.STRING, nullable=True)))
SETUP_FAULTS = [
    *(Break(code) for code in (Code.NOT_FOUND, Code.PERMISSION_DENIED, Code.UNAUTHENTICATED)),
    *(Refuse(code) for code in (Code.NOT_FOUND, Code.PERMISSION_DENIED, Code.FAILED_PRECONDITION)),
]


@pytest.mark.parametrize("fault", SETUP_FAULTS, ids=str)
async def test_a_wrong_setup_fails_at_once_and_refuses_no_row(fault: Break | Refuse) -> None:
    async with writing() as scene:
        scene.server.faults.append(fault)
        with pytest.raises(WarehouseMisconfigured, match=fault.code.name):
            await scene.append("a", "b")
        assert scene.time.sleeps == []
        assert scene.server.appends == 1


async def test_a_storm_meets_a_wrong_setup_with_one_probe_every_thirty_seconds() -> None:
    async def storm(scene: Scene) -> set[type]:
        appends = (scene.append(str(number)) for number in range(100))
        return {type(answer) for answer in await asyncio.gather(*appends, return_exceptions=True)}

    async with writing() as scene:
        scene.server.denied = Code.PERMISSION_DENIED
        assert await storm(scene) == {WarehouseMisconfigured}
        assert await storm(scene) == {WarehouseMisconfigured}
        assert scene.server.connections == 1
        scene.time.advance(30.1)
        assert await storm(scene) == {WarehouseMisconfigured}
        assert scene.server.connections == 2
        scene.server.denied = None
        assert await storm(scene) == {WarehouseMisconfigured}
        scene.time.advance(30.1)
        assert await storm(scene) == {dict}


async def test_a_writer_whose_setup_is_found_wrong_is_not_ready_until_it_is_mended() -> None:
    async with writing() as scene:
        await scene.writer.ready()
        scene.server.denied = Code.PERMISSION_DENIED
        with pytest.raises(WarehouseMisconfigured):
            await scene.append("a")
        with pytest.raises(WarehouseMisconfigured, match="PERMISSION_DENIED"):
            await scene.writer.ready()
        scene.time.advance(30.1)
        with pytest.raises(WarehouseMisconfigured, match="PERMISSION_DENIED"):
            await scene.writer.ready()
        scene.server.denied = None
        scene.time.advance(30.1)
        await scene.writer.ready()


async def test_a_column_the_service_does_not_know_yet_is_waited_for() -> None:
    async with writing() as scene:
        append = asyncio.create_task(scene.writer.append(WIDER, [(*order_row(), "new")]))
        await until(lambda: len(scene.time.sleeps) == 2)
        scene.server.create(WIDER)
        assert await append == {}
        assert scene.server.rows(TABLE) == [(*order_row(), "new")]
        assert scene.server.connections >= 3


@pytest.mark.parametrize("ends_stream", [False, True])
async def test_a_column_the_table_never_gets_is_a_wrong_setup_and_refuses_no_row(ends_stream: bool) -> None:
    async with writing() as scene:
        if ends_stream:
            scene.server.faults.extend([Break(Code.INVALID_ARGUMENT, storage_error=SCHEMA_MISMATCH)] * 50)
        with pytest.raises(WarehouseMisconfigured, match="SCHEMA_MISMATCH_EXTRA_FIELDS"):
            await scene.writer.append(WIDER, [(*order_row(), "new"), (*order_row(), None)])
        assert sum(scene.time.sleeps) <= 8
        assert scene.stored() == []


async def test_a_stream_whose_schema_changed_is_reopened_after_its_answers() -> None:
    async with writing(WriteLimits(in_flight=4)) as scene:
        scene.server.faults.extend([Fine(0.01, new_schema=True), Fine(0.01)])
        assert await asyncio.gather(*(scene.append(name) for name in "abc")) == [{}, {}, {}]
        assert await scene.append("d") == {}
        assert scene.stored() == list("abcd")
        assert scene.server.connections == 2


async def test_rows_refused_without_a_name_are_not_held_against_themselves_before_any_row_is_stored() -> None:
    async with writing() as scene:
        scene.server.judge = Judge(lambda _: "the table's own fault", named=0)
        for names in (("a",), ("b", "c")):
            with pytest.raises(WarehouseUnavailable, match="no other row was stored"):
                await scene.append(*names)
        with pytest.raises(WarehouseUnavailable):
            await scene.append("d")
        # The third in a row is taken for a wrong set-up: the next waits for the probe.
        with pytest.raises(WarehouseMisconfigured):
            await scene.append("e")
        scene.server.judge = None
        scene.time.advance(30.1)
        assert await scene.append("a", "b") == {}


async def test_a_lone_row_refused_without_a_name_is_refused_once_another_was_stored_meanwhile() -> None:
    async with writing() as scene:
        scene.server.judge = Judge(lambda row: "bad" if row["order_id"] == "bad" else "", named=0)
        good, refused = await asyncio.gather(scene.append("good"), scene.append("bad"))
        assert good == {}
        assert list(refused) == [0]
        with pytest.raises(WarehouseUnavailable):
            await scene.append("bad")


async def test_a_column_of_another_type_is_a_wrong_setup_and_named() -> None:
    other = dataclasses.replace(TABLE, columns=(Column("order_id", Scalar.INTEGER), *TABLE.columns[1:]))
    async with writing(tables=(other,)) as scene:
        writer = BigQueryWriter("local", (TABLE,), endpoint=scene.server.address)
        with pytest.raises(WarehouseMisconfigured, match="has order_id as REQUIRED INT64, not STRING"):
            await writer.ready()
        await writer.close()
