"""The services as the cloud starts them, from their environment alone, against BigQuery's real protocols."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import httpx2
import pytest
from google.auth.transport.requests import AuthorizedSession
from pydantic import ValidationError

from exposure import entrypoints
from exposure.assembly.watch import _collector
from exposure.contracts.catalog import CATALOG
from exposure.local.feed import declare_feed, topic_path
from exposure.local.ports import HttpServer
from exposure.local.pubsub.server import PubSubConfig, PubSubServer
from exposure.local.pubsub.wire import PubsubMessage
from exposure.settings import GOOGLE, TelemetrySettings
from exposure.warehouse.schema import quarantine_table, rows_table
from fakes.bigquery_emulator import LOCATION, PROJECT, BigQueryEmulator, running_emulator

ACCOUNT = "push@local.iam.gserviceaccount.com"
SUBSCRIPTION = "projects/local/subscriptions/data-ingestion-topic-ingest"
PATIENCE_SECONDS = 30
KEY = base64.b64encode(bytes(32)).decode()
INGEST = {"PROJECT": PROJECT, "PUSH_ACCOUNT": ACCOUNT, "PUSH_AUDIENCE": "https://ingest.example"}
API = {"PROJECT": PROJECT, "LOCATION": LOCATION, "PAGE_TOKEN_KEYS": KEY}


def set_environment(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"EXPOSURE_{name}", value)


async def deliver(emulator: BigQueryEmulator, data_dir: Path, messages: list[bytes]) -> None:
    """Publish to the local Pub/Sub and return when the ingest entry point has answered for all of it."""
    monkeypatch = pytest.MonkeyPatch()
    server = HttpServer(0)
    async with PubSubServer(PubSubConfig(data_dir, 0)) as pubsub:
        told = INGEST | {
            "PUSH_AUDIENCE": server.url,
            "CERTIFICATES_URL": pubsub.certificates_url,
            "STORAGE_WRITE_ENDPOINT": emulator.grpc,
        }
        set_environment(monkeypatch, told)
        await server.start(entrypoints.ingest())
        monkeypatch.undo()
        await declare_feed(pubsub.broker, CATALOG.get("analytics_table"), server.url, ACCOUNT)
        topic = topic_path("data-ingestion-topic")
        await pubsub.broker.publish(topic, [PubsubMessage(data=data) for data in messages])
        async with asyncio.timeout(PATIENCE_SECONDS):
            while pubsub.backlog(SUBSCRIPTION):
                await asyncio.sleep(0.05)
        await server.stop()


@pytest.mark.timeout(120)
async def test_messages_pushed_with_a_signed_token_are_stored_in_bigquery_and_served_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [{"id": f"evt-{number}", "timestamp": "2026-11-25T12:00:00Z"} for number in range(5)]
    messages = [json.dumps(event).encode() for event in [*events, events[0]]]
    with running_emulator() as emulator:
        emulator.create([table(one) for one in CATALOG for table in (rows_table, quarantine_table)])
        await deliver(emulator, tmp_path, [*messages, b"not json"])
        set_environment(monkeypatch, API | {"BIGQUERY_ENDPOINT": emulator.rest, "CACHE_LIFETIME": "PT0S"})
        server = HttpServer(0)
        await server.start(entrypoints.api())
        async with httpx2.AsyncClient(base_url=server.url) as client:
            page: dict[str, list[dict[str, str]]] = {}
            while not page.get("data"):
                # A page is of a moment shortly before it is asked for.
                page = (await client.get("/v1/analytics_table?order=id&select=id")).json()
            one = (await client.get("/v1/analytics_table/evt-3")).json()
        await server.stop()
    assert [row["id"] for row in page["data"]] == [event["id"] for event in events]
    assert one["data"] == {"id": "evt-3", "timestamp": "2026-11-25T12:00:00Z", "data": None}


@pytest.mark.parametrize("missing", ["PROJECT", "LOCATION", "PAGE_TOKEN_KEYS"])
def test_the_api_does_not_start_without_a_setting_and_names_it(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, {name: value for name, value in API.items() if name != missing})
    with pytest.raises(ValidationError, match=missing.lower()):
        entrypoints.api()


@pytest.mark.parametrize("missing", sorted(INGEST))
def test_ingest_does_not_start_without_a_setting_and_names_it(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, {name: value for name, value in INGEST.items() if name != missing})
    with pytest.raises(ValidationError, match=missing.lower()):
        entrypoints.ingest()


@pytest.mark.parametrize("key", ["no base64!", base64.b64encode(b"short").decode(), ","])
def test_a_page_token_key_that_is_none_is_refused_at_the_start(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, API | {"PAGE_TOKEN_KEYS": key})
    with pytest.raises(ValidationError, match="page_token_keys"):
        entrypoints.api()


def test_the_api_needs_none_of_the_writers_libraries() -> None:
    program = (
        "import sys\n"
        "for name in ('pyarrow', 'duckdb', 'jwt', 'typer', 'google.cloud.pubsub_v1'):\n"
        "    sys.modules[name] = None\n"
        "import exposure.api.app, exposure.warehouse.bigquery_reader, exposure.warehouse.bigquery_client\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_ingest_needs_none_of_the_apis_libraries() -> None:
    program = (
        "import sys\n"
        "for name in ('fastapi', 'duckdb', 'orjson', 'google.cloud.bigquery', 'typer'):\n"
        "    sys.modules[name] = None\n"
        "import exposure.ingest.app, exposure.ingest.pipeline, exposure.ingest.token\n"
        "import exposure.warehouse.bigquery_writer\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize(("told", "status"), [({}, 404), ({"METRICS": "true"}, 200)])
@pytest.mark.parametrize("service", ["api", "ingest"])
async def test_a_service_tells_its_metrics_only_where_it_is_configured_to(
    service: str, told: dict[str, str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints = {"BIGQUERY_ENDPOINT": "http://127.0.0.1:1", "STORAGE_WRITE_ENDPOINT": "127.0.0.1:1"}
    set_environment(monkeypatch, API | INGEST | endpoints | {"TRUSTED_PROXIES": "0"} | told)
    server = HttpServer(0)
    await server.start(getattr(entrypoints, service)())
    async with httpx2.AsyncClient(base_url=server.url) as client:
        answer = await client.get("/metrics")
    await server.stop()
    assert answer.status_code == status
    assert ("exposure_requests_total" in answer.text) == (status == 200)


@pytest.mark.parametrize("address", ["localhost:4318", "ftp://collector", "Google"])
@pytest.mark.parametrize("setting", ["TRACES", "METRICS_COLLECTOR"])
def test_traces_and_metrics_are_sent_to_google_or_to_a_whole_address(
    setting: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, API | {setting: address})
    with pytest.raises(ValidationError, match=setting.lower()):
        entrypoints.api()


@pytest.mark.parametrize("service", ["api", "ingest"])
def test_metrics_for_google_need_the_region_that_they_are_refused_without(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, API | INGEST | {"METRICS_COLLECTOR": "google"})
    with pytest.raises(ValidationError, match="region is unset"):
        getattr(entrypoints, service)()


@pytest.mark.parametrize(("interval", "is_taken"), [("PT9S", False), ("PT10S", True), ("PT2H", False)])
def test_metrics_are_sent_no_more_often_than_google_takes_them(interval: str, is_taken: bool) -> None:
    with nullcontext() if is_taken else pytest.raises(ValidationError, match="metrics_interval"):
        TelemetrySettings.model_validate({"metrics_interval": interval})


def test_what_goes_to_google_is_signed_and_what_goes_to_a_collector_is_not() -> None:
    url, session = _collector(GOOGLE, "metrics")
    assert url == "https://telemetry.googleapis.com/v1/metrics"
    assert isinstance(session, AuthorizedSession)
    assert _collector("http://localhost:4318/v1/metrics", "metrics") == (
        "http://localhost:4318/v1/metrics",
        None,
    )
