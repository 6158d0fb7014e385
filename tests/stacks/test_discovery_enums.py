"""What the stacks declare is what Google's APIs take: every enum, duration and dashboard, by their word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exposure.contracts.analytics_table import CONTRACT as ANALYTICS
from fakes.plan_discovery import schemas
from fakes.plan_faults import GONE, changed, planted, recorded
from fakes.plan_monitoring import ALERT, DASHBOARD, SLO, scene
from fakes.plan_schemas import SOURCES, WITHOUT_SCHEMA, defaults_sent, enum_faults, enums_met
from fakes.plan_shapes import args_of
from stacks.plan import Recorded

SERVICE = "gcp:cloudrunv2/service:Service"
REPOSITORY = "gcp:artifactregistry/repository:Repository"
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
TABLE = "gcp:bigquery/table:Table"
PUSH = ANALYTICS.subscription
TILE = "dashboardJson!.mosaicLayout.tiles.0"
CHART = f"{TILE}.widget.xyChart"
FIRST = f"{CHART}.dataSets.0"
AGGREGATION = f"{FIRST}.timeSeriesQuery.timeSeriesFilter.aggregation"
THRESHOLD = "conditions.0.conditionThreshold"


def test_everything_said_to_google_is_what_its_apis_describe(plan: list[Recorded]) -> None:
    assert enum_faults(plan) == []


def test_the_enums_of_the_services_and_the_registry_are_among_those_judged(plan: list[Recorded]) -> None:
    assert {
        (SERVICE, "ingress"),
        (SERVICE, "launchStage"),
        (SERVICE, "template.executionEnvironment"),
        (REPOSITORY, "format"),
        (REPOSITORY, "cleanupPolicies.action"),
    } <= enums_met(plan)


def test_a_dashboard_sends_nothing_the_server_would_drop(plan: list[Recorded]) -> None:
    for one in plan:
        if one.type == DASHBOARD:
            assert defaults_sent(one) == []


def test_a_sound_alert_objective_and_dashboard_pass_with_their_enums_judged() -> None:
    assert enum_faults(scene()) == []
    assert {
        (ALERT, "severity"),
        (ALERT, "combiner"),
        (ALERT, f"{THRESHOLD.replace('.0', '')}.comparison"),
        (ALERT, f"{THRESHOLD.replace('.0', '')}.aggregations.perSeriesAligner"),
        (ALERT, f"{THRESHOLD.replace('.0', '')}.aggregations.crossSeriesReducer"),
        (DASHBOARD, "dashboardJson.mosaicLayout.tiles.widget.xyChart.dataSets.plotType"),
    } <= enums_met(scene())


@pytest.mark.parametrize(
    ("kind", "name", "path", "value", "fault"),
    [
        (SERVICE, "api", "ingress", "INGRESS_TRAFFIC_INTERN", "'INGRESS_TRAFFIC_INTERN' is none of"),
        (SERVICE, "api", "ingress", "INGRESS_TRAFFIC_UNSPECIFIED", "is none of"),
        (SERVICE, "api", "template.executionEnvironment", "GEN2", "'GEN2' is none of"),
        (SERVICE, "api", "template.timeout", "30", "template.timeout: '30' is no google-duration"),
        (SERVICE, "api", "template.containers.0.comand", ["x"], "template.containers.comand is unknown"),
        (SERVICE, "api", "creator", "me", "creator is Google's to say"),
        (REPOSITORY, "images", "format", "OCI", "format: 'OCI' is none of"),
        (REPOSITORY, "images", "cleanupPolicies.0.action", "DROP", "action: 'DROP' is none of"),
        (SUBSCRIPTION, PUSH, "retryPolicy.minimumBackoff", "10 s", "is no google-duration"),
        (TABLE, "orders", "schema!.0.nam", "id", "schema.nam is unknown to TableFieldSchema"),
        (TABLE, "orders", "schema!.0.name", GONE, "schema: name is missing"),
        (TABLE, "orders", "schema", "[", "holds text that is no JSON"),
    ],
)
def test_what_google_does_not_know_is_refused(
    kind: str, name: str, path: str, value: Any, fault: str, dev_plan: list[Recorded]
) -> None:
    faults = enum_faults(planted(dev_plan, kind, name, path, value))
    assert len(faults) == 1
    assert fault in faults[0]


@pytest.mark.parametrize(
    ("kind", "path", "value", "fault"),
    [
        (ALERT, "severity", "FATAL", "severity: 'FATAL' is none of"),
        (ALERT, f"{THRESHOLD}.comparison", "COMPARISON_GE", "'COMPARISON_GE' is none of"),
        (ALERT, f"{THRESHOLD}.aggregations.0.perSeriesAligner", "ALIGN_AVERAGE", "is none of"),
        (ALERT, f"{THRESHOLD}.aggregations.0.crossSeriesReducer", "REDUCE_PERCENTILE_90", "is none of"),
        (ALERT, f"{THRESHOLD}.evaluationMissingData", "EVALUATION_MISSING_DATA_OK", "is none of"),
        (ALERT, f"{THRESHOLD}.duration", "5m", "is no google-duration"),
        (SLO, "calendarPeriod", "DECADE", "calendarPeriod: 'DECADE' is none of"),
        (SLO, "goal", "0.95", "goal: '0.95' is no double"),
        (DASHBOARD, f"{CHART}.dataSet", [], "xyChart.dataSet is unknown"),
        (DASHBOARD, f"{CHART}.dataSets", GONE, "xyChart: dataSets is missing"),
        (DASHBOARD, f"{CHART}.dataSets", {}, "xyChart.dataSets: {} is no list"),
        (DASHBOARD, f"{FIRST}.plotType", "LINES", "plotType: 'LINES' is none of"),
        (DASHBOARD, f"{TILE}.width", "wide", "width: 'wide' is no int32"),
        (DASHBOARD, f"{AGGREGATION}.perSeriesAligner", "ALIGN_AVG", "perSeriesAligner: 'ALIGN_AVG' is none"),
        (DASHBOARD, f"{AGGREGATION}.groupBy", ["x"], "aggregation.groupBy is unknown to Aggregation"),
    ],
)
def test_what_monitoring_does_not_know_is_refused(kind: str, path: str, value: Any, fault: str) -> None:
    faults = enum_faults(planted(scene(), kind, "sound", path, value))
    assert faults
    assert fault in faults[0]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{TILE}.xPos", 0),
        (f"{TILE}.widget.title", None),
        (f"{AGGREGATION}.groupByFields", []),
        (f"{AGGREGATION}.perSeriesAligner", "ALIGN_NONE"),
        (f"{FIRST}.targetAxis", "Y1"),
    ],
)
def test_a_default_in_a_dashboard_is_refused(path: str, value: Any) -> None:
    sound = next(one for one in scene() if one.type == DASHBOARD)
    tidy = changed(sound, f"{AGGREGATION}.groupByFields", GONE)
    assert defaults_sent(tidy) == []
    assert len(defaults_sent(changed(tidy, path, value))) == 1


def test_a_kind_nobody_has_told_its_schema_of_is_refused() -> None:
    assert "nobody has told its schema" in enum_faults([recorded("gcp:redis/instance:Instance", "x", {})])[0]


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_the_schema_a_kind_is_held_against_is_in_its_document(kind: str) -> None:
    assert SOURCES[kind].schema in schemas(SOURCES[kind].document)
    assert args_of(kind) is not None


@pytest.mark.parametrize("kind", sorted(WITHOUT_SCHEMA))
def test_a_kind_without_a_schema_is_one_the_sdks_have(kind: str) -> None:
    assert args_of(kind) is not None


def test_a_kind_is_either_described_or_known_to_hold_no_enum() -> None:
    assert not SOURCES.keys() & WITHOUT_SCHEMA


def test_planting_leaves_the_plan_as_it_was(dev_plan: list[Recorded]) -> None:
    before = json.dumps([one.inputs for one in dev_plan], default=str)
    planted(dev_plan, SERVICE, "api", "ingress", "x")
    assert json.dumps([one.inputs for one in dev_plan], default=str) == before
