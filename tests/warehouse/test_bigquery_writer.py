"""What the writer promises its callers, over the real wire, against a server that is strict."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

import pytest

from exposure.contracts import analytics_table
from exposure.warehouse.bigquery_writer import BigQueryWriter
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.schema import rows_table
from exposure.warehouse.write_limits import WriteLimits
from fakes.bigquery_write import FakeBigQueryWrite
from fakes.rows import order_row
from fakes.write_faults import Fine, Judge
from fakes.write_scene import TABLE, Scene, orders_of, until, writing

NAMES = [f"ord-{number}" for number in range(1000)]
BAD = {3: "ord-3 is bad", 4: "ord-4 is bad", 500: "ord-500 is bad", 999: "ord-999 is bad"}
GOOD = [name for index, name in enumerate(NAMES) if index not in BAD]
_BAD_NAMES = {NAMES[index] for index in BAD}


def _reason(row: Mapping[str, object]) -> str:
    name = str(row["order_id"])
    return f"{name} is bad" if name in _BAD_NAMES or name.endswith("-bad") else ""


async def test_rows_are_stored_as_they_were_given() -> None:
    rows = [
        order_row(
            order_id=f"ord-{number}",
            shipping={"street": "Calle Mayor 1", "city": "Madrid", "postcode": None, "latitude": 40.4154},
            tags=["gift"] * number,
        )
        for number in range(5)
    ]
    async with writing() as scene:
        assert await scene.writer.append(TABLE, rows) == {}
        assert scene.server.rows(TABLE) == rows


async def test_row_errors_refuse_only_the_bad_rows() -> None:
    async with writing() as scene:
        scene.server.judge = Judge(_reason)
        assert await scene.append(*NAMES) == BAD
        assert scene.stored() == GOOD
        assert scene.server.appends == 2


async def test_a_list_of_row_errors_that_was_cut_is_asked_for_again() -> None:
    async with writing() as scene:
        scene.server.judge = Judge(_reason, named=1)
        assert await scene.append(*NAMES) == BAD
        assert scene.stored() == GOOD
        assert scene.server.appends == 1 + len(BAD)


@pytest.mark.parametrize("ends_stream", [False, True])
async def test_bad_rows_that_are_not_named_are_found_by_halves(ends_stream: bool) -> None:
    async with writing() as scene:
        scene.server.judge = Judge(_reason, named=0, ends_stream=ends_stream)
        assert set(await scene.append(*NAMES)) == set(BAD)
        assert sorted(map(str, scene.stored())) == sorted(GOOD)
        assert scene.server.appends <= 1 + 2 * len(BAD) * 10


async def test_a_stream_that_ends_for_an_invalid_row_blames_no_other_append() -> None:
    async with writing(WriteLimits(in_flight=4)) as scene:
        scene.server.judge = Judge(_reason, named=0, ends_stream=True)
        answers = await asyncio.gather(
            *(scene.append(name) for name in ("a", "b-bad", "c", "d-bad", "e", "f"))
        )
        assert [sorted(answer) for answer in answers] == [[], [0], [], [0], [], []]
        assert set(scene.stored()) >= {"a", "c", "e", "f"}


async def test_a_null_in_a_required_column_refuses_only_its_row() -> None:
    rows = [order_row(order_id="a"), order_row(order_id="b", currency=None), order_row(order_id="c")]
    async with writing() as scene:
        assert await scene.writer.append(TABLE, rows) == {1: "currency is required"}
        assert scene.stored() == ["a", "c"]


async def test_a_value_its_column_cannot_hold_refuses_only_its_row() -> None:
    rows = [order_row(order_id="a"), order_row(order_id="\ud800"), order_row(order_id="c", customer_id=2**63)]
    async with writing() as scene:
        refused = await scene.writer.append(TABLE, rows)
        assert sorted(refused) == [1, 2]
        assert all(refused.values())
        assert scene.stored() == ["a"]
        assert sorted(await scene.writer.append(TABLE, rows[1:])) == [0, 1]


async def test_rows_are_not_refused_one_by_one_when_nearly_all_seem_bad() -> None:
    async with writing(WriteLimits(searches=20)) as scene:
        scene.server.judge = Judge(lambda _: "the fault is not theirs", named=0)
        with pytest.raises(WarehouseMisconfigured, match="too many rows"):
            await scene.append(*NAMES)
        assert scene.stored() == []
        assert scene.server.appends < 50


async def test_fifty_callers_at_a_time_each_learn_of_their_own_rows() -> None:
    dice = random.Random(7)

    async def one_caller(number: int, scene: Scene) -> None:
        for turn in range(4):
            names = [
                f"{number}-{turn}-{row}{dice.choice(['', '', '-bad'])}" for row in range(dice.randint(1, 9))
            ]
            refused = await scene.append(*names)
            bad = {index: f"{name} is bad" for index, name in enumerate(names) if name.endswith("-bad")}
            assert refused == bad

    async with writing(WriteLimits(in_flight=4)) as scene:
        scene.server.judge = Judge(_reason, named=2)
        scene.server.faults.extend(Fine(dice.choice([0, 0, 0.002])) for _ in range(400))
        await asyncio.gather(*(one_caller(number, scene) for number in range(50)))
        assert len(scene.stored()) == len(set(scene.stored()))
        assert not any(str(name).endswith("-bad") for name in scene.stored())


async def test_an_append_of_nothing_touches_nothing() -> None:
    async with writing() as scene:
        assert await scene.append() == {}
        assert (scene.server.connections, scene.server.appends) == (0, 0)


async def test_tables_do_not_share_a_stream() -> None:
    other = rows_table(analytics_table.CONTRACT)
    async with writing(tables=(TABLE, other)) as scene:
        moment = order_row()[1]
        row = ("evt-1", moment, None, "1", moment, moment, None)
        refused = await asyncio.gather(scene.append("a"), scene.writer.append(other, [row]))
        assert [dict(answer) for answer in refused] == [{}, {}]
        assert (scene.stored(), scene.server.rows(other)) == (["a"], [row])
        assert scene.server.connections == 2


async def test_a_cancelled_caller_takes_nothing_from_the_others() -> None:
    async with writing(WriteLimits(in_flight=4)) as scene:
        scene.server.judge = Judge(_reason)
        gate = asyncio.Event()
        scene.server.faults.append(Fine(gate=gate))
        callers = [asyncio.create_task(scene.append(name)) for name in ("a", "b-bad", "c", "d", "e", "f-bad")]
        await until(lambda: scene.server.appends == 1)
        callers[0].cancel()
        callers[4].cancel()
        gate.set()
        answers = await asyncio.gather(*callers, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert [answers[1], answers[2], answers[3], answers[5]] == [
            {0: "b-bad is bad"},
            {},
            {},
            {0: "f-bad is bad"},
        ]
        assert {"c", "d"} <= set(scene.stored())


async def test_more_appends_than_may_wait_are_turned_away() -> None:
    async with writing(WriteLimits(waiting=2)) as scene:
        gate = asyncio.Event()
        scene.server.faults.append(Fine(gate=gate))
        held = [asyncio.create_task(scene.append(name)) for name in "ab"]
        await until(lambda: scene.server.appends == 1)
        with pytest.raises(WarehouseUnavailable, match="2 appends"):
            await scene.append("c")
        gate.set()
        assert await asyncio.gather(*held) == [{}, {}]


async def test_orders_go_to_the_table_named_by_project_dataset_and_name() -> None:
    async with FakeBigQueryWrite([TABLE], project="another") as server:
        writer = BigQueryWriter("another", endpoint=server.address)
        assert await writer.append(TABLE, orders_of(["a"])) == {}
        await writer.close()


async def test_rows_are_spread_over_requests_by_their_size() -> None:
    rows = [order_row(order_id=f"{number}-{'x' * 1000}") for number in range(100)]
    async with writing(WriteLimits(request_bytes=20_000)) as scene:
        assert await scene.writer.append(TABLE, rows) == {}
        assert scene.server.rows(TABLE) == rows
        assert 6 <= scene.server.appends <= 12


async def test_indices_are_the_callers_after_rows_were_spread() -> None:
    names = [f"{number}-{'x' * 500}{'-bad' if number % 7 == 0 else ''}" for number in range(100)]
    async with writing(WriteLimits(request_bytes=5_000)) as scene:
        scene.server.judge = Judge(_reason, named=1)
        assert sorted(await scene.append(*names)) == list(range(0, 100, 7))
        assert len(scene.stored()) == 100 - 15


async def test_an_append_larger_than_any_request_may_be_is_stored() -> None:
    rows = [order_row(order_id=str(number), context=f'"{"x" * 1_000_000}"') for number in range(25)]
    async with writing() as scene:
        assert await scene.writer.append(TABLE, rows) == {}
        assert [row[0] for row in scene.server.rows(TABLE)] == [str(number) for number in range(25)]


async def test_a_large_row_travels_alone_and_one_too_large_is_refused() -> None:
    texts = ["small", "x" * 12_000_000, "x" * 19_000_000, "small"]
    rows = [order_row(order_id=str(number), context=f'"{text}"') for number, text in enumerate(texts)]
    async with writing() as scene:
        refused = await scene.writer.append(TABLE, rows)
        assert list(refused) == [2]
        assert "an append at most 19000000" in refused[2]
        assert sorted(map(str, scene.stored())) == ["0", "1", "3"]
