"""Each reading is of one moment, and a copy knows what had arrived by each of them."""

from __future__ import annotations

import dataclasses

import pytest

from exposure.contracts.model import Contract
from exposure.query.model import Query, Snapshot
from exposure.warehouse.port import WAREHOUSE, RowStream, WarehouseUnavailable
from exposure.warehouse.replica.asked import asked_of
from exposure.warehouse.replica.follower import Follower, Timing
from exposure.warehouse.replica.source import read_all, stored_query
from fakes.followed import CONTRACT, PAST_HOUR, SECOND, WINDOW, Scene, orders_with
from fakes.questions import ask
from fakes.rows import NOON


class Arriving:
    """A source in which a row is stored each time it has told a moment."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def newest(self, contract: Contract) -> Snapshot:
        moment = await self._scene.stored.newest(contract)
        self._scene.store(f"key-{moment.rows}")
        return moment

    async def stored(self, query: Query) -> RowStream:
        return await self._scene.stored.stored(query)


async def test_every_reading_is_of_the_moment_the_copy_then_claims(scene: Scene) -> None:
    scene.store("a")
    await scene.follower.load()
    scene.clock.at += 5 * SECOND
    scene.store("b")
    await scene.follower.refresh()
    moments = [Snapshot(NOON, 1), Snapshot(NOON + 5 * SECOND, 2)]
    assert [one.snapshot for one in scene.stored.questions] == moments
    assert scene.follower.copy is not None
    assert scene.follower.copy.moment == moments[-1]


async def test_rows_stored_while_a_reading_begins_come_with_the_next_one() -> None:
    scene = Scene()
    follower = Follower(orders_with(WINDOW), Arriving(scene), None, Timing(scene.clock, scene.clock.sleep))
    for step, count in ((follower.load, 0), (follower.refresh, 1)):
        await step()
        assert follower.copy is not None
        assert (len(follower.copy), follower.copy.moment.rows) == (count, count)
    await follower.close()


async def test_a_copy_read_before_the_clock_was_set_back_is_dropped_and_loaded_again(scene: Scene) -> None:
    scene.store("a")
    await scene.follower.load()
    scene.clock.at -= SECOND
    scene.store("b")
    with pytest.raises(WarehouseUnavailable, match="set back"):
        await scene.follower.refresh()
    assert scene.follower.copy is None
    assert scene.follower._is_due()
    await scene.follower.load()
    assert await scene.seen() == [("a", "EUR"), ("b", "EUR")]


async def test_a_copy_knows_which_rows_had_arrived_by_each_of_its_readings(scene: Scene) -> None:
    for key in "ab":
        scene.store(key)
    await scene.follower.load()
    moments = [Snapshot(NOON, 2)]
    for key in "cd":
        scene.clock.at += 5 * SECOND
        scene.store(key)
        await scene.follower.refresh()
        moments.append(Snapshot(scene.clock.at, len(scene.stored.rows)))
    copy = scene.follower.copy
    assert copy is not None
    query = ask(CONTRACT, PAST_HOUR, select="order_id", order="placed_at,order_id")
    for count, moment in zip((2, 3, 4), moments, strict=True):
        assert copy.arrived_by(moment) == count
        fetched = copy.page(dataclasses.replace(query, snapshot=moment), asked_of(query).span)
        assert [row[0] for row in fetched.rows] == list("abcd")[:count]
    assert copy.arrived_by(Snapshot(NOON + SECOND, 3)) is None


async def test_a_row_that_took_another_s_place_hides_what_had_arrived_before(scene: Scene) -> None:
    scene.store("a")
    await scene.follower.load()
    scene.store("a", stamped=NOON - SECOND)
    scene.clock.at += 5 * SECOND
    await scene.follower.refresh()
    copy = scene.follower.copy
    assert copy is not None
    assert copy.arrived_by(Snapshot(NOON, 1)) is None
    assert copy.arrived_by(Snapshot(scene.clock.at, 2)) == 2


async def test_while_a_row_is_about_to_take_another_s_place_the_table_is_asked_nothing(scene: Scene) -> None:
    scene.store("a")
    await scene.follower.load()
    copy = scene.follower.copy
    assert copy is not None
    scene.store("a", stamped=NOON - SECOND)
    read = await read_all(scene.stored, stored_query(CONTRACT, None), 2**20)
    arrivals = copy.sift(read)
    copy.announce(arrivals)
    by_table = ask(CONTRACT, PAST_HOUR, order="currency")
    assert (await scene.reader.select(by_table)).tier == WAREHOUSE
    copy.table.add(arrivals.table, arrivals.replaced)
    assert (await scene.reader.select(by_table)).tier == WAREHOUSE
    copy.add(arrivals, read.moment)
    page = await scene.reader.select(by_table)
    assert (len(page.rows), page.tier, page.snapshot) == (1, "replica", read.moment)
