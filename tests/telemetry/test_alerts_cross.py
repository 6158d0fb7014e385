"""Every alert stands on a number that moves: quiet while all is well, past its threshold soon after a break.

The platform is the embedded one, the alerts and the metrics they stand on are the plan's own, word for word,
and only the clock is not real. Minutes are the clock's. Google's own delays, up to three minutes for what it
samples, come on top and are not part of this.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fakes.operations_plan import changed, watch
from fakes.watched_platform import CONTRACT, Traffic, WatchedPlatform
from stacks.plan import Recorded

QUIET_MINUTES = 15
NAME = CONTRACT.name
BURNS = ("1h", "6h", "24h")


@pytest.fixture(scope="module")
def plan() -> list[Recorded]:
    """The alerts on one contract, the canary's among them."""
    return watch(changed("prod", canary=True), [CONTRACT])


@pytest.fixture
async def platform(
    tmp_path: Path, plan: list[Recorded], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[WatchedPlatform]:
    monkeypatch.setattr("exposure.api.health._REMEMBERED", timedelta(0))
    async with WatchedPlatform(tmp_path, plan, monkeypatch) as platform:
        yield platform


def burns(promise: str, minutes: int) -> dict[str, int]:
    return {f"{NAME}-{promise}-burn-{window}": minutes for window in BURNS}


@dataclass(frozen=True)
class Break:
    """Something goes wrong: the faults, and within how many minutes each alert must hold.

    `besides` may hold as well: what is broken here is felt there too.
    """

    faults: dict[str, Any]
    expected: dict[str, int]
    besides: tuple[str, ...] = ()
    buries: bool = False
    traffic: Traffic = field(default_factory=Traffic)


BREAKS = {
    "reads fail": Break(
        {"reads_fail": True},
        {"error-rate": 1, "api-uptime-unreachable": 2, **burns("availability", 2)},
    ),
    "reads are slow": Break(
        {"read_seconds": 0.8},
        {"mean-latency": 5, **burns("latency", 60)},
    ),
    "nothing can be appended": Break(
        {"appends_fail": True},
        {f"{NAME}-unprocessed": 3, "error-rate": 2},
        besides=(f"{NAME}-quarantine",),
    ),
    "rows are appended late": Break(
        {"append_seconds": 61.0},
        burns("freshness", 15),
        besides=("mean-latency",),
        traffic=Traffic(messages=1, reads=4),
    ),
    "messages are bad": Break({"bad_messages": 1}, {f"{NAME}-quarantine": 4}),
    "messages are given up": Break(
        {"appends_fail": True},
        {f"{NAME}-dead-letters": 5, f"{NAME}-dead-letters-unkept": 15},
        besides=("error-rate", f"{NAME}-unprocessed"),
        buries=True,
        traffic=Traffic(messages=1),
    ),
    "requests find no instance": Break(
        {"requests_without_instance": 1},
        {"no-instance": 1, **burns("availability", 3)},
    ),
    "every instance is busy": Break({"instances": 100}, {"no-instance-left": 6}),
    "the canary is gone": Break({"canary": None}, {f"{NAME}-canary-missing": 10}),
    "canaries are late": Break({"canary": "late"}, {f"{NAME}-canary-failing": 3}),
    "messages are missing": Break({"unaccounted": 1}, {f"{NAME}-unaccounted": 31}),
}


async def pass_quietly(platform: WatchedPlatform, minutes: int) -> None:
    for minute in range(minutes):
        assert await platform.minute() == set(), f"in minute {minute}"


async def first_minutes(
    platform: WatchedPlatform, broken: Break, until: Callable[[dict[str, int]], bool], most: int
) -> dict[str, int]:
    """Return after how many minutes each alert held for the first time."""
    held: dict[str, int] = {}
    for minute in range(1, most + 1):
        for name in await platform.minute(broken.traffic):
            held.setdefault(name, minute)
        if until(held):
            break
    return held


@pytest.mark.timeout(300)
@pytest.mark.parametrize("what", BREAKS)
async def test_what_breaks_is_seen_by_its_alerts_in_bounded_time_and_by_no_other(
    platform: WatchedPlatform, what: str
) -> None:
    broken = BREAKS[what]
    if broken.buries:
        await platform.bury_after(5)
    await pass_quietly(platform, QUIET_MINUTES)
    for name, value in broken.faults.items():
        setattr(platform.faults, name, value)
    most = max(broken.expected.values())
    held = await first_minutes(platform, broken, lambda held: held.keys() >= broken.expected.keys(), most)
    late = {
        name: (held.get(name), minutes)
        for name, minutes in broken.expected.items()
        if held.get(name, most + 1) > minutes
    }
    assert not late, f"first minute and bound: {late}; held: {held}"
    assert held.keys() <= broken.expected.keys() | set(broken.besides)


@pytest.mark.timeout(300)
async def test_no_alert_holds_in_quiet_hours(platform: WatchedPlatform) -> None:
    await pass_quietly(platform, 120)


def test_every_alert_of_the_plan_is_made_to_hold_by_one_of_the_breaks(
    plan: list[Recorded], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = WatchedPlatform(tmp_path, plan, monkeypatch).room.alerts
    assert alerts == {name for broken in BREAKS.values() for name in broken.expected}
