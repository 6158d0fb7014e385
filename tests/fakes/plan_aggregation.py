"""How Cloud Monitoring combines series, as its own API description says it in each enum value's sentence.

Read from the description rather than listed, so that it can disagree with what the stacks list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from fakes.plan_discovery import schemas

NUMBERS = frozenset({"INT64", "DOUBLE"})
_KINDS = frozenset({"GAUGE", "DELTA", "CUMULATIVE"})
_VALUES = NUMBERS | {"DISTRIBUTION", "BOOL", "STRING"}
_WORDS = {
    "numeric": NUMBERS,
    "distribution": frozenset({"DISTRIBUTION"}),
    "boolean": frozenset({"BOOL"}),
    "string": frozenset({"STRING"}),
}
_VALID = re.compile(r"valid for ((?:[A-Z]{2,}|and|,|\s)+) metrics([^.]*)\.")
_OUTPUT_KIND = re.compile(r"convert to (DELTA)|output is a (GAUGE) metric")
_OUTPUT_VALUE = re.compile(
    r"value(?:_type)?(?: of the(?: aligned)? (?:result|output))? (?:is )?(INT64|DOUBLE)"
)


@dataclass(frozen=True)
class Series:
    """What kind of series there is: `kind` and `value` in Cloud Monitoring's words."""

    kind: str
    value: str


@dataclass(frozen=True)
class Step:
    """One aligner or reducer: what it takes, and what it makes of it where that is another."""

    kinds: frozenset[str]
    values: frozenset[str]
    kind: str | None
    value: str | None

    def takes(self, series: Series) -> bool:
        """Whether the step is valid for the series."""
        return series.kind in self.kinds and series.value in self.values

    def makes(self, series: Series) -> Series:
        """Return what the step makes of the series."""
        return Series(self.kind or series.kind, self.value or series.value)


@cache
def steps(field: str) -> Mapping[str, Step]:
    """Return the steps `perSeriesAligner` or `crossSeriesReducer` may name."""
    described = schemas("monitoring.v3")["Aggregation"]["properties"][field]
    return {
        name: _step(sentence)
        for name, sentence in zip(described["enum"], described["enumDescriptions"], strict=True)
    }


def _step(sentence: str) -> Step:
    valid = _VALID.search(sentence)
    kind = _OUTPUT_KIND.search(sentence)
    value = _OUTPUT_VALUE.search(sentence)
    words = valid[2].lower() if valid else ""
    values = frozenset().union(*(taken for word, taken in _WORDS.items() if word in words))
    return Step(
        kinds=frozenset(re.findall(r"[A-Z]{2,}", valid[1])) if valid else _KINDS,
        values=values or _VALUES,
        kind=(kind[1] or kind[2]) if kind else None,
        value=value[1] if value else None,
    )


def combine(series: Series, aggregation: Mapping[str, Any]) -> tuple[Series, list[str]]:
    """Return what an aggregation makes of a series, and a sentence per step of it that does not fit."""
    faults: list[str] = []
    aligner = aggregation.get("perSeriesAligner", "ALIGN_NONE")
    reducer = aggregation.get("crossSeriesReducer", "REDUCE_NONE")
    if aligner == "ALIGN_NONE" and reducer != "REDUCE_NONE":
        faults.append(f"{reducer} needs an aligner")
    for field, name in (("perSeriesAligner", aligner), ("crossSeriesReducer", reducer)):
        step = steps(field).get(name)
        if step is None:
            faults.append(f"{name} is no {field}")
        elif not step.takes(series):
            faults.append(f"{name} does not fit {series.kind} {series.value}")
        else:
            series = step.makes(series)
    return series, faults
