"""The three alerts that were asked for are there to the letter, and every alert says what to do first."""

from __future__ import annotations

import re
from typing import Any

import pytest

from exposure.contracts.analytics_table import CONTRACT
from exposure.contracts.catalog import CATALOG
from exposure.telemetry import names
from fakes.operations_plan import ALERT, API_URI, LOG_METRIC, changed, conditions, of_type, watch
from fakes.plan_environments import WORKER
from fakes.plan_filters import readings
from fakes.plan_promql import queries
from stacks.metrics import DEAD_LETTERS, OLDEST_UNACKED, REQUEST_LATENCIES, UPTIME, select
from stacks.plan import Recorded, settings_of

LOGGED = "logging_googleapis_com:user_exposure"
UPTIME_CHECK = "gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig"
SERVICES = 'resource.labels.service_name = one_of("api", "ingest")'


@pytest.fixture(scope="module")
def plan() -> list[Recorded]:
    return watch(changed("prod", access="public", canary=True))


def aggregation(seconds: int, aligner: str, reducer: str, *by: str) -> list[dict[str, Any]]:
    written: dict[str, Any] = {
        "alignmentPeriod": f"{seconds}s",
        "perSeriesAligner": aligner,
        "crossSeriesReducer": reducer,
    }
    return [{**written, "groupByFields": list(by)} if by else written]


def test_a_mean_latency_above_500_ms_over_5_minutes_alerts(plan: list[Recorded]) -> None:
    (one,) = conditions(plan, "mean-latency")
    assert one["filter"] == (
        'metric.type = "run.googleapis.com/request_latencies" AND resource.type = "cloud_run_revision" '
        f"AND {SERVICES}"
    )
    by = "resource.labels.service_name"
    assert one["aggregations"] == aggregation(300, "ALIGN_DELTA", "REDUCE_MEAN", by)
    assert (one["comparison"], one["thresholdValue"], one["duration"]) == ("COMPARISON_GT", 500, "0s")
    assert REQUEST_LATENCIES.unit == "ms"


def test_an_error_rate_above_1_percent_alerts(plan: list[Recorded]) -> None:
    (one,) = conditions(plan, "error-rate")
    everything = (
        'metric.type = "run.googleapis.com/request_count" AND resource.type = "cloud_run_revision" '
        f"AND {SERVICES}"
    )
    assert one["denominatorFilter"] == everything
    assert one["filter"] == f'{everything} AND metric.labels.response_code_class = "5xx"'
    rate = aggregation(300, "ALIGN_RATE", "REDUCE_SUM", "resource.labels.service_name")
    assert one["aggregations"] == one["denominatorAggregations"] == rate
    assert (one["comparison"], one["thresholdValue"], one["duration"]) == ("COMPARISON_GT", 0.01, "0s")


@pytest.mark.parametrize("contract", CATALOG.contracts, ids=lambda contract: contract.name)
def test_messages_unprocessed_for_more_than_2_minutes_alert(contract: Any, plan: list[Recorded]) -> None:
    (one,) = conditions(plan, f"{contract.name}-unprocessed")
    assert one["filter"] == select(OLDEST_UNACKED, subscription_id=contract.subscription)
    assert one["aggregations"] == aggregation(60, "ALIGN_MAX", "REDUCE_MAX")
    assert (one["comparison"], one["thresholdValue"], one["duration"]) == ("COMPARISON_GT", 120, "0s")
    assert OLDEST_UNACKED.unit == "s"


def test_a_single_dead_letter_alerts(plan: list[Recorded]) -> None:
    (one,) = conditions(plan, "orders-dead-letters")
    assert one["filter"] == select(DEAD_LETTERS, subscription_id="orders-topic-ingest")
    assert (one["comparison"], one["thresholdValue"]) == ("COMPARISON_GT", 0)


@pytest.mark.parametrize("contract", CATALOG.contracts, ids=lambda contract: contract.name)
def test_a_dead_letter_that_waits_10_minutes_for_its_table_alerts(
    contract: Any, plan: list[Recorded]
) -> None:
    (one,) = conditions(plan, f"{contract.name}-dead-letters-unkept")
    assert one["filter"] == select(OLDEST_UNACKED, subscription_id=f"{contract.topic}-dead-letters-archive")
    assert one["aggregations"] == aggregation(60, "ALIGN_MAX", "REDUCE_MAX")
    assert (one["comparison"], one["thresholdValue"], one["duration"]) == ("COMPARISON_GT", 600, "0s")


def test_every_subscription_an_alert_watches_is_one_there_is(full_plan: list[Recorded]) -> None:
    declared = set(of_type(full_plan, "gcp:pubsub/subscription:Subscription"))
    watched = {
        name
        for alert in of_type(full_plan, ALERT)
        for one in conditions(full_plan, alert)
        for name in re.findall(r'subscription_id = "([^"]+)"', one.get("filter", ""))
    }
    assert watched == declared


@pytest.mark.parametrize("worker", [None, WORKER])
def test_more_than_5_percent_of_messages_in_quarantine_alert(worker: Any) -> None:
    plan = watch(changed("prod", worker=worker))
    home = "cloud_run_worker_pool" if worker else "cloud_run_revision"
    labels = f'{{monitored_resource="{home}", contract="orders"}}'
    quarantined = f"sum(rate({LOGGED}_quarantined_total{labels}[10m]))"
    stored = f"sum(rate({LOGGED}_appended_rows_sum{labels}[10m]))"
    (one,) = conditions(plan, "orders-quarantine")
    assert one["query"] == f"{quarantined} / ({quarantined} + ({stored} or vector(0))) > 0.05"


