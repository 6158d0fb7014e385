"""What a plan asks in PromQL: that every metric a query names is known, with the labels it is asked for.

It does not parse the language; a metric's name is told from a function's by its form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from exposure.telemetry.names import METRICS, Kind
from stacks.metrics import KNOWN
from stacks.plan import Recorded

_ASKS = frozenset({"gcp:monitoring/alertPolicy:AlertPolicy", "gcp:monitoring/dashboard:Dashboard"})
_QUERIES = frozenset({"query", "prometheusQuery"})
# https://cloud.google.com/monitoring/promql/promql-mapping
_NAME = re.compile(r"\b(exposure_\w+|\w+_googleapis_com:\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_ENDINGS = ("_count", "_sum", "_bucket")
# Of the resource, of Prometheus and of the mapping; every series has them.
_ALWAYS = frozenset({
    "monitored_resource", "project_id", "location", "cluster", "namespace", "job", "instance", "le",
    "service_name", "revision_name", "configuration_name", "subscription_id", "topic_id",
})  # fmt: skip


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
    """Return one sentence per metric or label a plan's queries name that nobody knows."""
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
        for label in _MATCHER.findall(re.sub(r'"[^"]*"', '""', matchers)):
            if label not in known[name] | _ALWAYS:
                yield f"{name} has no label {label}"


def known_names() -> Mapping[str, frozenset[str]]:
    """Return what PromQL may name, with each one's labels: a distribution by its endings only."""
    known: dict[str, frozenset[str]] = {}
    own = {metric.type for metric in METRICS}
    for metric in METRICS:
        for ending in _ENDINGS if metric.kind is Kind.HISTOGRAM else ("",):
            known[f"{metric.promql}{ending}"] = frozenset(metric.labels)
    for signal in KNOWN.values():
        if signal.type not in own:
            domain, path = signal.type.split("/", 1)
            name = f"{domain.replace('.', '_')}:{path.replace('/', '_')}"
            for ending in _ENDINGS if signal.value == "DISTRIBUTION" else ("",):
                known[f"{name}{ending}"] = frozenset(signal.labels)
    return known
