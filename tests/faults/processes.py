"""The whole platform as real processes that are killed, or told to stop, in the middle of their work.

Each round publishes with the official client, ends the process at a random moment, starts it again over the
same folder and waits until everything Pub/Sub had taken is served. At the end the files themselves are read.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import grpc
import httpx2
from google.api_core.exceptions import GoogleAPICallError
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from fakes.local_platform import LocalPlatform
from faults.schedule import event

_TOPIC = "projects/local/topics/data-ingestion-topic"
_MESSAGES = 100
_AT_ONCE = 5
_PAUSE_SECONDS = 0.005
_LONGEST_SECONDS = 0.6
_PATIENCE_SECONDS = 90
_STOP_SECONDS = 9.0


@dataclass
class Series:
    """What a series of rounds came to. Lags are seconds from publish to the first sight through the API."""

    rounds: int = 0
    published: int = 0
    lost: list[str] = field(default_factory=list)
    served_twice: int = 0
    slow_stops: int = 0
    bad_exits: int = 0
    recoveries: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        return not (self.lost or self.served_twice or self.slow_stops or self.bad_exits)


def end_often(folder: Path, rounds: int, seed: int, *, kill: bool) -> Series:
    """Run the rounds: `kill` ends by kill -9, else by SIGTERM."""
    dice, series = random.Random(seed), Series()
    platform = LocalPlatform(folder / "data")
    good: dict[str, float] = {}
    bad: list[str] = []
    platform.start()
    try:
        for number in range(rounds):
            publishing = _Publishing(platform.pubsub, f"r{number:04}")
            publishing.start()
            time.sleep(dice.uniform(0, _LONGEST_SECONDS))
            _end(platform, series, kill=kill)
            publishing.join()
            begun = time.monotonic()
            platform.start()
            series.lags += _see(platform.api, publishing)
            series.recoveries.append(time.monotonic() - begun)
            series.rounds += 1
            good |= publishing.good
            bad += publishing.bad
        _drain(platform, folder, good, bad, series)
    finally:
        platform.__exit__(None, None, None)
    series.published = len(good) + len(bad)
    return series


def _end(platform: LocalPlatform, series: Series, *, kill: bool) -> None:
    if kill:
        platform.kill()
        return
    begun = time.monotonic()
    series.bad_exits += platform.stop() != 0
    series.slow_stops += time.monotonic() - begun > _STOP_SECONDS


class _Publishing(threading.Thread):
    """Publishes a round's messages until the platform is gone; keeps what Pub/Sub has taken."""

    def __init__(self, address: str, prefix: str) -> None:
        super().__init__()
        self.prefix = prefix
        self.good: dict[str, float] = {}
        self.bad: list[str] = []
        self._address = address

    def run(self) -> None:
        with grpc.insecure_channel(self._address) as channel:
            client = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
            for start in range(0, _MESSAGES, _AT_ONCE):
                try:
                    self._publish(client, range(start, start + _AT_ONCE))
                except GoogleAPICallError:
                    return  # taken or not, nobody knows: the ledger holds only what was confirmed
                time.sleep(_PAUSE_SECONDS)

    def _publish(self, client: PublisherClient, numbers: Sequence[int]) -> None:
        keys = [f"{self.prefix}-{number:04}" for number in numbers]
        data = [json.dumps(event(key)).encode() for key in keys]
        data[-1] = b"bad " + keys[-1].encode()
        at = time.time()
        messages = [{"data": one} for one in data]
        client.publish(request={"topic": _TOPIC, "messages": messages}, retry=None, timeout=2)
        self.good |= dict.fromkeys(keys[:-1], at)
        self.bad.append(keys[-1])


def _see(api: str, publishing: _Publishing) -> list[float]:
    """Wait until the round's rows are served; return how long each was under way."""
    question = {"id.gte": publishing.prefix, "id.lt": f"{publishing.prefix}~", "select": "id"}
    seen: dict[str, float] = {}
    end = time.monotonic() + _PATIENCE_SECONDS
    while set(publishing.good) - set(seen) and time.monotonic() < end:
        rows = httpx2.get(f"{api}/v1/analytics_table", params=question | {"page_size": "1000"}).json()["data"]
        for row in rows:
            seen.setdefault(row["id"], time.time())
        time.sleep(0.02)
    return [at - publishing.good[key] for key, at in seen.items() if key in publishing.good]


def _drain(
    platform: LocalPlatform, folder: Path, good: dict[str, float], bad: Sequence[str], series: Series
) -> None:
    """Compare with what the API serves, page by page, and with the quarantine in the file."""
    served = [key for key in _walk(platform.api) if key.startswith("r")]
    series.lost += sorted(set(good) - set(served))
    series.served_twice += len(served) - len(set(served))
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        _end(platform, series, kill=False)
        missing = sorted(set(bad) - _quarantined(folder / "data"))
        if not missing or time.monotonic() > end:
            series.lost += missing
            return
        platform.start()
        time.sleep(2)


def _walk(api: str) -> list[str]:
    keys: list[str] = []
    parameters = {"select": "id", "page_size": "1000"}
    while True:
        page = httpx2.get(f"{api}/v1/analytics_table", params=parameters, timeout=30).json()
        keys += [row["id"] for row in page["data"]]
        if page["next_page_token"] is None:
            return keys
        parameters["page_token"] = page["next_page_token"]


def _quarantined(data_dir: Path) -> set[str]:
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute("SELECT data FROM analytics_dataset.analytics_table_quarantine").fetchall()
    return {bytes(row[0]).decode().removeprefix("bad ") for row in rows}
