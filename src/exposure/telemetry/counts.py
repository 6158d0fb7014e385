"""The metrics of `names`, counted in this process from the very lines that Google would read them from.

For `GET /metrics` and for a collector, where a process has either: the embedded platform, or a service whose
operator wants it.
What no line says is counted by `requests`. Nothing outlives the process but what `sent_metrics` has sent.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from exposure.telemetry.names import COUNTED_METRICS, METRICS, Kind, Metric

Labels = tuple[str, ...]


@dataclass
class Tally:
    """One series. `buckets` has a count per edge of the metric and one for what lies above all of them."""

    count: int = 0
    total: float = 0.0
    buckets: list[int] = field(default_factory=list)

    def up_to_each_edge(self) -> Iterator[int]:
        """Yield how many values were at most each edge, and at last how many there were."""
        seen = 0
        for bucket in self.buckets:
            seen += bucket
            yield seen


@dataclass(frozen=True)
class Level:
    """A value as it is now, by the values of its labels: what no log carries, but a process can say.

    `unit` is UCUM, as a metric's.
    """

    name: str
    unit: str
    labels: tuple[str, ...]
    description: str
    values: Mapping[Labels, float]


class Counts:
    """Every metric's series, by the values of its labels, since `began_ns` of the epoch.

    Lives on one event loop.
    """

    def __init__(self) -> None:
        self.began_ns = time.time_ns()
        self._series: dict[Metric, dict[Labels, Tally]] = {metric: {} for metric in _COUNTED}

    def hear(self, event: str, fields: Mapping[str, str | float]) -> None:
        """Count a line in every metric that is read from it; not where it lacks the value, as Google does."""
        for metric in _BY_EVENT.get(event, ()):
            if fields.keys() >= set(metric.labels) and (not metric.field or metric.field in fields):
                labels = [str(fields[label]) for label in metric.labels]
                self.add(metric, labels, float(fields[metric.field]) if metric.field else 1.0)

    def add(self, metric: Metric, labels: Iterable[str], value: float = 1.0) -> None:
        """Count a value; of a counter, one more. `labels` are in the metric's order."""
        tally = self._series[metric].setdefault(tuple(labels), Tally(buckets=[0] * (len(metric.edges) + 1)))
        tally.count += 1
        tally.total += value
        if metric.kind is Kind.HISTOGRAM:
            tally.buckets[bisect_left(metric.edges, value)] += 1

    def series(self) -> Mapping[Metric, Mapping[Labels, Tally]]:
        """Return all that was counted, by metric and by the values of its labels."""
        return self._series


_COUNTED = (*METRICS, *COUNTED_METRICS)
_BY_EVENT = {
    event: tuple(metric for metric in METRICS if metric.event == event)
    for event in {metric.event for metric in METRICS if metric.event}
}
