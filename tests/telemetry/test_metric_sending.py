"""When metrics leave the process: every interval, beside its work, once more at the end, never for long."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from exposure.identity import google_session as google
from exposure.telemetry import sent_metrics
from exposure.telemetry.counts import Counts, Level
from exposure.telemetry.names import BACKLOG_LEVEL, REQUESTS
from exposure.telemetry.sent_metrics import SentMetrics
from fakes.otlp_receiver import OtlpReceiver
from fakes.sent_counts import NAME, counted, requests, target, until


async def test_levels_that_cannot_be_read_cost_one_sending_and_are_told(
    collector: OtlpReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    answers = iter([ZeroDivisionError("planted")])

    def levels() -> list[Level]:
        for error in answers:
            raise error
        return []

    async with SentMetrics(target(collector), counted(), levels).running():
        await until(lambda: requests(collector) == 1)
    assert [record.message for record in caplog.records if record.exc_info] == ["metrics could not be sent"]


async def test_they_are_sent_again_and_again_by_themselves(collector: OtlpReceiver) -> None:
    counts = counted()
    async with SentMetrics(target(collector), counts).running():
        await until(lambda: requests(collector) == 1)
        counts.add(REQUESTS, ["orders"])
        await until(lambda: requests(collector) == 2)
    assert len({point.started_ns for point in collector.points}) == 1
    times = [point.ended_ns for point in collector.points]
    assert times == sorted(set(times))


async def test_levels_are_sent_as_they_are_then(collector: OtlpReceiver) -> None:
    level = Level(BACKLOG_LEVEL, "{message}", ("contract",), "Waiting.", {("orders",): 7.0})
    async with SentMetrics(target(collector), Counts(), lambda: [level]).running():
        await until(lambda: collector.latest(BACKLOG_LEVEL, NAME, contract="orders"))
    point = collector.latest(BACKLOG_LEVEL, NAME, contract="orders")
    assert point is not None
    assert (point.kind, point.value) == ("gauge", 7.0)


async def test_what_was_counted_last_is_sent_at_the_end(collector: OtlpReceiver) -> None:
    async with SentMetrics(target(collector, interval=3600), counts := counted(2)).running():
        counts.add(REQUESTS, ["orders"])
    assert requests(collector) == 3
    assert collector.asked == 1


async def test_the_last_sending_waits_for_one_under_way(collector: OtlpReceiver) -> None:
    collector.holds.clear()
    asked_meanwhile = []

    def answer() -> None:
        asked_meanwhile.append(collector.asked)
        collector.holds.set()

    async with SentMetrics(target(collector), counts := counted()).running():
        await until(lambda: collector.asked)
        counts.add(REQUESTS, ["orders"])
        asyncio.get_running_loop().call_later(0.2, answer)
    assert asked_meanwhile == [1]
    assert requests(collector) == 2


async def test_a_collector_that_does_not_answer_holds_up_neither_the_loop_nor_the_end(
    collector: OtlpReceiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # The exporter itself would wait as long as this test may take.
    monkeypatch.setattr(sent_metrics, "_EXPORT_SECONDS", 60.0)
    collector.holds.clear()
    async with SentMetrics(target(collector), counted()).running():
        await until(lambda: collector.asked)
        began = time.monotonic()
        await asyncio.sleep(0.3)
        # One at a time: the second would only wait for the same.
        assert collector.asked == 1
        assert time.monotonic() - began < 2
        began = time.monotonic()
    assert time.monotonic() - began < 2
    assert "the last counts are lost" in caplog.text


async def test_a_collector_that_refuses_is_complained_of_once_until_it_takes_them_again(
    collector: OtlpReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    def complaints() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]

    collector.status = 400
    async with SentMetrics(target(collector), counted()).running():
        await until(lambda: collector.asked >= 4)
        assert len(complaints()) == 1
        assert "400" in complaints()[0]
        collector.status = 200
        await until(lambda: requests(collector) == 1)
        collector.status = 403
        refused = collector.asked
        await until(lambda: collector.asked >= refused + 4)
    assert len(complaints()) == 2
    assert "403" in complaints()[1]


async def test_what_a_collector_missed_is_in_what_it_gets_next(collector: OtlpReceiver) -> None:
    collector.status = 503
    counts = counted()
    async with SentMetrics(target(collector), counts).running():
        await until(lambda: collector.asked)
        counts.add(REQUESTS, ["orders"])
        collector.status = 200
        await until(lambda: requests(collector) == 2)


@pytest.mark.usefixtures("nobody_logged_in")
async def test_nobody_logged_in_means_no_metrics_and_nothing_else(
    collector: OtlpReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    async with SentMetrics(target(collector, session=google.google_session()), counted()).running():
        await until(lambda: "nobody for" in caplog.text)
    assert collector.asked == 0
    assert caplog.text.count("Failed to export") == 1
