"""How a running platform stands, made of its two services' metrics: the numbers `exposure status` shows.

Counts are since each process began. An objective's budget is reckoned over the same time, not over the period
its owner promised; what is left of that one is Cloud Monitoring's to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from exposure.commands.metrics_text import Histogram, MetricsText
from exposure.contracts.model import Contract
from exposure.telemetry import names
from exposure.telemetry.names import BACKLOG_LEVEL, OLDEST_LEVEL
from exposure.telemetry.request_counts import ACKNOWLEDGED, LEFT


@dataclass(frozen=True)
class Spread:
    """Half of the values are below the first, 95 % below the second; seconds, None without values."""

    p50_seconds: float | None
    p95_seconds: float | None


@dataclass(frozen=True)
class Backlog:
    """What is not acknowledged; the age of the oldest in seconds, 0 without one."""

    messages: int
    oldest_seconds: float


@dataclass(frozen=True)
class Budget:
    """An objective: of `total` events, how many were good. `left` is the share of allowed failures not spent.

    It is negative once more failed than may; None without events.
    """

    goal: float
    total: int
    good: int
    left: float | None


@dataclass(frozen=True)
class Budgets:
    """The objectives of one contract."""

    availability: Budget
    latency: Budget
    freshness: Budget


@dataclass(frozen=True)
class ContractStanding:
    """One contract. `received` are deliveries answered, `left` those of them that come again."""

    name: str
    received: int
    left: int
    stored: int
    quarantined: int
    failed_appends: int
    freshness: Spread
    backlog: Backlog | None
    requests: int
    answers: dict[str, int]
    latency: Spread
    budgets: Budgets


def standings(contracts: Iterable[Contract], api: MetricsText, ingest: MetricsText) -> list[ContractStanding]:
    """Return how each contract stands."""
    return [_standing(contract, api, ingest) for contract in contracts]


def _standing(contract: Contract, api: MetricsText, ingest: MetricsText) -> ContractStanding:
    name = contract.name
    deliveries = ingest.by(names.RESULT, names.DELIVERIES.name, contract=name)
    return ContractStanding(
        name=name,
        received=round(sum(deliveries.get(result, 0) for result in (ACKNOWLEDGED, LEFT))),
        left=round(deliveries.get(LEFT, 0)),
        stored=round(ingest.total(f"{names.APPENDED_ROWS.name}_sum", contract=name)),
        quarantined=round(ingest.total(names.QUARANTINED.name, contract=name)),
        failed_appends=round(ingest.total(names.FAILED_APPENDS.name, contract=name)),
        freshness=_spread(ingest.histogram(names.FRESHNESS.name, contract=name)),
        backlog=_backlog(name, ingest),
        requests=round(api.total(names.REQUESTS.name, contract=name)),
        answers={
            tier: round(count)
            for tier, count in sorted(api.by(names.TIER, names.ANSWERS.name, contract=name).items())
        },
        latency=_spread(api.histogram(names.LATENCY.name, contract=name)),
        budgets=_budgets(contract, api, ingest),
    )


def _budgets(contract: Contract, api: MetricsText, ingest: MetricsText) -> Budgets:
    level, name = contract.service_level, contract.name
    requests = api.total(names.REQUESTS.name, contract=name)
    failures = api.total(names.FAILURES.name, contract=name)
    latency = api.histogram(names.LATENCY.name, contract=name)
    freshness = ingest.histogram(names.FRESHNESS.name, contract=name)
    return Budgets(
        availability=_budget(level.availability_goal, requests, requests - failures),
        latency=_budget(level.latency_goal, latency.count, latency.within(level.latency.total_seconds())),
        freshness=_budget(
            level.freshness_goal, freshness.count, freshness.within(level.freshness.total_seconds())
        ),
    )


def _budget(goal: float, total: float, good: float) -> Budget:
    left = 1 - (total - good) / (total * (1 - goal)) if total else None
    return Budget(goal, round(total), round(good), None if left is None else round(left, 4))


def _spread(histogram: Histogram) -> Spread:
    p50, p95 = histogram.quantile(0.5), histogram.quantile(0.95)
    return Spread(None if p50 is None else round(p50, 4), None if p95 is None else round(p95, 4))


def _backlog(name: str, ingest: MetricsText) -> Backlog | None:
    messages = ingest.known(BACKLOG_LEVEL, contract=name)
    if messages is None:
        return None
    return Backlog(round(messages), ingest.total(OLDEST_LEVEL, contract=name))
