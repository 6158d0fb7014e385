"""How fast an error budget may burn before somebody is told: windows and factors, as pure arithmetic.

A burn rate of 1 spends the whole budget in exactly the objective's period. The rows are those of Google's SRE
workbook, https://sre.google/workbook/alerting-on-slos/; its three-day row is left out, since Cloud Monitoring
looks back 24 hours at most. Nothing is declared here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class BurnWindow:
    """One row: told when the share `budget` goes within `long`, and as fast within `short`."""

    name: str
    long: timedelta
    short: timedelta
    budget: float
    is_urgent: bool

    def factor(self, period: timedelta) -> float:
        """Return the burn rate that spends the row's share of a period's budget within its long window."""
        return round(self.budget * (period / self.long), 4)


WINDOWS = (
    BurnWindow(
        name="1h", long=timedelta(hours=1), short=timedelta(minutes=5), budget=0.02, is_urgent=True
    ),
    BurnWindow(
        name="6h", long=timedelta(hours=6), short=timedelta(minutes=30), budget=0.05, is_urgent=True
    ),
    BurnWindow(
        name="24h", long=timedelta(hours=24), short=timedelta(hours=2), budget=0.1, is_urgent=False
    ),
)  # fmt: skip


def burn_alerts(goal: float, period: timedelta) -> tuple[tuple[BurnWindow, float], ...]:
    """Return the rows that can mean something for the objective, with their factors.

    Left out are factors no failure reaches, as everything failing burns at 1/(1 - goal), and factors of
    1 and less, which would alert while the objective is met. Raises ValueError when none remains.
    """
    highest = 1 / (1 - goal)
    rows = tuple((window, window.factor(period)) for window in WINDOWS)
    useful = tuple((window, factor) for window, factor in rows if 1 < factor < highest)
    if not useful:
        raise ValueError(
            f"no burn-rate alert can stand for a goal of {goal} over {period.days} days: "
            f"factors {[factor for _, factor in rows]}, highest burn {highest:.4g}"
        )
    return useful
