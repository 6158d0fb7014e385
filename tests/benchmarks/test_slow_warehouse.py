"""The slow warehouse is as slow as it says; what readers saw is told by tier."""

from __future__ import annotations

import contextlib
import random
from datetime import timedelta

import pytest

from benchmarks.slow_reader import Latency, SlowReader, dollars
from benchmarks.slow_warehouse import (
    Outcome,
    Seen,
    api_settings_of,
    stack_environment,
    tier_lines,
    without_cache,
)
from exposure.contracts.catalog import CATALOG
from exposure.query.parse import parse_query
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.schema import rows_table
from load.outcome import times_of


def test_drawn_latencies_have_the_median_and_the_percentile_asked_for() -> None:
    source = random.Random(1)
    drawn = sorted(Latency(0.7, 2.0).draw(source) for _ in range(20_000))
    assert drawn[10_000] == pytest.approx(0.7, rel=0.05)
    assert drawn[19_000] == pytest.approx(2.0, rel=0.05)


def test_a_million_questions_at_the_least_that_is_billed_cost_sixty_dollars() -> None:
    assert dollars(1e6) == pytest.approx(59.6, abs=0.05)


def test_each_tiers_share_and_ages_are_told_the_most_used_first() -> None:
    seen = [Seen("cache", age) for age in (1, 2, 3)] + [Seen("warehouse", None)]
    assert tier_lines(seen) == [
        "cache       75.0%  age p50 2 s, p95 3 s, most 3 s",
        "warehouse   25.0%",
    ]


def test_the_goal_is_missed_by_fast_answers_too_many_of_which_failed() -> None:
    for failed, verdict in ((0, "met"), (2, "MISSED")):
        failures = {"status 503": failed} if failed else {}
        outcome = Outcome(
            requests=100,
            times=times_of([0.01] * (100 - failed)),
            late=times_of([0.0] * 100),
            failures=failures,
            seen=[Seen("cache", 1)],
            calls=5,
        )
        [first, second, *_] = outcome.lines("as it is")
        assert first.endswith(verdict)
        assert "50,000 warehouse calls and 2.98 USD" in second


def test_the_settings_are_those_the_stacks_plan_gives_the_service() -> None:
    environment = stack_environment("prod")
    settings = api_settings_of(environment)
    assert settings.query_threads == int(environment["EXPOSURE_QUERY_THREADS"])
    assert settings.cache_lifetime > timedelta(0)
    assert without_cache(settings).cache_lifetime == timedelta(0)


async def test_every_question_is_counted_and_billed_the_least(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("benchmarks.slow_reader.asyncio.sleep", sleep)
    contract = CATALOG.get("analytics_table")
    with contextlib.closing(open_duckdb(None, [rows_table(contract)])) as connection:
        slow = SlowReader(DuckDBReader(connection), Latency(), seed=1)
        page = await slow.select(parse_query(contract, [], str.encode))
        await slow.close()
    assert (slow.calls, len(waits)) == (1, 1)
    assert page.bytes_billed == 10 * 2**20
