"""Time series as Cloud Monitoring keeps them, and what filters and objectives make of them at a moment.

A distribution keeps its values, not their buckets: every bound asked for is an edge, so shares are the same.
Times are seconds. As much as the plans use; anything else raises.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stacks.plan import Recorded

Labels = frozenset[tuple[str, str]]
_CLAUSE = re.compile(r'([\w.]+) = (?:"([^"]*)"|one_of\(([^)]*)\))')
_BURN = re.compile(r'select_slo_burn_rate\("[^"]*/([^"/]+)", "(\d+)s"\)')


@dataclass
class Series:
    """One series: its values and when they came, in order."""

    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def window(self, end: float, seconds: float) -> Sequence[float]:
        """Return the values of the seconds before `end`, which is among them."""
        return self.values[bisect_right(self.times, end - seconds) : bisect_right(self.times, end)]


class SeriesStore:
    """Every series by its metric's type, its resource's and all its labels."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str], dict[Labels, Series]] = defaultdict(lambda: defaultdict(Series))

    def add(self, at: float, kind: str, resource: str, labels: Mapping[str, str], value: float = 1.0) -> None:
        """Add a value; a counter's is one more."""
        series = self._series[kind, resource][frozenset(labels.items())]
        series.times.append(at)
        series.values.append(value)

    def select(self, text: str) -> Iterator[tuple[Mapping[str, str], Series]]:
        """Yield the series that a filter means, with their labels; raises for another language."""
        clauses: dict[str, tuple[str, ...]] = {}
        for part in text.split(" AND "):
            found = _CLAUSE.fullmatch(part)
            assert found, part
            clauses[found[1]] = (found[2],) if found[3] is None else tuple(re.findall('"([^"]*)"', found[3]))
        (kind,), (resource,) = clauses.pop("metric.type"), clauses.pop("resource.type")
        asked = {path.rsplit(".", 1)[-1]: values for path, values in clauses.items()}
        yield from self.of(kind, resource, asked)

    def of(
        self, kind: str, resource: str, asked: Mapping[str, Sequence[str]]
    ) -> Iterator[tuple[Mapping[str, str], Series]]:
        """Yield the series of a metric whose labels have one of the values asked for."""
        for labels, series in self._series[kind, resource].items():
            known = dict(labels)
            if all(known.get(label) in values for label, values in asked.items()):
                yield known, series


_Aligner = Mapping[str, Any]


def is_crossed(store: SeriesStore, objectives: Mapping[str, Recorded], compared: Any, at: float) -> bool:
    """Tell whether a threshold condition's value is above its limit at a moment, however briefly."""
    assert compared["comparison"] == "COMPARISON_GT"
    return any(value > compared["thresholdValue"] for value in _values(store, objectives, compared, at))


def _values(
    store: SeriesStore, objectives: Mapping[str, Recorded], compared: Any, at: float
) -> Iterator[float]:
    if burning := _BURN.fullmatch(compared["filter"]):
        yield burn_rate(store, objectives[burning[1]].inputs, at, float(burning[2]))
        return
    above = _combined(store, compared["filter"], compared["aggregations"][0], at)
    if not compared.get("denominatorFilter"):
        yield from above.values()
        return
    below = _combined(store, compared["denominatorFilter"], compared["denominatorAggregations"][0], at)
    yield from (value / below[group] for group, value in above.items() if below.get(group))


def burn_rate(store: SeriesStore, objective: Any, at: float, seconds: float) -> float:
    """Return how many times as fast as it may the budget of an objective went in the seconds before."""
    sli = objective["requestBasedSli"]
    if "distributionCut" in sli:
        cut = sli["distributionCut"]
        values = [v for _, one in store.select(cut["distributionFilter"]) for v in one.window(at, seconds)]
        total, bad = len(values), sum(value > cut["range"]["max"] for value in values)
    else:
        ratio = sli["goodTotalRatio"]
        total, bad = (
            sum(len(one.window(at, seconds)) for _, one in store.select(ratio[name]))
            for name in ("totalServiceFilter", "badServiceFilter")
        )
    return bad / total / (1 - objective["goal"]) if total else 0.0


def _combined(
    store: SeriesStore, text: str, aggregation: _Aligner, at: float
) -> dict[tuple[str | None, ...], float]:
    """Return the number of each group."""
    seconds = float(aggregation["alignmentPeriod"].removesuffix("s"))
    by = [path.rsplit(".", 1)[-1] for path in aggregation.get("groupByFields") or ()]
    groups: dict[tuple[str | None, ...], list[Sequence[float]]] = defaultdict(list)
    for labels, series in store.select(text):
        if window := series.window(at, seconds):
            groups[tuple(labels.get(label) for label in by)].append(window)
    steps = (aggregation["perSeriesAligner"], aggregation["crossSeriesReducer"])
    return {group: _number(steps, windows, seconds) for group, windows in groups.items()}


def _number(steps: tuple[str, str], windows: Sequence[Sequence[float]], seconds: float) -> float:
    """Return what Cloud Monitoring makes of a group's windows with this aligner and this reducer."""
    values = [value for window in windows for value in window]
    match steps:
        case ("ALIGN_DELTA", "REDUCE_MEAN"):
            return sum(values) / len(values)
        case ("ALIGN_DELTA", "REDUCE_SUM"):
            return sum(values)
        case ("ALIGN_RATE", "REDUCE_SUM"):
            return sum(values) / seconds
        case ("ALIGN_MAX", "REDUCE_MAX"):
            return max(values)
        case ("ALIGN_MAX", "REDUCE_SUM"):
            return sum(max(window) for window in windows)
        case ("ALIGN_NEXT_OLDER", "REDUCE_COUNT_FALSE"):
            return sum(not window[-1] for window in windows)
    raise NotImplementedError(steps)
