"""Every metric can be recorded, carried and found under one name, by its writers and by those who alert."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from exposure.contracts.catalog import CATALOG
from exposure.telemetry import names
from exposure.telemetry.names import COUNTED_METRICS, METRICS, Kind, Metric

UNIT = re.compile(r"s|By|\{[a-z]+\}")
RIGHT: dict[str, Any] = {
    "name": "exposure_things_total",
    "kind": Kind.COUNTER,
    "unit": "{thing}",
    "labels": (),
    "description": "Things.",
}
ROWS: dict[str, Any] = {"name": "exposure_rows", "kind": Kind.HISTOGRAM, "edges": (1.0, 2.0)}


def test_every_metric_is_listed_once_under_a_name_of_its_own() -> None:
    defined = [value for value in vars(names).values() if isinstance(value, Metric)]
    assert sorted(defined, key=id) == sorted((*METRICS, *COUNTED_METRICS), key=id)
    assert (
        len({metric.name for metric in METRICS}) == len({metric.type for metric in METRICS}) == len(METRICS)
    )


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_says_what_it_counts_and_in_which_unit(metric: Metric) -> None:
    assert UNIT.fullmatch(metric.unit)
    assert re.fullmatch(r"[A-Z].+\.", metric.description)
    assert all(re.fullmatch(r"[a-z]+", label) for label in metric.labels)
    assert not {"message_id", "id", "key", "tenant"} & set(metric.labels)


def test_cloud_monitoring_has_a_metric_under_the_type_it_gives_those_of_logs() -> None:
    metric = names.FRESHNESS
    assert metric.type == "logging.googleapis.com/user/exposure_freshness_seconds"
    assert metric.promql == "logging_googleapis_com:user_exposure_freshness_seconds"


def test_what_every_contract_promises_is_an_edge_of_the_buckets_it_is_counted_in() -> None:
    for contract in CATALOG:
        level = contract.service_level
        assert level.latency.total_seconds() in names.LATENCY.edges
        assert level.freshness.total_seconds() in names.FRESHNESS.edges


def test_nothing_unaccounted_for_is_no_bucket_of_something() -> None:
    assert names.UNACCOUNTED.edges[0] == 1.0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": "things_total"}, "exposure_"),
        ({"name": "exposure_Things_total"}, "lower-case"),
        ({"name": "exposure_things"}, "end with _total"),
        ({"kind": Kind.HISTOGRAM, "edges": (1.0,)}, "end with _total"),
        ({"unit": "s"}, "end with _seconds"),
        ({"edges": (1.0,)}, "have edges"),
        ({"name": "exposure_rows", "kind": Kind.HISTOGRAM}, "have edges"),
        ({"name": "exposure_rows", "kind": Kind.HISTOGRAM, "edges": (2.0, 1.0)}, "do not rise"),
        ({"name": "exposure_rows", "kind": Kind.HISTOGRAM, "edges": (1.0, 1.0)}, "do not rise"),
        ({"field": "rows"}, "name a field"),
        ({"event": "append", "field": "rows"}, "name a field"),
        ({**ROWS, "event": "append"}, "name a field"),
        ({**ROWS, "field": "rows"}, "name a field"),
    ],
)
def test_a_metric_no_log_could_carry_is_refused_with_a_sentence(
    change: dict[str, Any], sentence: str
) -> None:
    assert Metric(**RIGHT)
    assert Metric(**{**RIGHT, **ROWS, "event": "append", "field": "rows"})
    with pytest.raises(ValueError, match=sentence):
        Metric(**{**RIGHT, **change})


def test_the_names_need_nothing_but_python() -> None:
    tree = ast.parse(Path(names.__file__).read_text())
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {str(module).split(".")[0] for module in imported} <= sys.stdlib_module_names
