"""Promises of ingest under random faults. A seed that fails here fails alone: `schedule_of(seed)`."""

from __future__ import annotations

import pytest

from faults.run import run
from faults.schedule import schedule_of

_SCHEDULES = 150
_PARTS = 5


@pytest.mark.parametrize("part", range(_PARTS))
async def test_nothing_is_lost_misplaced_altered_or_acknowledged_early_whatever_fails(part: int) -> None:
    for seed in range(part, _SCHEDULES, _PARTS):
        finding = await run(schedule_of(seed))
        assert not finding.breaches, (seed, list(finding.breaches))
