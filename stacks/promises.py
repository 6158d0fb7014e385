"""What a contract's service level promises, as indicators Cloud Monitoring can count. Declares nothing.

Availability and latency are counted per contract in Cloud Run's log of requests: its built-in metrics know no
paths, cannot tell the platform's 429 from ours, and do not say where their buckets end. Freshness is read
from ingest's lines, from publish to visible.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pulumi_gcp import monitoring

from exposure.contracts.model import Contract
from exposure.telemetry import names
from stacks.metrics import REVISION, Signal, select, signal_of

_UNITS = {"s": timedelta(seconds=1), "ms": timedelta(milliseconds=1), "us": timedelta(microseconds=1)}


@dataclass(frozen=True, kw_only=True)
class Promise:
    """One objective of a contract: its share `goal` of good events, and what to do when it fails."""

    name: str
    title: str
    goal: float
    indicator: monitoring.SloRequestBasedSliArgs
    means: str
    first: str


def promises_of(contract: Contract, ingest: str = REVISION) -> tuple[Promise, ...]:
    """Return what the contract's service level promises; ValueError when it cannot be measured exactly.

    `ingest` is the type of the resource ingest runs as, which is where freshness is logged.
    """
    return (_availability(contract), _latency(contract), _freshness(contract, ingest))


def _availability(contract: Contract) -> Promise:
    goal = contract.service_level.availability_goal
    return Promise(
        name="availability",
        title=f"{contract.name}: {goal * 100:.4g} % of requests are answered",
        goal=goal,
        indicator=monitoring.SloRequestBasedSliArgs(
            good_total_ratio=monitoring.SloRequestBasedSliGoodTotalRatioArgs(
                total_service_filter=select(signal_of(names.REQUESTS), contract=contract.name),
                bad_service_filter=select(signal_of(names.FAILURES), contract=contract.name),
            )
        ),
        means=f"Readers of {contract.name} get 5xx, or 429 for want of an instance, too often.",
        first=(
            "Open the log of the service api for the failing status. 503: see whether BigQuery answers. "
            "429 without instances: raise api.max_instances. 500 since a release: go back to the last image."
        ),
    )


def _latency(contract: Contract) -> Promise:
    bound, goal = contract.service_level.latency, contract.service_level.latency_goal
    return Promise(
        name="latency",
        title=f"{contract.name}: {goal * 100:.4g} % of answers within {in_words(bound)}",
        goal=goal,
        indicator=_within(contract, signal_of(names.LATENCY), names.LATENCY.edges, bound),
        means=f"Too many answers with rows of {contract.name} take longer than {in_words(bound)}.",
        first=(
            "On the dashboard, compare answers by tier and the number of instances. The usual causes, in "
            "this order: a cache that stopped answering, cold starts, a reader who asks without bounds."
        ),
    )


def _freshness(contract: Contract, ingest: str) -> Promise:
    bound, goal = contract.service_level.freshness, contract.service_level.freshness_goal
    return Promise(
        name="freshness",
        title=f"{contract.name}: {goal * 100:.4g} % of appends visible within {in_words(bound)}",
        goal=goal,
        indicator=_within(contract, signal_of(names.FRESHNESS, ingest), names.FRESHNESS.edges, bound),
        means=f"Rows published on {contract.topic} can be read later than {in_words(bound)} after that.",
        first=(
            "On the dashboard, look at the backlog and at failed appends. A growing backlog without "
            "failed appends wants more instances of ingest; failed ones are in its log with the reason."
        ),
    )


def in_unit(duration: timedelta, unit: str) -> float:
    """Return the duration in the unit, UCUM's s, ms or us; ValueError for a unit that is no time."""
    if unit not in _UNITS:
        raise ValueError(f"a duration has no value in the unit '{unit}'")
    return duration / _UNITS[unit]


def _within(
    contract: Contract, signal: Signal, edges: tuple[float, ...], bound: timedelta
) -> monitoring.SloRequestBasedSliArgs:
    """Return the share of the signal's values up to the bound, which must be an edge of its buckets."""
    highest = in_unit(bound, signal.unit)
    if highest not in edges:
        raise ValueError(
            f"{contract.name}: {highest:g} {signal.unit} is no edge of {signal.type}, so the share below it "
            f"would be a guess; promise one of {', '.join(f'{edge:g}' for edge in edges)}"
        )
    return monitoring.SloRequestBasedSliArgs(
        distribution_cut=monitoring.SloRequestBasedSliDistributionCutArgs(
            distribution_filter=select(signal, contract=contract.name),
            range=monitoring.SloRequestBasedSliDistributionCutRangeArgs(max=highest),
        )
    )


def in_words(span: timedelta) -> str:
    """Return the span as people say it, such as `300 ms`, `60 s`, `5 min` or `24 h`."""
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:g} ms"
    for size, word in ((3600, "h"), (300, "min")):
        if seconds % size == 0:
            return f"{seconds / (60 if word == 'min' else size):g} {word}"
    return f"{seconds:g} s"
