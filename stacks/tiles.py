"""The parts a dashboard is made of: charts, numbers, headings, and a grid that places them in rows.

Nothing is written that equals the server's own default: the server drops it, and later plans would differ.
Format: https://cloud.google.com/monitoring/api/ref_v3/rest/v1/projects.dashboards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi

from stacks.alert_policy import Sample

COLUMNS = 48
_HEADING_HEIGHT = 4
Widget = Mapping[str, Any]
Shape = Literal["LINE", "STACKED_AREA", "STACKED_BAR"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """Widgets side by side, equally wide. `height` is in the grid's units."""

    widgets: Sequence[Widget]
    height: int = 16


def chart(title: str, *samples: Sample, shape: Shape = "LINE") -> Widget:
    """Return a chart of Google's signals over time, one line per group of each sample."""
    return _chart(title, [_filtered(sample) for sample in samples], shape)


def query_chart(title: str, *queries: str, unit: str, shape: Shape = "LINE") -> Widget:
    """Return a chart of PromQL queries; `unit` is UCUM, as nothing else tells a query's unit."""
    return _chart(title, [{"prometheusQuery": query, "unitOverride": unit} for query in queries], shape)


def budget_left(title: str, objective: pulumi.Input[str]) -> Widget:
    """Return how much of the objective's error budget is left: 1 is all of it, below 0 it is overspent."""
    query = {
        "timeSeriesFilter": {
            "filter": pulumi.Output.format('select_slo_budget_fraction("{0}")', objective),
            "aggregation": {"perSeriesAligner": "ALIGN_NEXT_OLDER"},
        },
        "unitOverride": "10^2.%",
    }
    thresholds = [
        {"value": 0.5, "color": "YELLOW", "direction": "BELOW"},
        {"value": 0.1, "color": "RED", "direction": "BELOW"},
    ]
    return {"title": title, "scorecard": {"timeSeriesQuery": query, "thresholds": thresholds}}


def note(title: str, text: str) -> Widget:
    """Return a text in Markdown."""
    return {"title": title, "text": {"content": text, "format": "MARKDOWN"}}


def heading(title: str) -> Row:
    """Return a heading over the rows that follow."""
    return Row(widgets=[{"title": title, "sectionHeader": {"dividerBelow": True}}], height=_HEADING_HEIGHT)


def dashboard(title: str, rows: Sequence[Row]) -> Mapping[str, Any]:
    """Return the document of a dashboard whose rows stand one below the other."""
    tiles: list[Mapping[str, Any]] = []
    top = 0
    for row in rows:
        width = COLUMNS // len(row.widgets)
        tiles += [_tile(widget, i * width, top, (width, row.height)) for i, widget in enumerate(row.widgets)]
        top += row.height
    return {"displayName": title, "mosaicLayout": {"columns": COLUMNS, "tiles": tiles}}


def _tile(widget: Widget, left: int, top: int, size: tuple[int, int]) -> Mapping[str, Any]:
    placed = {"xPos": left, "yPos": top}
    return {
        **{name: value for name, value in placed.items() if value},
        "width": size[0],
        "height": size[1],
        "widget": widget,
    }


def _chart(title: str, queries: Sequence[Mapping[str, Any]], shape: Shape) -> Widget:
    return {
        "title": title,
        "xyChart": {"dataSets": [{"timeSeriesQuery": query, "plotType": shape} for query in queries]},
    }


def _filtered(sample: Sample) -> Mapping[str, Any]:
    aggregation: dict[str, Any] = {
        "alignmentPeriod": f"{sample.seconds}s",
        "perSeriesAligner": sample.aligner,
        "crossSeriesReducer": sample.reducer,
    }
    if sample.by:
        aggregation["groupByFields"] = sample.groups
    return {"timeSeriesFilter": {"filter": sample.filter, "aggregation": aggregation}}