def test_what_the_platform_refuses_for_want_of_an_instance_alerts(plan: list[Recorded]) -> None:
    (one,) = conditions(plan, "no-instance")
    assert "user_exposure_no_instance_total" in one["query"]
    counted = of_type(plan, LOG_METRIC)[names.NO_INSTANCE.name].inputs
    assert 'textPayload:"no available instance"' in counted["filter"]
    assert "run.googleapis.com/requests" in counted["filter"]


def test_a_service_that_has_no_instance_left_to_start_alerts(plan: list[Recorded]) -> None:
    settings = settings_of("prod")
    found = {
        one["filter"].split("service_name = ")[1].split(" ")[0]: one
        for one in conditions(plan, "no-instance-left")
    }
    assert found['"api"']["thresholdValue"] == settings.api.max_instances - 1
    assert found['"ingest"']["thresholdValue"] == settings.ingest.max_instances - 1


def test_a_canary_that_falls_silent_alerts_whether_its_counter_is_zero_or_gone(plan: list[Recorded]) -> None:
    (missing,) = conditions(plan, "orders-canary-missing")
    counted = f'{LOGGED}_canaries_total{{monitored_resource="cloud_run_worker_pool", contract="orders"}}'
    assert missing["query"] == f"(sum(increase({counted}[10m])) or vector(0)) == 0"


def test_three_canaries_that_were_not_visible_alert(plan: list[Recorded]) -> None:
    (failing,) = conditions(plan, "orders-canary-failing")
    labels = '{monitored_resource="cloud_run_worker_pool", contract="orders", result!="visible"}'
    assert failing["query"] == f"sum(increase({LOGGED}_canaries_total{labels}[5m])) > 2.5"


def test_messages_unaccounted_for_over_half_an_hour_alert(plan: list[Recorded]) -> None:
    (one,) = conditions(plan, "orders-unaccounted")
    labels = '{monitored_resource="cloud_run_worker_pool", contract="orders"}'
    found = f"{LOGGED}_unaccounted_messages_sum{labels}"
    assert one["query"] == f"sum(increase({found}[10m])) > 0"
    assert one["duration"] == "1800s"


def test_without_a_canary_no_alert_and_no_chart_waits_for_one() -> None:
    for stack in ("dev", "prod"):
        plan = watch(changed(stack, canary=False))
        read = [query for _, query in queries(plan)] + [one.filter for one in readings(plan)]
        assert read
        assert not [one for one in read if re.search("canar|unaccounted", one)]
        assert not [name for name in of_type(plan, ALERT) if re.search("canary|unaccounted", name)]


def test_every_alert_says_what_it_means_and_what_to_do_first_to_somebody(plan: list[Recorded]) -> None:
    labels = settings_of("prod").labels
    channels = of_type(plan, "gcp:monitoring/notificationChannel:NotificationChannel")
    assert {one.inputs["labels"]["email_address"] for one in channels.values()} == set(
        settings_of("prod").alerts.emails
    )
    for name, alert in of_type(plan, ALERT).items():
        content = alert.inputs["documentation"]["content"]
        assert re.fullmatch(
            r"\*\*What it means\.\*\* [A-Z].{30,}\.\n\n\*\*What to do first\.\*\* [A-Z].{20,}\.", content
        ), name
        assert alert.inputs["documentation"]["mimeType"] == "text/markdown"
        assert alert.inputs["severity"] in {"CRITICAL", "ERROR", "WARNING"}
        assert alert.inputs["notificationChannels"] == [f"{channel}-id" for channel in channels]
        assert labels.items() <= alert.inputs["userLabels"].items()


def test_alerts_on_a_contract_carry_its_name_so_that_one_more_touches_no_other() -> None:
    settings = settings_of("dev")
    one = {(each.type, each.name): each.inputs for each in watch(settings, [CONTRACT])}
    both = {(each.type, each.name): each.inputs for each in watch(settings)}
    grown = {key for key in one if one[key] != both[key]}
    assert grown == {("gcp:monitoring/dashboard:Dashboard", "dashboard")}
    assert all("orders" in name for _, name in both.keys() - one.keys())


def test_the_platforms_own_metrics_are_asked_for_in_a_form_that_waits_for_their_first_value(
    plan: list[Recorded],
) -> None:
    for alert in of_type(plan, ALERT):
        for one in conditions(plan, alert):
            if "query" in one:
                assert one["disableMetricValidation"] is True
            else:
                assert "exposure_" not in one["filter"]


def test_a_public_api_is_asked_from_outside_and_a_private_one_is_not(plan: list[Recorded]) -> None:
    (check,) = of_type(plan, UPTIME_CHECK).values()
    host = API_URI.removeprefix("https://")
    assert check.inputs["monitoredResource"]["labels"]["host"] == host
    assert check.inputs["httpCheck"]["path"] == "/health/ready"
    assert len(check.inputs["selectedRegions"]) >= 3
    (one,) = conditions(plan, "api-uptime-unreachable")
    assert one["filter"] == select(UPTIME, host=host)
    private = watch(changed("prod", access="iam"))
    assert not of_type(private, UPTIME_CHECK)
    assert "api-uptime-unreachable" not in of_type(private, ALERT)
