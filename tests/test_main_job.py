"""The main job, end to end: published with the official client, served over HTTP, under a power cut too."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import duckdb
import httpx2
import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import AnonymousCredentials
from google.cloud import pubsub_v1
from google.pubsub_v1 import PublisherClient as GeneratedPublisher

from fakes.local_platform import LocalPlatform

GOOD, BAD, TWICE = 9_900, 100, 500
DEADLINE_SECONDS = 90
MALFORMED = (
    b"not json",
    b'{"id": "half',
    b'{"id": 7, "timestamp": "2026-11-25T12:00:00Z"}',
    b'{"timestamp": "2026-11-25T12:00:00Z"}',
    b'{"id": "x", "timestamp": "yesterday"}',
)


def event(number: int) -> bytes:
    instant = f"2026-11-{1 + number % 20:02}T{number % 24:02}:00:00Z"
    return json.dumps({"id": f"evt-{number:05}", "timestamp": instant, "data": f"payload {number}"}).encode()


def messages() -> list[bytes]:
    """10,000 messages, 1 % malformed, and 5 % of the whole once more."""
    good = [event(number) for number in range(GOOD)]
    bad = [MALFORMED[number % len(MALFORMED)] + b" " * number for number in range(BAD)]
    return [*good, *bad, *good[:TWICE]]


def publish(address: str, batch: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
    publisher = pubsub_v1.PublisherClient(credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
    topic = publisher.topic_path("local", "data-ingestion-topic")
    futures = [publisher.publish(topic, data) for data in batch]
    for future in futures:
        future.result(timeout=60)
    publisher.stop()
    publisher.transport.close()


def served_ids(api: str) -> Counter[str]:
    """Walk every page and count how often each id is served."""
    ids: Counter[str] = Counter()
    token: str | None = None
    with httpx2.Client(base_url=api) as client:
        while True:
            parameters = {"select": "id", "page_size": "1000"} | ({"page_token": token} if token else {})
            answer = client.get("/v1/analytics_table", params=parameters)
            answer.raise_for_status()
            body = answer.json()
            ids.update(row["id"] for row in body["data"])
            token = body["next_page_token"]
            if token is None:
                assert body["complete"] is True
                return ids


def wait_until_served(api: str, count: int) -> Counter[str]:
    end = time.monotonic() + DEADLINE_SECONDS
    while True:
        ids = served_ids(api)
        if len(ids) >= count or time.monotonic() > end:
            return ids
        time.sleep(0.2)


def quarantine(data_dir: Path) -> list[tuple[str, bytes]]:
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(
            "SELECT reason, data FROM analytics_dataset.analytics_table_quarantine"
        ).fetchall()


def check_everything_is_accounted_for(ids: Counter[str], data_dir: Path) -> None:
    assert ids == Counter({f"evt-{number:05}": 1 for number in range(GOOD)})
    kept = quarantine(data_dir)
    assert Counter(data for _, data in kept) == Counter(messages()[GOOD : GOOD + BAD])
    assert {reason for reason, _ in kept} == {"NOT_JSON", "WRONG_TYPE", "MISSING_FIELD"}


@pytest.mark.timeout(240)
def test_every_good_id_is_served_once_and_every_bad_message_is_kept_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = tmp_path / "data"
    with LocalPlatform(data_dir) as platform:
        publish(platform.pubsub, messages(), monkeypatch)
        ids = wait_until_served(platform.api, GOOD)
        assert platform.stop() == 0
    check_everything_is_accounted_for(ids, data_dir)


@pytest.mark.timeout(240)
def test_a_power_cut_half_way_loses_and_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = tmp_path / "data"
    everything = messages()
    half = len(everything) // 2
    with LocalPlatform(data_dir) as platform:
        publish(platform.pubsub, everything[:half], monkeypatch)
        platform.kill()
        platform.start()
        publish(platform.pubsub, everything[half:], monkeypatch)
        ids = wait_until_served(platform.api, GOOD)
        assert platform.stop() == 0
    check_everything_is_accounted_for(ids, data_dir)


class Publishing:
    """Requests of 20 messages, one after the other, until the platform is gone; notes what was answered."""

    def __init__(self, address: str, life: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
        self._publisher = pubsub_v1.PublisherClient()
        self._life = life
        self.sent: set[str] = set()
        self.answered: set[str] = set()
        self._thread = threading.Thread(target=self._publish)
        self._thread.start()

    def wait_for(self, answered: int) -> None:
        end = time.monotonic() + DEADLINE_SECONDS
        while len(self.answered) < answered:
            assert time.monotonic() < end, f"only {len(self.answered)} messages were answered"
            time.sleep(0.001)

    def join(self) -> None:
        self._thread.join()
        self._publisher.stop()
        self._publisher.transport.close()

    def _publish(self) -> None:
        topic = self._publisher.topic_path("local", "data-ingestion-topic")
        for request in itertools.count():
            ids = [f"life-{self._life}-{request:05}-{number:02}" for number in range(20)]
            data = [json.dumps({"id": id_, "timestamp": "2026-11-25T12:00:00Z"}).encode() for id_ in ids]
            self.sent.update(ids)
            try:
                # Without retries: each request is answered once or not at all.
                messages = [{"data": each} for each in data]
                GeneratedPublisher.publish(
                    self._publisher, request={"topic": topic, "messages": messages}, retry=None
                )
            except GoogleAPICallError:
                return
            self.answered.update(ids)


@pytest.mark.timeout(240)
def test_what_was_answered_before_a_power_cut_in_the_middle_of_publishing_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: set[str] = set()
    answered: set[str] = set()
    with LocalPlatform(tmp_path / "data") as platform:
        for life, kill_after in enumerate((20, 300, 1000)):
            publishing = Publishing(platform.pubsub, life, monkeypatch)
            publishing.wait_for(kill_after)
            platform.kill()
            publishing.join()
            assert publishing.answered < publishing.sent
            sent |= publishing.sent
            answered |= publishing.answered
            platform.start()
        end = time.monotonic() + DEADLINE_SECONDS
        served = served_ids(platform.api)
        while not answered <= served.keys() and time.monotonic() < end:
            time.sleep(0.2)
            served = served_ids(platform.api)
        assert platform.stop() == 0
    assert answered <= served.keys() <= sent
    assert set(served.values()) == {1}


@pytest.mark.timeout(120)
def test_one_command_publishes_the_samples_waits_for_them_and_says_how_long_it_took(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "exposure", "local", "--once", "--data-dir", str(tmp_path / "data"),
        "--api-port", "0", "--ingest-port", "0", "--pubsub-port", "0",
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert run.returncode == 0, run.stderr
    assert "published to visible" in run.stderr
    assert "evt-" in run.stdout
