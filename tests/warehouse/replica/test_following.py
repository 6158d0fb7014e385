"""Rows that come after the copy was made: late, out of order, twice; and what happens when reading fails."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exposure.contracts.model import INGEST_TIME
from exposure.query.model import Filter, comparisons
from exposure.warehouse.port import WAREHOUSE, WarehouseUnavailable
from exposure.warehouse.replica.limits import ReplicaLimits
from exposure.warehouse.replica.source import TooManyRows
from fakes.followed import CONTRACT, PAST_HOUR, SECOND, Scene
from fakes.questions import ask
from fakes.rows import NOON


async def test_rows_stored_since_are_read_and_the_copy_is_as_of_then(scene: Scene) -> None:
    scene.store("a")
    await scene.follower.load()
    scene.clock.at += 5 * SECOND
    scene.store("b")
    await scene.follower.refresh()
    assert await scene.seen() == [("a", "EUR"), ("b", "EUR")]
    assert scene.follower.copy is not None
    assert scene.follower.copy.as_of == NOON + 5 * SECOND


async def test_only_what_may_be_new_is_read_again(scene: Scene) -> None:
    await scene.follower.load()
    scene.clock.at += 5 * SECOND
    await scene.follower.refresh()
    _, following = scene.stored.questions
    [stamped] = [one for one in comparisons(*following.filters) if one.column == INGEST_TIME]
    assert isinstance(stamped, Filter)
    assert stamped.value == NOON - ReplicaLimits().overlap


async def test_a_row_stored_long_after_it_was_stamped_is_found(scene: Scene) -> None:
    await scene.follower.load()
    scene.clock.at += 30 * SECOND
    await scene.follower.refresh()
    scene.store("late", stamped=scene.clock.at - 16 * SECOND)
    scene.clock.at += 5 * SECOND
    await scene.follower.refresh()
    assert await scene.seen() == [("late", "EUR")]


async def test_what_took_longer_than_the_overlap_is_found_by_loading_again(scene: Scene) -> None:
    await scene.follower.load()
    scene.store("lost", stamped=NOON - timedelta(minutes=5))
    await scene.follower.refresh()
    assert await scene.seen() == []
    await scene.follower.load()
    assert await scene.seen() == [("lost", "EUR")]


async def test_rows_come_out_in_order_however_they_came_in(scene: Scene) -> None:
    for key, minutes in (("d", 4), ("b", 2)):
        scene.store(key, placed_at=NOON - timedelta(minutes=minutes))
    await scene.follower.load()
    for key, minutes in (("a", 1), ("e", 5), ("c", 3)):
        scene.store(key, placed_at=NOON - timedelta(minutes=minutes))
    await scene.follower.refresh()
    assert [row[0] for row in await scene.seen()] == ["e", "d", "c", "b", "a"]
    assert [row[0] for row in await scene.seen(order="-placed_at,-order_id")] == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("is_loaded", [True, False])
async def test_a_row_stored_again_changes_nothing(scene: Scene, is_loaded: bool) -> None:
    if is_loaded:
        scene.store("a")
        await scene.follower.load()
    else:
        await scene.follower.load()
        scene.store("a")
        await scene.follower.refresh()
    scene.store("a", stamped=NOON + SECOND, currency="USD")
    scene.store("a")
    await scene.follower.refresh()
    assert await scene.seen() == [("a", "EUR")]
    assert await scene.seen(PAST_HOUR, ("order_id", "eq", "a"), order="paid") == [("a", "EUR")]


@pytest.mark.parametrize("is_loaded", [True, False])
async def test_a_row_stamped_earlier_takes_the_place_of_a_later_one(scene: Scene, is_loaded: bool) -> None:
    if is_loaded:
        scene.store("a")
    await scene.follower.load()
    if not is_loaded:
        scene.store("a")
        await scene.follower.refresh()
    scene.store("a", stamped=NOON - SECOND, currency="USD")
    await scene.follower.refresh()
    for order in ("placed_at,order_id", "paid"):
        assert await scene.seen(order=order) == [("a", "USD")]
    assert await scene.seen(("order_id", "eq", "a")) == [("a", "USD")]


async def test_of_rows_stamped_alike_the_least_message_counts(scene: Scene) -> None:
    scene.store("a", _message_id="2")
    await scene.follower.load()
    scene.store("a", _message_id="10", currency="USD")
    await scene.follower.refresh()
    assert await scene.seen() == [("a", "USD")]


@pytest.mark.parametrize("is_loaded", [True, False])
async def test_a_question_that_parts_the_rows_of_a_key_is_passed_on(scene: Scene, is_loaded: bool) -> None:
    scene.store("a", placed_at=NOON - timedelta(minutes=40))
    if not is_loaded:
        await scene.follower.load()
    scene.store("a", stamped=NOON + SECOND, placed_at=NOON - timedelta(minutes=20), currency="USD")
    await (scene.follower.load if is_loaded else scene.follower.refresh)()
    assert await scene.seen() == [("a", "EUR")]
    parting = ("placed_at", "gte", NOON - timedelta(minutes=30))
    for order in ("placed_at,order_id", "paid"):
        page = await scene.reader.select(ask(CONTRACT, parting, order=order))
        assert page.tier == WAREHOUSE
    assert await scene.seen(("placed_at", "gte", NOON - timedelta(minutes=10))) == []


async def test_a_source_that_fails_leaves_the_copy_as_it_is(scene: Scene) -> None:
    scene.store("a")
    await scene.follower.load()
    scene.stored.failure = WarehouseUnavailable("down")
    for step in (scene.follower.refresh, scene.follower.load):
        with pytest.raises(WarehouseUnavailable):
            await step()
    assert await scene.seen() == [("a", "EUR")]
    scene.stored.failure = None
    scene.store("b")
    await scene.follower.refresh()
    assert await scene.seen() == [("a", "EUR"), ("b", "EUR")]


async def test_a_stream_that_breaks_off_adds_nothing(scene: Scene) -> None:
    scene.store("a")
    await scene.follower.load()
    scene.store("b")
    scene.stored.breaks = True
    with pytest.raises(WarehouseUnavailable):
        await scene.follower.refresh()
    assert await scene.seen() == [("a", "EUR")]
    assert scene.stored.open_streams == 0


async def test_more_rows_than_may_be_held_are_not_held() -> None:
    scene = Scene(ReplicaLimits(most_bytes=1000))
    for number in range(100):
        scene.store(f"key-{number}")
    with pytest.raises(TooManyRows):
        await scene.follower.load()
    assert scene.follower.copy is None
    await scene.follower.close()
