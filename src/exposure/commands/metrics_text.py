"""The page of metrics of a running service, read back: its samples, and what can be said of a histogram.

The text is read by Prometheus' own library. What the numbers mean for the platform is in `standing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


class NotMetrics(ValueError):
    """What answered does not write metrics."""


@dataclass(frozen=True)
class Histogram:
    """How many values were at most each edge, which rise; the last edge is infinite."""

    up_to: tuple[tuple[float, float], ...]

    @property
    def count(self) -> float:
        """Return how many values there were."""
        return self.up_to[-1][1] if self.up_to else 0.0

    def within(self, bound: float) -> float:
        """Return how many values were at most the bound, or the edge below it."""
        return max((count for edge, count in self.up_to if edge <= bound), default=0.0)

    def quantile(self, share: float) -> float | None:
        """Return the value below which the share lies, evenly spread within a bucket; None without values.

        Above the last finite edge nothing more is known than that edge.
        """
        if not self.count:
            return None
        wanted, below, seen = share * self.count, 0.0, 0.0
        for edge, count in self.up_to:
            if count >= wanted and count > seen:
                return below if edge == inf else below + (edge - below) * (wanted - seen) / (count - seen)
            below, seen = edge, count
        return below


class MetricsText:
    """The samples of one page; raises NotMetrics for a text that is none."""

    def __init__(self, text: str) -> None:
        try:
            families = list(text_string_to_metric_families(text))
        except ValueError as error:
            raise NotMetrics(f"this is no page of metrics: {str(error)[:80]}") from error
        self._samples = [sample for family in families for sample in family.samples]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of that name that have the labels' values."""
        return sum(one.value for one in self._of(name, labels))

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        """Return the sums by the values of one label."""
        sums: dict[str, float] = {}
        for one in self._of(name, labels):
            sums[one.labels[label]] = sums.get(one.labels[label], 0.0) + one.value
        return sums

    def known(self, name: str, **labels: str) -> float | None:
        """Return the total, or None when the page has no such sample."""
        return self.total(name, **labels) if list(self._of(name, labels)) else None

    def histogram(self, name: str, **labels: str) -> Histogram:
        """Return the histogram of that name."""
        buckets = self.by("le", f"{name}_bucket", **labels)
        return Histogram(tuple(sorted((float(edge), count) for edge, count in buckets.items())))

    def _of(self, name: str, labels: Mapping[str, str]) -> Iterable[Sample]:
        return (one for one in self._samples if one.name == name and labels.items() <= one.labels.items())
