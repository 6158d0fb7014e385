"""`exposure ingest --pull` as its container runs it: a process of its own, ended by SIGTERM."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from exposure.contracts.catalog import CATALOG
from exposure.local.feed import topic_path
from exposure.local.pubsub.server import PubSubConfig, PubSubServer
from exposure.local.pubsub.wire import PubsubMessage
from exposure.warehouse.bigquery_client import bigquery_client
from exposure.warehouse.schema import quarantine_table, rows_table
from fakes.bigquery_emulator import LOCATION, running_emulator
from fakes.pulling_process import COMMAND, declare_all, pull_all, subscription_of

CONTRACT = CATALOG.get("analytics_table")
SUBSCRIPTION = subscription_of(CONTRACT.name)


def environment(**values: str) -> dict[str, str]:
    return os.environ | {f"EXPOSURE_{name.upper()}": value for name, value in values.items()}


async def test_what_was_published_is_pulled_into_bigquery_and_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    with running_emulator() as emulator:
        emulator.create([table(one) for one in CATALOG for table in (rows_table, quarantine_table)])
        async with PubSubServer(PubSubConfig(tmp_path, 0)) as pubsub:
            await declare_all(pubsub)
            good = b'{"id": "evt-1", "timestamp": "2026-11-25T12:00:00Z"}'
            messages = [PubsubMessage(data=data) for data in (good, b"not json")]
            await pubsub.broker.publish(topic_path(CONTRACT.topic), messages)
            told = environment(
                project="local", pubsub_endpoint=pubsub.address, storage_write_endpoint=emulator.grpc
            )
            assert await pull_all(pubsub, SUBSCRIPTION, told) == 0
        client = bigquery_client("local", LOCATION, connections=1, endpoint=emulator.rest)
        stored = client.query_and_wait("SELECT id FROM analytics_dataset.analytics_table")
        kept = client.query_and_wait("SELECT reason FROM analytics_dataset.analytics_table_quarantine")
        assert [row["id"] for row in stored] == ["evt-1"]
        assert [row["reason"] for row in kept] == ["NOT_JSON"]
        client.close()  # type: ignore[no-untyped-call]


def test_a_missing_setting_is_named_and_misuse_is_the_exit_code() -> None:
    finished = subprocess.run(COMMAND, capture_output=True, text=True, timeout=60, check=False)
    assert finished.returncode == 2
    assert "project" in finished.stderr
