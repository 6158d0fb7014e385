"""Who watches a platform in Google's place: reads the metrics of its log and judges every alert of a plan.

Logs come in, and levels that Google measures itself; out come the alerts that hold at a moment. What is
declared is taken from the plan, word for word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fakes.log_filter import Entry, Predicate, extract, parse_filter
from fakes.monitoring_series import SeriesStore, is_crossed
from fakes.operations_plan import ALERT, LOG_METRIC, OBJECTIVE, of_type
from fakes.promql_answers import answer
from stacks.metrics import REQUEST_COUNT, REQUEST_LATENCIES, REVISION
from stacks.plan import Recorded

_REQUESTS = "run.googleapis.com/requests"


class WatchRoom:
    """Judges by the plan's own filters; `judge` once a minute, as conditions that last are counted so."""

    def __init__(self, plan: Sequence[Recorded]) -> None:
        self.store = SeriesStore()
        self._alerts = of_type(list(plan), ALERT)
        self._objectives = {one.inputs["sloId"]: one for one in of_type(list(plan), OBJECTIVE).values()}
        self._metrics: list[tuple[Predicate, Mapping[str, Any]]] = [
            (parse_filter(one.inputs["filter"]), one.inputs)
            for one in of_type(list(plan), LOG_METRIC).values()
        ]
        self._since: dict[tuple[str, int], float] = {}

    @property
    def alerts(self) -> set[str]:
        """Return the names of all alerts."""
        return set(self._alerts)

    def log(self, at: float, entry: Entry) -> None:
        """Read an entry of the log, in every metric that selects it."""
        for selects, declared in self._metrics:
            if not selects(entry):
                continue
            labels = {name: extract(how, entry) for name, how in declared["labelExtractors"].items()}
            value = extract(declared["valueExtractor"], entry) if "valueExtractor" in declared else "1"
            if value is not None and None not in labels.values():
                known = {name: text for name, text in labels.items() if text is not None}
                kind = f"logging.googleapis.com/user/{declared['name']}"
                self.store.add(at, kind, entry["resource"]["type"], known, float(value))
        if entry["logName"] == _REQUESTS:
            self._measure(at, entry)

    def judge(self, at: float) -> set[str]:
        """Return the names of the alerts that hold."""
        return {name for name, alert in self._alerts.items() if self._holds(name, alert.inputs, at)}

    def _measure(self, at: float, entry: Entry) -> None:
        """Count a request as Cloud Run itself does."""
        status = str(entry["httpRequest"]["status"])
        labels = {
            "service_name": entry["resource"]["labels"]["service_name"],
            "response_code": status,
            "response_code_class": f"{status[0]}xx",
        }
        self.store.add(at, REQUEST_COUNT.type, REVISION, labels)
        latency_ms = float(entry["httpRequest"]["latency"].removesuffix("s")) * 1000
        self.store.add(at, REQUEST_LATENCIES.type, REVISION, labels, latency_ms)

    def _holds(self, name: str, alert: Mapping[str, Any], at: float) -> bool:
        conditions = [
            self._lasts((name, index), condition, at) for index, condition in enumerate(alert["conditions"])
        ]
        return all(conditions) if alert["combiner"] == "AND" else any(conditions)

    def _lasts(self, which: tuple[str, int], condition: Mapping[str, Any], at: float) -> bool:
        """Tell whether a condition has been met for as long as it must be."""
        (compared,) = (value for kind, value in condition.items() if kind != "displayName")
        if "query" in compared:
            is_met = bool(answer(self.store, compared["query"], at))
        else:
            is_met = is_crossed(self.store, self._objectives, compared, at)
        if not is_met:
            self._since.pop(which, None)
            return False
        since = self._since.setdefault(which, at)
        return at - since >= float(compared["duration"].removesuffix("s"))
