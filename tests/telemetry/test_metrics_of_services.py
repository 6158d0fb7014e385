"""What a collector knows of services that ran: all that they counted, when they have ended."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from exposure.contracts.catalog import CATALOG
from exposure.local.feed import topic_path
from exposure.local.pubsub.server import PubSubConfig, PubSubServer
from exposure.local.pubsub.wire import PubsubMessage
from exposure.telemetry.names import BACKLOG_LEVEL, FRESHNESS, LATENCY
from exposure.warehouse.schema import quarantine_table, rows_table
from fakes.bigquery_emulator import running_emulator
from fakes.otlp_receiver import OtlpReceiver
from fakes.pulling_process import declare_all, pull_all, subscription_of
from fakes.received_points import ReceivedPoint
from fakes.service_process import GRACE_SECONDS, ask, service_environment, service_process

CONTRACT = CATALOG.get("analytics_table")
API, INGEST = "exposure-api", "exposure-ingest"
SUBSCRIPTION = subscription_of(CONTRACT.name)
# What a service counts though no warehouse answers.
COUNTED = {"api": f"/v1/{CONTRACT.name}:schema", "ingest": f"/push/{CONTRACT.name}"}
SAMPLE_ROWS = 5


def last(collector: OtlpReceiver, name: str, service: str, **labels: str) -> ReceivedPoint:
    """Return the last point of one of the contract's series, which there is."""
    point = collector.latest(name, service, contract=CONTRACT.name, **labels)
    assert point is not None, {(point.name, tuple(point.labels.items())) for point in collector.points}
    return point


def stop(process: subprocess.Popen[bytes]) -> None:
    """Tell a service to stop as Cloud Run does; TimeoutExpired when it would be killed."""
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=GRACE_SECONDS)


def test_the_api_sends_what_it_answered_and_who_it_is(collector: OtlpReceiver) -> None:
    told = {"METRICS_COLLECTOR": collector.metrics_url, "REGION": "europe-west1"}
    with service_process("api", **told) as (process, url):
        assert ask(f"{url}{COUNTED['api']}").status_code == 200
        assert ask(f"{url}/metrics").status_code == 404
        stop(process)
    requests, latency = (last(collector, one, API) for one in ("exposure_requests_total", LATENCY.name))
    assert (requests.value, latency.count, latency.edges) == (1, 1, LATENCY.edges)
    assert requests.temporality == "CUMULATIVE"
    assert requests.resource["gcp.project_id"] == "a-project"
    assert requests.resource["cloud.region"] == "europe-west1"
    assert requests.resource["service.instance.id"]


def test_an_instance_has_one_name_in_its_traces_and_in_its_metrics(collector: OtlpReceiver) -> None:
    told = {"METRICS_COLLECTOR": collector.metrics_url, "TRACES": collector.url, "TRACE_RATIO": "1"}
    with service_process("api", **told) as (process, url):
        ask(f"{url}{COUNTED['api']}")
        stop(process)
    resource = last(collector, "exposure_requests_total", API).resource
    assert collector.one(f"GET {COUNTED['api']}").resource == resource


def test_ingest_that_is_pushed_to_sends_what_it_left_with_pubsub(collector: OtlpReceiver) -> None:
    with service_process("ingest", METRICS_COLLECTOR=collector.metrics_url) as (process, url):
        assert ask(f"{url}{COUNTED['ingest']}", "POST").status_code == 401
        stop(process)
    assert last(collector, "exposure_deliveries_total", INGEST, result="left").value == 1


@pytest.mark.parametrize("how", ["hangs", "refuses", "is gone"])
@pytest.mark.parametrize("service", ["api", "ingest"])
def test_a_collector_that_fails_changes_neither_answers_nor_the_end(
    collector: OtlpReceiver, service: str, how: str
) -> None:
    url = "http://127.0.0.1:1/v1/metrics" if how == "is gone" else collector.metrics_url
    collector.status = 400
    if how == "hangs":
        collector.holds.clear()
    with service_process(service, METRICS_COLLECTOR=url, METRICS_FLUSH="PT1S") as (process, address):
        assert ask(f"{address}/health/live").status_code in {200, 204}
        ask(f"{address}{COUNTED[service]}")
        stop(process)
    assert process.returncode in {0, -signal.SIGTERM}


async def test_ingest_that_pulls_sends_what_it_stored(collector: OtlpReceiver, tmp_path: Path) -> None:
    with running_emulator() as emulator:
        emulator.create([table(one) for one in CATALOG for table in (rows_table, quarantine_table)])
        async with PubSubServer(PubSubConfig(tmp_path, 0)) as pubsub:
            await declare_all(pubsub)
            events = [{"id": f"evt-{number}", "timestamp": "2026-11-25T12:00:00Z"} for number in range(3)]
            data = [*(json.dumps(event).encode() for event in events), b"not json"]
            messages = [PubsubMessage(data=one) for one in data]
            await pubsub.broker.publish(topic_path(CONTRACT.topic), messages)
            told = service_environment(
                "ingest",
                METRICS_COLLECTOR=collector.metrics_url,
                PUBSUB_ENDPOINT=pubsub.address,
                STORAGE_WRITE_ENDPOINT=emulator.grpc,
                PROJECT="local",
            )
            assert await pull_all(pubsub, SUBSCRIPTION, told) == 0
    assert last(collector, "exposure_appended_rows", INGEST).value == 3
    assert last(collector, "exposure_quarantined_total", INGEST, reason="NOT_JSON").value == 1


def test_the_platform_on_a_laptop_sends_counts_of_both_services_and_the_levels_of_its_pubsub(
    collector: OtlpReceiver, tmp_path: Path
) -> None:
    ports = ["--api-port", "0", "--ingest-port", "0", "--pubsub-port", "0"]
    command = [sys.executable, "-m", "exposure", "local", "--once", "--data-dir", str(tmp_path), *ports]
    command += ["--metrics", collector.metrics_url]
    subprocess.run(command, check=True, timeout=90, capture_output=True)
    rows, fresh = (last(collector, name, INGEST) for name in ("exposure_appended_rows", FRESHNESS.name))
    assert (rows.value, fresh.edges) == (SAMPLE_ROWS, FRESHNESS.edges)
    assert last(collector, BACKLOG_LEVEL, INGEST).value == 0
    latency = last(collector, LATENCY.name, API)
    assert (latency.edges, sum(latency.buckets)) == (LATENCY.edges, latency.count)
    assert latency.count == last(collector, "exposure_requests_total", API).value > 0
    assert collector.latest(BACKLOG_LEVEL, API, contract=CONTRACT.name) is None
