"""Acknowledgements travel many at a time, are tried again, and are lost at the price of a redelivery only."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import grpc
import pytest

from exposure.ingest.pull.settlement import Settlement


class Transport:
    """Remembers how many ids each call told, and fails as often as asked."""

    def __init__(self, failures: Sequence[grpc.StatusCode] = ()) -> None:
        self.failures = list(failures)
        self.acknowledged: list[int] = []
        self.released: list[int] = []

    async def acknowledge(self, request: Any, **_: Any) -> None:
        self._fail()
        self.acknowledged.append(len(request.ack_ids))

    async def modify_ack_deadline(self, request: Any, **_: Any) -> None:
        assert request.ack_deadline_seconds == 0
        self.released.append(len(request.ack_ids))

    def _fail(self) -> None:
        if self.failures:
            empty = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(self.failures.pop(0), empty, empty, details="as asked")


async def test_a_call_tells_of_a_thousand_at_most_and_gathers_what_came_meanwhile() -> None:
    transport = Transport()
    settlement = Settlement(transport, "s")
    settlement.acknowledge([str(number) for number in range(1500)])
    settlement.acknowledge(["more"] * 300)
    settlement.release(["again"])
    await settlement.close()
    assert transport.acknowledged == [1000, 800]
    assert transport.released == [1]


async def test_a_passing_failure_is_tried_again() -> None:
    transport = Transport([grpc.StatusCode.UNAVAILABLE])
    settlement = Settlement(transport, "s")
    settlement.acknowledge(["a"])
    await settlement.close()
    assert transport.acknowledged == [1]


async def test_a_lasting_failure_is_said_and_the_next_call_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    transport = Transport([grpc.StatusCode.PERMISSION_DENIED])
    settlement = Settlement(transport, "s")
    with caplog.at_level(logging.WARNING):
        settlement.acknowledge(["a"])
        await settlement.close()
    assert "1 messages will come again" in caplog.text
    settlement.acknowledge(["b"])
    await settlement.close()
    assert transport.acknowledged == [1]
