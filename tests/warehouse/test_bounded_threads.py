"""Calls off the event loop: how many run, how many wait, how long."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest

from exposure.warehouse.bounded_threads import BoundedThreads
from exposure.warehouse.port import WarehouseUnavailable
from fakes.gate import Gate

LONG, SHORT = timedelta(seconds=30), timedelta(milliseconds=50)


async def test_an_answer_and_an_error_reach_the_caller() -> None:
    threads = BoundedThreads("test", 1, 0)
    assert await threads.run(lambda: 7, LONG) == 7
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0, LONG)
    threads.close()


async def test_one_call_more_than_run_and_wait_is_refused_at_once(gate: Gate) -> None:
    threads = BoundedThreads("test", 1, 1)
    calls = [asyncio.create_task(threads.run(gate, LONG)) for _ in range(2)]
    await asyncio.to_thread(gate.entered.acquire)
    with pytest.raises(WarehouseUnavailable, match="too many"):
        await threads.run(gate, LONG)
    gate.open.set()
    assert await asyncio.gather(*calls) == ["done", "done"]
    assert await threads.run(gate, LONG) == "done"
    threads.close()


async def test_a_call_past_its_deadline_keeps_its_place_until_its_thread_is_free(gate: Gate) -> None:
    threads = BoundedThreads("test", 1, 0)
    with pytest.raises(WarehouseUnavailable, match="deadline"):
        await threads.run(gate, SHORT)
    await asyncio.sleep(0.01)
    with pytest.raises(WarehouseUnavailable, match="too many"):
        await threads.run(gate, LONG)
    gate.open.set()
    while True:
        try:
            assert await threads.run(lambda: 7, LONG) == 7
            break
        except WarehouseUnavailable:
            await asyncio.sleep(0)
    threads.close()


async def test_the_deadline_counts_the_wait_for_a_thread_and_the_call_never_begins(gate: Gate) -> None:
    threads = BoundedThreads("test", 1, 1)
    first = asyncio.create_task(threads.run(gate, LONG))
    await asyncio.to_thread(gate.entered.acquire)
    begun = threading.Event()
    with pytest.raises(WarehouseUnavailable, match="deadline"):
        await threads.run(begun.set, SHORT)
    gate.open.set()
    await first
    assert await threads.run(begun.is_set, LONG) is False
    threads.close()


async def test_a_caller_that_leaves_takes_its_waiting_call_along(gate: Gate) -> None:
    threads = BoundedThreads("test", 1, 1)
    first = asyncio.create_task(threads.run(gate, LONG))
    await asyncio.to_thread(gate.entered.acquire)
    begun = threading.Event()
    second = asyncio.create_task(threads.run(begun.set, LONG))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    gate.open.set()
    await first
    assert await threads.run(begun.is_set, LONG) is False
    threads.close()


async def test_closing_drops_the_calls_that_wait_and_refuses_new_ones(gate: Gate) -> None:
    threads = BoundedThreads("test", 1, 1)
    first = asyncio.create_task(threads.run(gate, LONG))
    await asyncio.to_thread(gate.entered.acquire)
    second = asyncio.create_task(threads.run(gate, LONG))
    await asyncio.sleep(0)
    threads.close()
    with pytest.raises(WarehouseUnavailable, match="closed"):
        await second
    with pytest.raises(WarehouseUnavailable, match="closed"):
        await threads.run(gate, LONG)
    gate.open.set()
    assert await first == "done"
