"""Each contract's promises become objectives, and alerts that know how fast a budget may burn."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.contracts.analytics_table import CONTRACT
from exposure.contracts.catalog import CATALOG
from exposure.contracts.model import ServiceLevel
from exposure.telemetry import names
from fakes.operations_plan import ALERT, OBJECTIVE, changed, conditions, of_type, watch
from fakes.plan_environments import WORKER
from stacks.burn_rate import WINDOWS, BurnWindow, burn_alerts
from stacks.metrics import signal_of
from stacks.plan import Recorded, settings_of
from stacks.promises import in_unit, in_words, promises_of

MONTH = timedelta(days=30)
LEVEL = ServiceLevel()
THREE_DAYS = BurnWindow(
    name="72h", long=timedelta(days=3), short=timedelta(hours=6), budget=0.1, is_urgent=False
)


@pytest.fixture(scope="module")
def plan() -> list[Recorded]:
    return watch(settings_of("prod"))


def test_the_factors_of_a_month_are_the_workbooks() -> None:
    assert [window.factor(MONTH) for window in WINDOWS] == [14.4, 6, 3]
    assert THREE_DAYS.factor(MONTH) == 1


def test_the_factors_of_four_weeks_are_four_weeks_own() -> None:
    assert [window.factor(timedelta(days=28)) for window in WINDOWS] == [13.44, 5.6, 2.8]


@given(st.integers(1, 30), st.sampled_from(WINDOWS))
def test_burning_at_its_factor_spends_a_windows_share_of_the_budget_in_its_long_window(
    days: int, window: BurnWindow
) -> None:
    period = timedelta(days=days)
    assert window.factor(period) * (window.long / period) == pytest.approx(window.budget, rel=1e-3)


@given(st.integers(1, 30), st.floats(0.01, 0.9999))
def test_every_burn_alert_can_fire_and_only_while_the_objective_is_being_missed(
    days: int, goal: float
) -> None:
    try:
        rows = burn_alerts(goal, timedelta(days=days))
    except ValueError:
        return
    assert rows
    for _, factor in rows:
        assert factor > 1
        assert factor * (1 - goal) < 1


def test_a_row_no_failure_could_reach_is_left_out() -> None:
    assert [window.name for window, _ in burn_alerts(0.9, MONTH)] == ["6h", "24h"]


def test_a_row_that_would_fire_while_the_objective_is_met_is_left_out() -> None:
    assert [window.name for window, _ in burn_alerts(0.999, timedelta(days=7))] == ["1h", "6h"]


@pytest.mark.parametrize(("goal", "days"), [(0.5, 30), (0.999, 1)])
def test_a_goal_no_alert_can_stand_for_ends_the_preview_with_a_sentence(goal: float, days: int) -> None:
    with pytest.raises(ValueError, match="no burn-rate alert can stand for"):
        burn_alerts(goal, timedelta(days=days))


def test_every_contract_has_its_three_objectives_with_its_own_goals_over_the_stacks_period(
    plan: list[Recorded],
) -> None:
    found = of_type(plan, OBJECTIVE)
    assert len(found) == 3 * len(CATALOG.contracts)
    for contract in CATALOG:
        level = contract.service_level
        for promise, goal in (
            ("availability", level.availability_goal),
            ("latency", level.latency_goal),
            ("freshness", level.freshness_goal),
        ):
            objective = found[f"{contract.name}-{promise}"].inputs
            assert objective["goal"] == goal
            assert objective["rollingPeriodDays"] == settings_of("prod").slo_period_days
            assert objective["service"] == contract.name.replace("_", "-")
            assert objective["sloId"] == f"{objective['service']}-{promise}"


def test_availability_counts_a_contracts_failures_among_its_requests(plan: list[Recorded]) -> None:
    sli = of_type(plan, OBJECTIVE)["orders-availability"].inputs["requestBasedSli"]["goodTotalRatio"]
    ending = 'resource.type = "cloud_run_revision" AND metric.labels.contract = "orders"'
    assert sli == {
        "totalServiceFilter": f'metric.type = "{names.REQUESTS.type}" AND {ending}',
        "badServiceFilter": f'metric.type = "{names.FAILURES.type}" AND {ending}',
    }


@pytest.mark.parametrize(
    ("promise", "metric", "bound"), [("latency", names.LATENCY, 0.3), ("freshness", names.FRESHNESS, 60)]
)
def test_a_bound_is_said_in_the_unit_its_metric_has_and_is_an_edge_of_its_buckets(
    promise: str, metric: names.Metric, bound: float, plan: list[Recorded]
) -> None:
    sli = of_type(plan, OBJECTIVE)[f"orders-{promise}"].inputs["requestBasedSli"]["distributionCut"]
    assert sli["range"] == {"max": bound}
    assert metric.type in sli["distributionFilter"]
    assert signal_of(metric).value == "DISTRIBUTION"
    assert bound in metric.edges


def test_a_bound_between_two_edges_ends_the_preview_with_the_edges_there_are() -> None:
    contract = replace(CONTRACT, service_level=replace(LEVEL, latency=timedelta(milliseconds=290)))
    with pytest.raises(
        ValueError, match=r"0\.29 s is no edge of logging.*exposure_latency_seconds.*0\.25, 0\.3"
    ):
        promises_of(contract)


def test_a_duration_has_a_value_in_units_of_time_only() -> None:
    assert in_unit(timedelta(milliseconds=300), "s") == 0.3
    assert in_unit(timedelta(milliseconds=300), "ms") == 300
    assert in_unit(timedelta(milliseconds=200), "us") == 200_000
    for unit in ("1", "By", "min", ""):
        with pytest.raises(ValueError, match="no value in the unit"):
            in_unit(timedelta(seconds=1), unit)


def test_an_objective_waits_for_the_metrics_it_counts(plan: list[Recorded]) -> None:
    declared = {one.urn for one in of_type(plan, "gcp:logging/metric:Metric").values()}
    assert declared
    for objective in of_type(plan, OBJECTIVE).values():
        assert declared <= set(objective.depends_on)


def test_each_burn_alert_holds_one_objective_against_one_factor_over_two_windows(
    plan: list[Recorded],
) -> None:
    period = timedelta(days=settings_of("prod").slo_period_days)
    alerts = {name: one for name, one in of_type(plan, ALERT).items() if "-burn-" in name}
    expected = {
        f"{contract.name}-{promise.name}-burn-{window.name}"
        for contract in CATALOG
        for promise in promises_of(contract)
        for window, _ in burn_alerts(promise.goal, period)
    }
    assert alerts.keys() == expected
    for name, alert in alerts.items():
        objective, _, row = name.rpartition("-burn-")
        (window,) = [window for window in WINDOWS if window.name == row]
        path = f"projects/1/services/s/serviceLevelObjectives/{objective.replace('_', '-')}"
        compared = conditions(plan, name)
        assert [one["filter"] for one in compared] == [
            f'select_slo_burn_rate("{path}", "{int(span.total_seconds())}s")'
            for span in (window.long, window.short)
        ]
        assert {one["thresholdValue"] for one in compared} == {window.factor(period)}
        assert alert.inputs["combiner"] == "AND"
        assert alert.inputs["severity"] == ("CRITICAL" if window.is_urgent else "WARNING")


def test_a_shorter_period_changes_the_factors_with_it() -> None:
    plan = watch(changed("dev", slo_period_days=14), [CONTRACT])
    (first, _) = conditions(plan, "analytics_table-availability-burn-1h")
    assert first["thresholdValue"] == 6.72


def test_spans_are_said_as_people_say_them() -> None:
    spans = {300: "5 min", 1800: "30 min", 3600: "1 h", 86_400: "24 h", 60: "60 s", 0.3: "300 ms", 90: "90 s"}
    assert {seconds: in_words(timedelta(seconds=seconds)) for seconds in spans} == spans


def test_the_freshness_of_an_ingest_that_pulls_is_read_from_where_it_runs() -> None:
    plan = watch(changed("dev", worker=WORKER), [CONTRACT])
    found = of_type(plan, OBJECTIVE)["analytics_table-freshness"].inputs["requestBasedSli"]["distributionCut"]
    assert 'resource.type = "cloud_run_worker_pool"' in found["distributionFilter"]
    logged = of_type(plan, "gcp:logging/metric:Metric")[names.FRESHNESS.name].inputs["filter"]
    assert '"cloud_run_worker_pool"' in logged
    (only,) = conditions(plan, "no-instance-left")
    assert '"api"' in only["filter"]
