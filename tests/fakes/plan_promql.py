"""What a plan asks in PromQL: that every metric a query names is known, with labels and resource asked for.

It does not parse the language; a metric's name is told from a function's by its form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stacks.metrics import SIGNALS
from stacks.plan import Recorded

_ASKS = frozenset({"gcp:monitoring/alertPolicy:AlertPolicy", "gcp:monitoring/dashboard:Dashboard"})
_QUERIES = frozenset({"query", "prometheusQuery"})
# https://cloud.google.com/monitoring/promql/promql-mapping
_NAME = re.compile(r"\b(exposure_\w+|\w+_googleapis_com:\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_RESOURCE = re.compile(r'monitored_resource\s*=\s*"([^"]*)"')
_ENDINGS = ("_count", "_sum", "_bucket")
# Of the resource and of the mapping; no label of a metric has such a name.
_ALWAYS = frozenset({
    "monitored_resource", "project_id", "location", "le", "service_name", "worker_pool_name", "job_name",
    "revision_name", "configuration_name", "subscription_id", "topic_id",
})  # fmt: skip


@dataclass(frozen=True)
class Known:
    """What PromQL may ask of one name."""

    labels: frozenset[str]
    resources: frozenset[str]
    is_of_logs: bool


def queries(plan: Sequence[Recorded]) -> Iterator[tuple[str, str]]:
    """Return every PromQL query of a plan's alerts and dashboards, after the name of who asks."""
    for one in plan:
        if one.type in _ASKS:
            inputs = dict(one.inputs)
            if "dashboardJson" in inputs:
                inputs = json.loads(inputs["dashboardJson"])
            yield from ((f"{one.type} {one.name}", query) for query in _within(inputs))


def _within(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from _within(inner)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name in _QUERIES and isinstance(inner, str):
                yield inner
            else:
                yield from _within(inner)


def query_faults(plan: Sequence[Recorded]) -> list[str]:
    """Return one sentence per metric, label or resource a plan's queries name that nobody knows."""
    return [f"{where}: {fault}" for where, query in queries(plan) for fault in _faults(query)]


def _faults(query: str) -> Iterator[str]:
    known = known_names()
    found = _NAME.findall(query)
    if not found:
        yield f"{query!r} names no metric"
    for name, matchers in found:
        if name not in known:
            yield f"{name} is no metric anybody knows"
            continue
        yield from _faults_of_labels(name, matchers, known[name])


def _faults_of_labels(name: str, matchers: str, known: Known) -> Iterator[str]:
    for label in _MATCHER.findall(re.sub(r'"[^"]*"', '""', matchers)):
        if label not in known.labels | _ALWAYS:
            yield f"{name} has no label {label}"
    resources = _RESOURCE.findall(matchers)
    # A metric of logs may have several, between which Google asks to be told.
    if known.is_of_logs and not resources:
        yield f"{name} is asked for from no resource"
    for resource in resources:
        if resource not in known.resources:
            yield f"{name} is never logged by {resource}"


def known_names() -> Mapping[str, Known]:
    """Return what PromQL may name: a distribution by its endings only."""
    known: dict[str, Known] = {}
    for signal in SIGNALS:
        domain, path = signal.type.split("/", 1)
        name = f"{domain.replace('.', '_')}:{path.replace('/', '_')}"
        resources = frozenset(one.resource for one in SIGNALS if one.type == signal.type)
        for ending in _ENDINGS if signal.value == "DISTRIBUTION" else ("",):
            of_logs = domain == "logging.googleapis.com" and path.startswith("user/")
            known[f"{name}{ending}"] = Known(frozenset(signal.labels), resources, of_logs)
    return known
