"""What is pulled is acknowledged when it is durable, and only then."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from exposure.contracts.analytics_table import CONTRACT
from exposure.ingest.pull.stream import PullLimits, PullRefused
from exposure.ingest.pull.worker import PullWorker
from exposure.local.pubsub.server import PubSubConfig, PubSubServer
from exposure.warehouse.port import WarehouseUnavailable
from fakes.messages import event
from fakes.pulled_road import PATIENCE_SECONDS, Scene, eventually
from fakes.recording_writer import RecordingWriter


async def test_a_message_is_acknowledged_only_after_its_row_is_durable(scene: Scene) -> None:
    scene.writer.holds = True
    async with scene.pulling():
        await scene.publish(event())
        await eventually(lambda: bool(scene.writer.appends))
        assert scene.backlog() == 1
        scene.writer.appends[0].answer()
        await eventually(lambda: scene.backlog() == 0)
    assert scene.stored() == ["evt-1"]


async def test_what_the_warehouse_cannot_store_now_comes_again(scene: Scene) -> None:
    scene.writer.failure = WarehouseUnavailable("down")
    async with scene.pulling():
        await scene.publish(event())
        await eventually(lambda: len(scene.writer.appends) > 1)
        assert scene.backlog() == 1
        scene.writer.failure = None
        await eventually(lambda: scene.backlog() == 0)
    assert scene.stored() == ["evt-1"]


async def test_what_can_never_be_a_row_is_acknowledged_once_it_is_in_quarantine(scene: Scene) -> None:
    async with scene.pulling():
        await scene.publish(b"not json", event(id="evt-2"))
        await eventually(lambda: scene.backlog() == 0)
    assert scene.stored() == ["evt-2"]
    (row,) = scene.writer.stored(f"{CONTRACT.name}_quarantine")
    assert b"not json" in row


async def test_many_messages_are_each_stored_once_in_few_appends(scene: Scene) -> None:
    await scene.publish(*(event(id=f"evt-{number}") for number in range(5000)))
    async with scene.pulling():
        await eventually(lambda: scene.backlog() == 0)
    assert sorted(scene.stored()) == sorted(f"evt-{number}" for number in range(5000))
    assert len(scene.writer.appends) < 500


async def test_asked_to_stop_it_settles_what_it_holds_and_closes_the_writer(scene: Scene) -> None:
    scene.writer.holds = True
    worker = scene.worker()
    running = asyncio.create_task(worker.run())
    await scene.publish(event())
    await eventually(lambda: bool(scene.writer.appends))
    worker.stop()
    await scene.publish(event(id="evt-2"))
    await asyncio.sleep(0.05)
    assert not running.done()
    for append in scene.writer.appends:
        append.answer()
    await asyncio.wait_for(running, PATIENCE_SECONDS)
    assert scene.writer.closed
    assert scene.backlog() + len(scene.stored()) == 2


async def test_nothing_is_pulled_while_the_warehouse_is_not_ready(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.writer.complaint = WarehouseUnavailable("no table")
    worker = scene.worker()
    running = asyncio.create_task(worker.run())
    await scene.publish(event())
    await eventually(lambda: scene.writer.asked_ready > 0)
    await asyncio.sleep(0.05)
    assert scene.writer.appends == []
    worker.stop()
    await asyncio.wait_for(running, PATIENCE_SECONDS)
    assert scene.backlog() == 1


async def test_a_subscription_that_does_not_exist_ends_the_worker_by_name(scene: Scene) -> None:
    missing = "projects/local/subscriptions/missing"
    worker = PullWorker({missing: scene.pipeline()}, scene.writer, scene.pubsub.address)
    with pytest.raises(PullRefused, match=missing):
        await asyncio.wait_for(worker.run(), PATIENCE_SECONDS)
    assert scene.writer.closed


async def test_a_broken_connection_is_opened_again(tmp_path: Path) -> None:
    writer = RecordingWriter()
    async with PubSubServer(PubSubConfig(tmp_path, 0)) as first:
        scene = Scene(first, writer)
        await scene.declare()
        port = int(first.address.rpartition(":")[2])
        worker = scene.worker()
        running = asyncio.create_task(worker.run())
        await scene.publish(event())
        await eventually(lambda: scene.stored() == ["evt-1"])
    async with PubSubServer(PubSubConfig(tmp_path, port)) as second:
        scene = Scene(second, writer)
        await scene.publish(event(id="evt-2"))
        await eventually(lambda: "evt-2" in scene.stored() and scene.backlog() == 0)
        worker.stop()
        await asyncio.wait_for(running, PATIENCE_SECONDS)


async def test_no_more_is_held_than_the_limit(scene: Scene) -> None:
    scene.writer.holds = True
    await scene.publish(*(event(id=f"evt-{number}") for number in range(50)))
    worker = scene.worker(PullLimits(held_messages=10))
    running = asyncio.create_task(worker.run())
    await eventually(lambda: bool(scene.writer.appends))
    await asyncio.sleep(0.1)
    assert sum(len(append.rows) for append in scene.writer.appends) <= 10
    scene.writer.holds = False
    for append in scene.writer.appends:
        append.answer()
    await eventually(lambda: scene.backlog() == 0)
    worker.stop()
    await asyncio.wait_for(running, PATIENCE_SECONDS)
