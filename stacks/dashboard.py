"""One dashboard: what comes in, what is stored, what goes out, what it costs; then each contract's budgets.

The platform's charts show all contracts by their label, so one more contract only adds its own rows, at the
end. What a tile is made of is in `tiles`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import monitoring

from exposure.contracts.model import Contract
from exposure.telemetry import names
from exposure.telemetry.names import Metric
from stacks import metrics
from stacks.alert_policy import Sample
from stacks.config import Settings
from stacks.message_alerts import oldest_of
from stacks.metrics import Signal, home_of_ingest, promql
from stacks.tiles import Row, Widget, budget_left, chart, dashboard, heading, note, query_chart

_TITLE = "Data exposure"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One contract on the dashboard, with its objectives' full names by promise."""

    contract: Contract
    objectives: Mapping[str, pulumi.Input[str]]


class Dashboard(pulumi.ComponentResource):
    """The dashboard of one environment."""

    def __init__(
        self, name: str, settings: Settings, contracts: Sequence[Shown], opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("exposure:dashboard:Dashboard", name, None, opts)
        rows = [*_in(), *_stored(settings), *_out(), *_money(settings)]
        for shown in contracts:
            rows += _contract(shown, settings)
        declared = monitoring.Dashboard(
            name,
            monitoring.DashboardArgs(dashboard_json=pulumi.Output.json_dumps(dashboard(_TITLE, rows))),
            pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"dashboard": declared.id})


def _in() -> list[Row]:
    published = _rate(metrics.PUBLISHED, "topic_id")
    pushes = _rate(metrics.PUSHES, "subscription_id", "response_class")
    return [
        heading("In"),
        Row(
            widgets=[
                chart("Published messages per second, by topic", published),
                chart("Pushes per second, by subscription and answer", pushes, shape="STACKED_AREA"),
                chart("Messages that wait", _level(metrics.BACKLOG, "subscription_id")),
            ]
        ),
    ]


def _stored(settings: Settings) -> list[Row]:
    ingest = home_of_ingest(settings)
    rows = _per_second(names.APPENDED_ROWS, "_sum", ingest)
    quarantined = _per_second(names.QUARANTINED, resource=ingest)
    failed = _per_second(names.FAILED_APPENDS, resource=ingest)
    durations: list[Widget] = [
        query_chart("An append takes (p95)", _percentile(names.APPEND_DURATION, 0.95, ingest), unit="s"),
        query_chart("Publish to visible (p99)", _percentile(names.FRESHNESS, 0.99, ingest), unit="s"),
    ]
    if settings.canary:
        age = _percentile(names.CANARY_AGE, 0.95)
        durations.append(query_chart("Canaries take, by result (p95)", age, unit="s"))
    return [
        heading("Stored"),
        Row(
            widgets=[
                query_chart("Rows per second", rows, unit="1/s"),
                query_chart("Quarantined per second, by reason", quarantined, unit="1/s"),
                query_chart("Failed appends per second, by kind", failed, unit="1/s"),
            ]
        ),
        Row(widgets=durations),
    ]


def _out() -> list[Row]:
    by_class = _rate(metrics.REQUEST_COUNT, "service_name", "response_code_class")
    instances = _level(metrics.INSTANCE_COUNT, "service_name", "state")
    return [
        heading("Out"),
        Row(
            widgets=[
                chart("Requests per second, by service and class", by_class, shape="STACKED_AREA"),
                chart("Latency of the API: p50, p95, p99", *(_latency(share) for share in (50, 95, 99))),
                query_chart("Answers per second, by tier", _per_second(names.ANSWERS), unit="1/s"),
            ]
        ),
        Row(
            widgets=[
                query_chart("Failures per second", _per_second(names.FAILURES), unit="1/s"),
                query_chart("Refused without an instance", _per_second(names.NO_INSTANCE), unit="1/s"),
                chart("Instances, by service and state", instances),
            ]
        ),
    ]


def _money(settings: Settings) -> list[Row]:
    budget = settings.budget
    limit = "not set" if budget is None else f"**{budget.amount_units} {budget.currency}** a month"
    text = (
        f"The budget is {limit}. BigQuery bills by the bytes scanned, 10 MB at least for each query; "
        "Google counts them up to six hours late."
    )
    billed = _per_second(names.BYTES_BILLED, "_sum")
    return [
        heading("Money"),
        Row(
            widgets=[
                query_chart("Bytes billed per second by the API's queries", billed, unit="By/s"),
                chart("Bytes billed by BigQuery", _sum(metrics.SCANNED_BYTES), shape="STACKED_BAR"),
                chart("Instance time billed", _rate(metrics.INSTANCE_TIME, "service_name")),
            ]
        ),
        Row(
            widgets=[
                chart("Pub/Sub bytes", _sum(metrics.TOPIC_BYTES, "topic_id"), shape="STACKED_BAR"),
                chart("Log bytes", _sum(metrics.LOG_BYTES, "resource_type"), shape="STACKED_BAR"),
                note("Budget", text),
            ]
        ),
    ]


def _contract(shown: Shown, settings: Settings) -> list[Row]:
    contract = shown.contract
    budgets: list[Widget] = [
        budget_left(f"{contract.name}: {promise} budget left", objective)
        for promise, objective in shown.objectives.items()
    ]
    messages: list[Widget] = [
        chart(f"{contract.name}: oldest message that waits", oldest_of(contract.subscription)),
        chart(f"{contract.name}: dead letters", _dead_letters(contract)),
        chart(f"{contract.name}: oldest dead letter not kept yet", oldest_of(contract.dead_letter_archive)),
    ]
    if settings.canary:
        found, reports = (
            f"sum(increase({promql(names.UNACCOUNTED, ending, contract=contract.name)}[10m]))"
            for ending in ("_sum", "_count")
        )
        title = f"{contract.name}: canaries unaccounted for"
        messages.append(query_chart(title, f"{found} / {reports}", unit="1"))
    return [heading(contract.name), Row(widgets=budgets, height=10), Row(widgets=messages)]


def _rate(signal: Signal, *by: str) -> Sample:
    return Sample(signal=signal, seconds=60, aligner="ALIGN_RATE", reducer="REDUCE_SUM", by=by)


def _level(signal: Signal, *by: str) -> Sample:
    return Sample(signal=signal, seconds=60, aligner="ALIGN_MEAN", reducer="REDUCE_SUM", by=by)


def _sum(signal: Signal, *by: str) -> Sample:
    return Sample(signal=signal, seconds=3600, aligner="ALIGN_DELTA", reducer="REDUCE_SUM", by=by)


def _latency(share: int) -> Sample:
    return Sample(
        signal=metrics.REQUEST_LATENCIES,
        labels={"service_name": "api"},
        aligner="ALIGN_DELTA",
        reducer=f"REDUCE_PERCENTILE_{share}",
    )


def _dead_letters(contract: Contract) -> Sample:
    return Sample(
        signal=metrics.DEAD_LETTERS,
        labels={"subscription_id": contract.subscription},
        aligner="ALIGN_DELTA",
        reducer="REDUCE_SUM",
    )


def _per_second(metric: Metric, ending: str = "", resource: str | None = None) -> str:
    return f"sum by ({', '.join(metric.labels)}) (rate({promql(metric, ending, resource)}[5m]))"


def _percentile(metric: Metric, share: float, resource: str | None = None) -> str:
    buckets = f"sum by (le, {', '.join(metric.labels)}) (rate({promql(metric, '_bucket', resource)}[5m]))"
    return f"histogram_quantile({share}, {buckets})"
