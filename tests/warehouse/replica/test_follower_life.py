"""A follower begins, reads on, survives its source, gives up and ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from exposure.api.hiding import HidingReader
from exposure.contracts.model import Contract
from exposure.query.model import Query, Snapshot
from exposure.warehouse.port import WAREHOUSE, RowStream, WarehouseUnavailable
from exposure.warehouse.replica.follower import Follower, Timing
from exposure.warehouse.replica.limits import ReplicaLimits
from exposure.warehouse.replica.narrow_columns import LEAST_ROWS
from exposure.warehouse.replica.replica_reader import ReplicaReader
from exposure.warehouse.replica.source import StoredRows
from fakes.followed import CONTRACT, PAST_HOUR, WINDOW, Scene, orders_with
from fakes.questions import ask
from fakes.replicated import TurnedHands


class Paused:
    """A source that waits until it is let go on."""

    def __init__(self, source: StoredRows) -> None:
        self._source = source
        self.go_on = asyncio.Event()

    async def newest(self, contract: Contract) -> Snapshot:
        return await self._source.newest(contract)

    async def stored(self, query: Query) -> RowStream:
        await self.go_on.wait()
        return await self._source.stored(query)


async def running(until: Callable[[], bool], turns: int = 2000) -> None:
    """Let the follower run until something holds."""
    for _ in range(turns):
        if until():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never came true")


def paced(clock: TurnedHands) -> Timing:
    """Return a timing by which seconds pass as fast as the loop turns."""

    async def sleep(seconds: float) -> None:
        clock.at += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    return Timing(clock, sleep)


async def test_the_first_question_begins_to_load_and_is_passed_on() -> None:
    scene = Scene()
    scene.store("a")
    source = Paused(scene.stored)
    follower = Follower(orders_with(WINDOW), source, None, paced(scene.clock))
    reader = HidingReader(ReplicaReader(scene.behind, [follower]))
    query = ask(CONTRACT, ("order_id", "eq", "a"))
    for _ in range(5):
        assert (await reader.select(query)).tier == WAREHOUSE
        await asyncio.sleep(0)
    source.go_on.set()
    await running(lambda: follower.copy is not None)
    assert (await reader.select(ask(CONTRACT, PAST_HOUR))).tier == "replica"
    await reader.close()


async def test_a_follower_reads_on_loads_again_and_survives_its_source() -> None:
    scene = Scene()
    scene.store("a")
    limits = ReplicaLimits(reload=timedelta(seconds=60))
    follower = Follower(orders_with(WINDOW), scene.stored, limits, paced(scene.clock))
    follower.begin()
    await running(lambda: follower.copy is not None)
    first = follower.copy
    scene.store("b")
    await running(lambda: follower.copy is not None and len(follower.copy) == 2)
    await running(lambda: follower.copy not in (None, first))
    scene.stored.failure = WarehouseUnavailable("down")
    await running(lambda: follower.copy is None)
    scene.stored.failure = None
    await running(lambda: follower.copy is not None)
    await follower.close()


async def test_a_text_that_was_not_numbered_is_there_after_loading_again() -> None:
    scene = Scene()
    for number in range(LEAST_ROWS):
        scene.store(f"key-{number}")
    follower = Follower(orders_with(WINDOW), scene.stored, None, paced(scene.clock))
    await follower.load()
    scene.store("new", currency="JPY")
    with pytest.raises(WarehouseUnavailable, match="loaded again"):
        await follower.refresh()
    assert follower.copy is not None
    assert len(follower.copy) == LEAST_ROWS
    follower.begin()
    await running(lambda: follower.copy is not None and len(follower.copy) == LEAST_ROWS + 1)
    await follower.close()


async def test_a_follower_that_may_not_hold_the_rows_gives_up() -> None:
    scene = Scene()
    scene.store("a")
    limits = ReplicaLimits(most_bytes=10)
    follower = Follower(orders_with(WINDOW), scene.stored, limits, paced(scene.clock))
    follower.begin()
    await running(lambda: follower._task is not None and follower._task.done())
    asked = len(scene.stored.questions)
    await asyncio.sleep(0.01)
    assert (follower.copy, len(scene.stored.questions)) == (None, asked)
    await follower.close()


async def test_closing_leaves_no_task_and_no_thread() -> None:
    before, tasks = threading.active_count(), len(asyncio.all_tasks())
    scene = Scene()
    for key in "abc":
        scene.store(key)
    follower = Follower(orders_with(WINDOW), scene.stored, None, paced(scene.clock))
    reader = HidingReader(ReplicaReader(scene.behind, [follower]))
    await reader.select(ask(CONTRACT, PAST_HOUR))
    await running(lambda: follower.copy is not None)
    await reader.select(ask(CONTRACT, PAST_HOUR, order="paid"))
    await reader.close()
    await scene.follower.close()
    assert len(asyncio.all_tasks()) == tasks
    await running(lambda: threading.active_count() <= before)


async def test_a_fault_of_our_own_ends_the_replica_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    scene.stored.failure = ZeroDivisionError("ours")
    follower = Follower(orders_with(WINDOW), scene.stored, None, paced(scene.clock))
    reader = HidingReader(ReplicaReader(scene.behind, [follower]))
    assert (await reader.select(ask(CONTRACT, PAST_HOUR))).tier == WAREHOUSE
    await running(lambda: follower._task is not None and follower._task.done())
    assert (await reader.select(ask(CONTRACT, PAST_HOUR))).tier == WAREHOUSE
    await reader.close()
    assert "there is no replica of orders any more" in caplog.text
