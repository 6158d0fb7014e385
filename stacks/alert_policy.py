"""The form of an alert: what is compared, how urgent it is, and what whoever is told reads first.

Which alerts there are is decided in `objectives`, `alerts` and `uptime`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
from pulumi_gcp import monitoring

from stacks.metrics import Signal, fits, label_path, select

Severity = Literal["CRITICAL", "ERROR", "WARNING"]
# An incident whose metric falls silent is closed after a day, not after Google's week.
_CLOSED_AFTER = "86400s"
Condition = monitoring.AlertPolicyConditionArgs


@dataclass(frozen=True)
class Routing:
    """Who is told, by notification channel, and the labels of every alert."""

    channels: Sequence[pulumi.Input[str]]
    labels: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert. `means` and `first` are sentences: what has happened, and what to do first.

    All `conditions` must hold when `needs_all`, else any of them.
    """

    name: str
    title: str
    severity: Severity
    conditions: Sequence[Condition]
    means: str
    first: str
    needs_all: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A signal's series with the labels' values, aligned over seconds and reduced by the labels grouped by.

    Raises ValueError when Cloud Monitoring would not combine the signal so.
    """

    signal: Signal
    labels: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    seconds: int = 300
    aligner: str
    reducer: str
    by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what does not fit the signal's kind."""
        if not fits(self.signal, self.aligner, self.reducer):
            raise ValueError(f"{self.aligner} and {self.reducer} do not fit {self.signal.type}")

    @property
    def filter(self) -> str:
        """Return the filter of the series."""
        return select(self.signal, **self.labels)

    @property
    def groups(self) -> list[str]:
        """Return the labels grouped by, as an aggregation writes them."""
        return [label_path(self.signal, label) for label in self.by]


def above(
    title: str, sample: Sample, limit: float, *, seconds: int = 0, share_of: Sample | None = None
) -> Condition:
    """Return a condition: the sample, or its share of another, is above the limit for so long."""
    return Condition(
        display_name=title,
        condition_threshold=monitoring.AlertPolicyConditionConditionThresholdArgs(
            filter=sample.filter,
            aggregations=[_aggregation(sample)],
            denominator_filter=share_of.filter if share_of else None,
            denominator_aggregations=[_denominator(share_of)] if share_of else None,
            comparison="COMPARISON_GT",
            threshold_value=limit,
            duration=f"{seconds}s",
            trigger=monitoring.AlertPolicyConditionConditionThresholdTriggerArgs(count=1),
        ),
    )


def holds(title: str, query: str, *, seconds: int = 0) -> Condition:
    """Return a condition: the PromQL query has a result for so long.

    For the platform's own metrics: a filter is refused until its metric has a first value, a query is not.
    """
    return Condition(
        display_name=title,
        condition_prometheus_query_language=monitoring.AlertPolicyConditionConditionPrometheusQueryLanguageArgs(
            query=query, duration=f"{seconds}s", evaluation_interval="60s", disable_metric_validation=True
        ),
    )


def burns(title: str, objective: pulumi.Input[str], seconds: int, factor: float) -> Condition:
    """Return a condition: the objective's budget burnt faster than the factor over the last seconds."""
    return Condition(
        display_name=title,
        condition_threshold=monitoring.AlertPolicyConditionConditionThresholdArgs(
            filter=pulumi.Output.format('select_slo_burn_rate("{0}", "{1}s")', objective, seconds),
            comparison="COMPARISON_GT",
            threshold_value=factor,
            duration="0s",
        ),
    )


def declare_alert(alert: Alert, routing: Routing, opts: pulumi.ResourceOptions) -> monitoring.AlertPolicy:
    """Return the alert's policy."""
    return monitoring.AlertPolicy(
        alert.name,
        monitoring.AlertPolicyArgs(
            display_name=alert.title,
            severity=alert.severity,
            combiner="AND" if alert.needs_all else "OR",
            conditions=list(alert.conditions),
            documentation=monitoring.AlertPolicyDocumentationArgs(
                content=f"**What it means.** {alert.means}\n\n**What to do first.** {alert.first}",
                mime_type="text/markdown",
            ),
            alert_strategy=monitoring.AlertPolicyAlertStrategyArgs(auto_close=_CLOSED_AFTER),
            notification_channels=list(routing.channels),
            # The provider's default labels do not reach the labels of alerts.
            user_labels={**routing.labels, **alert.labels},
        ),
        opts,
    )


def _aggregation(sample: Sample) -> monitoring.AlertPolicyConditionConditionThresholdAggregationArgs:
    return monitoring.AlertPolicyConditionConditionThresholdAggregationArgs(
        alignment_period=f"{sample.seconds}s",
        per_series_aligner=sample.aligner,
        cross_series_reducer=sample.reducer,
        group_by_fields=sample.groups or None,
    )


def _denominator(
    sample: Sample,
) -> monitoring.AlertPolicyConditionConditionThresholdDenominatorAggregationArgs:
    return monitoring.AlertPolicyConditionConditionThresholdDenominatorAggregationArgs(
        alignment_period=f"{sample.seconds}s",
        per_series_aligner=sample.aligner,
        cross_series_reducer=sample.reducer,
        group_by_fields=sample.groups or None,
    )
