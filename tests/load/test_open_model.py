"""One rate after another, against roads of our own and against the embedded platform."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from exposure.contracts.catalog import CATALOG
from fakes.jumping_clock import in_virtual_time
from fakes.running_platform import running_platform
from load.__main__ import main, options
from load.constant_rate import Answer
from load.open_model import Plan, measure
from load.outcome import StepOutcome
from load.platform import Addresses, connected

CONTRACT = CATALOG.get("analytics_table")


class OneReader:
    """Answers one question at a time, each in 20 ms, and takes messages at once."""

    def __init__(self) -> None:
        self.reads: list[str] = []
        self.published = 0
        self._turn = asyncio.Lock()

    async def read(self, path: str) -> Answer:
        self.reads.append(path)
        async with self._turn:
            await asyncio.sleep(0.02)
        return Answer("read")

    async def publish(self) -> Answer:
        self.published += 1
        return Answer("publish")

    async def seconds_to_visible(self) -> float:
        await asyncio.sleep(0.3)
        return 0.3

    async def fill(self, rows: int) -> list[str]:
        return [f"k-{number}" for number in range(rows)]


def rates_of(outcomes: list[StepOutcome]) -> list[float]:
    return [one.rate for one in outcomes]


@in_virtual_time
async def test_rates_rise_until_two_of_them_are_not_held() -> None:
    plan = Plan((10, 40, 80, 160, 320), 5.0, "readers", rows=10)
    outcomes = await measure(CONTRACT, OneReader(), plan)
    assert rates_of(outcomes) == [10, 40, 80, 160]
    assert [one.is_held for one in outcomes] == [True, True, False, False]
    assert not any(one.is_the_generators for one in outcomes)


@in_virtual_time
async def test_freshness_is_probed_while_the_load_lasts() -> None:
    (outcome,) = await measure(CONTRACT, OneReader(), Plan((10,), 4.0, "readers", rows=10))
    assert outcome.freshness.count == 5
    assert outcome.freshness.p50_ms == pytest.approx(300)


@pytest.mark.parametrize(
    ("profile", "reads", "publishes"), [("readers", 1, 0), ("mixed", 1, 1), ("publishers", 0, 1)]
)
def test_a_profile_reads_publishes_or_does_both(profile: str, reads: int, publishes: int) -> None:
    roads = OneReader()

    @in_virtual_time
    async def run() -> None:
        await measure(CONTRACT, roads, Plan((20,), 5.0, profile, rows=10))

    run()
    assert (min(len(roads.reads), 1), min(roads.published, 1)) == (reads, publishes)


async def test_the_embedded_platform_is_measured_over_the_network(tmp_path: Path) -> None:
    with running_platform(tmp_path) as running:
        addresses = Addresses(running.api, "local", running.pubsub)
        async with connected(CONTRACT, addresses) as platform:
            (outcome,) = await measure(CONTRACT, platform, Plan((20,), 1.0, "mixed", rows=30))
    assert outcome.failures == {}
    assert outcome.requests == 20
    assert set(outcome.answers) == {"publish", "read"}
    assert 0 < outcome.freshness.longest_ms < 60_000


def test_the_command_leaves_its_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "load"
    main(["--rates", "10", "--seconds", "0.5", "--rows", "10", "--users", "0", "--folder", str(folder)])
    assert json.loads((folder / "open-model.json").read_text())["steps"][0]["rate"] == 10
    assert (folder / "open-model.txt").read_text().splitlines()[2] in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [["--api", "https://api.example"], ["--rates", "0"], ["--rates", "fast"], ["--profile", "writers"]],
)
def test_what_makes_no_sense_is_refused_before_anything_starts(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        options(wrong)
