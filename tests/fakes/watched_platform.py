"""The embedded platform with somebody watching, in minutes that take no time: traffic, faults, what is seen.

Everything is real but the clock, the faults that a test wants, and what only Google has: its log of requests,
its instances, its probes from outside and the canary's job. Those say what they would.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exposure.contracts.catalog import CATALOG
from exposure.local.feed import subscription_path, topic_path
from exposure.local.platform import Platform, PlatformConfig
from exposure.local.ports import HttpServer
from exposure.local.pubsub.wire import PubsubMessage, Subscription, Topic
from exposure.query.model import Query, Row
from exposure.telemetry.lines import Lines
from exposure.telemetry.names import CANARY_EVENT, METRICS, UNACCOUNTED_EVENT, VISIBLE
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.port import Page, WarehouseUnavailable
from exposure.warehouse.schema import Table
from fakes.operations_plan import API_URI
from fakes.turned_clock import TurnedClock
from fakes.watch_room import WatchRoom
from stacks.metrics import (
    DEAD_LETTERS,
    INSTANCE_COUNT,
    OLDEST_UNACKED,
    REVISION,
    UPTIME,
    homes_of,
)
from stacks.plan import Recorded

CONTRACT = CATALOG.get("analytics_table")
_SUBSCRIPTION = subscription_path(CONTRACT.subscription)
MINUTE = 60.0
_PATIENCE_SECONDS = 30
# The broker looks whether something is due more than once while this platform is found idle so often.
_TICK_SECONDS, _LOOK_SECONDS, _IDLE_LOOKS = 0.001, 0.002, 3
_PLACES = ("europe", "usa", "asia")


@dataclass
class Faults:
    """What is wrong, each for as long as it is set."""

    reads_fail: bool = False
    read_seconds: float = 0.0
    appends_fail: bool = False
    append_seconds: float = 0.0
    bad_messages: int = 0
    requests_without_instance: int = 0
    instances: int = 1
    canary: str | None = VISIBLE
    unaccounted: int = 0


@dataclass(frozen=True)
class Traffic:
    """What happens in a minute."""

    messages: int = 4
    reads: int = 4


class WatchedPlatform:
    """The platform, its watch and its faults; an async context manager. `minute` lets one pass."""

    def __init__(self, data_dir: Path, plan: Sequence[Recorded], patch: pytest.MonkeyPatch) -> None:
        self.clock = TurnedClock()
        self.faults = Faults()
        self.room = WatchRoom(plan)
        self._published = 0
        self._read = 0
        self._canary = Lines(_Stamped(self))
        config = PlatformConfig(data_dir, 0, 0, 0, lines=_Stamped(self), clock=self.clock)
        self._platform = Platform(CATALOG, config)
        _take_the_place_of_google(self, patch)

    async def __aenter__(self) -> WatchedPlatform:
        await self._platform.__aenter__()
        # As Google's front has it: a connection for each, so that none is found closed.
        limits = httpx2.Limits(max_keepalive_connections=0)
        api = self._platform.addresses.api
        self._client = httpx2.AsyncClient(base_url=api, trust_env=False, limits=limits, timeout=30)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        await self._platform.__aexit__(None, None, None)

    async def minute(self, traffic: Traffic | None = None) -> set[str]:
        """Let a minute pass and return the alerts that hold at its end."""
        traffic, began = traffic or Traffic(), self.clock.now
        self._tell_of_canary()
        await self._publish(traffic)
        for _ in range(traffic.reads):
            # Never twice the same question: a kept answer asks nothing of the warehouse.
            self._read += 1
            await self._client.get(f"/v1/{CONTRACT.name}?page_size=1&id.ne={self._read}")
        for _ in range(self.faults.requests_without_instance):
            self._log_request(f"/v1/{CONTRACT.name}", 429, 0.0, "no available instance")
        await self._probe()
        # What takes long makes for a long minute.
        self.clock.now = max(self.clock.now, began + MINUTE)
        self._measure()
        return self.room.judge(self.clock.now)

    async def bury_after(self, attempts: int) -> None:
        """Give the subscription dead letters, and an archive that writes none of them down."""
        broker = self._platform._pubsub.broker
        await broker.create_topic(Topic(name=topic_path("dead")))
        archive = Subscription(name=subscription_path(CONTRACT.dead_letter_archive), topic=topic_path("dead"))
        await broker.put_subscription(archive)
        config = Subscription()
        config.CopyFrom(broker.subscription(_SUBSCRIPTION).config)
        config.dead_letter_policy.dead_letter_topic = topic_path("dead")
        config.dead_letter_policy.max_delivery_attempts = attempts
        await broker.put_subscription(config)

    def log_line(self, text: str) -> None:
        """Have lines of a program read as Cloud Logging does."""
        for line in text.splitlines():
            self._log_payload(json.loads(line))

    def _log_payload(self, payload: Mapping[str, object]) -> None:
        homes = {metric.event: homes_of(metric)[0] for metric in METRICS if metric.event}
        resource = {"type": homes[str(payload["event"])], "labels": {}}
        entry = {"resource": resource, "logName": "run.googleapis.com/stdout", "jsonPayload": payload}
        self.room.log(self.clock.now, entry)

    def fronted(self, app: ASGIApp) -> ASGIApp:
        """Return the application behind a front that logs its requests as Cloud Run does."""

        async def front(scope: Scope, receive: Receive, send: Send) -> None:
            status, began = 500, self.clock.now

            async def seen(message: Message) -> None:
                nonlocal status
                status = message.get("status", status)
                await send(message)

            await app(scope, receive, seen)
            if scope["type"] == "http" and not scope["path"].startswith("/health"):
                self._log_request(scope["path"], status, self.clock.now - began)

        return front

    def _log_request(self, path: str, status: int, seconds: float, text: str = "") -> None:
        service = "ingest" if path.startswith("/push/") else "api"
        entry = {
            "resource": {"type": REVISION, "labels": {"service_name": service}},
            "logName": "run.googleapis.com/requests",
            "httpRequest": {
                "requestUrl": f"{API_URI}{path}",
                "status": status,
                "latency": f"{seconds:.9f}s",
            },
            **({"textPayload": text} if text else {}),
        }
        self.room.log(self.clock.now, entry)

    def _tell_of_canary(self) -> None:
        told = {"contract": CONTRACT.name}
        if self.faults.canary is not None:
            self._canary.write(CANARY_EVENT, **told, result=self.faults.canary, age_seconds=1.0)
        self._canary.write(UNACCOUNTED_EVENT, **told, messages=self.faults.unaccounted)

    async def _publish(self, traffic: Traffic) -> None:
        broker = self._platform._pubsub.broker
        bad = self.faults.bad_messages
        for number in range(traffic.messages):
            self._published += 1
            event = {"id": f"evt-{self._published}", "timestamp": "2026-11-25T12:00:00Z"}
            data = b"no json" if number < bad else json.dumps(event).encode()
            await broker.publish(topic_path(CONTRACT.topic), [PubsubMessage(data=data)])
        given_up_at, idle = self.clock.now + MINUTE, 0
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self._platform._pubsub.backlog(_SUBSCRIPTION) and self.clock.now < given_up_at:
                await asyncio.sleep(_LOOK_SECONDS)
                idle = 0 if self._is_pushing() else idle + 1
                if idle >= _IDLE_LOOKS:
                    # What waits for its next attempt waits by this clock.
                    self.clock.turn(5)
                    idle = 0

    def _is_pushing(self) -> bool:
        queue = self._platform._pubsub.broker.subscription(_SUBSCRIPTION)
        return any(True for _ in queue._leases)

    async def _probe(self) -> None:
        is_there = (await self._client.get("/health/ready")).status_code == 200
        for place in _PLACES:
            labels = {"host": API_URI.removeprefix("https://"), "checker_location": place}
            self.room.store.add(self.clock.now, UPTIME.type, UPTIME.resource, labels, float(is_there))

    def _measure(self) -> None:
        """Sample what Google measures once a minute."""
        for service in ("api", "ingest"):
            labels = {"service_name": service, "state": "active"}
            instances = float(self.faults.instances)
            self.room.store.add(self.clock.now, INSTANCE_COUNT.type, REVISION, labels, instances)
        broker = self._platform._pubsub.broker
        for name in (CONTRACT.subscription, CONTRACT.dead_letter_archive):
            if subscription_path(name) not in broker.subscriptions:
                continue
            ages = [
                self.clock.now - one.message.publish_time.ToMicroseconds() / 1e6
                for one in broker.subscription(subscription_path(name))
            ]
            self._sample(OLDEST_UNACKED.type, name, max(ages, default=0.0))
            if name == CONTRACT.dead_letter_archive:
                self._sample(DEAD_LETTERS.type, CONTRACT.subscription, len(ages) - self._buried)
                self._buried = len(ages)

    _buried = 0

    def _sample(self, kind: str, subscription: str, value: float) -> None:
        labels = {"subscription_id": subscription}
        self.room.store.add(self.clock.now, kind, OLDEST_UNACKED.resource, labels, value)


class _Stamped(io.StringIO):
    """A stream whose lines are read at once, at the time they are written."""

    def __init__(self, scene: WatchedPlatform) -> None:
        super().__init__()
        self._scene = scene

    def write(self, text: str) -> int:
        self._scene.log_line(text)
        return len(text)


def _take_the_place_of_google(scene: WatchedPlatform, patch: pytest.MonkeyPatch) -> None:
    """Put faults in the warehouse's way, and a front before both services."""

    class FaultyReader(DuckDBReader):
        async def select(self, query: Query) -> Page:
            scene.clock.turn(scene.faults.read_seconds)
            if scene.faults.reads_fail:
                raise WarehouseUnavailable("broken on purpose")
            return await super().select(query)

        async def explain(self, question: object) -> object:  # type: ignore[override]
            if scene.faults.reads_fail:
                raise WarehouseUnavailable("broken on purpose")
            return await super().explain(question)  # type: ignore[arg-type]

    class FaultyWriter(DuckDBWriter):
        async def append(self, table: Table, rows: Sequence[Row]) -> Mapping[int, str]:
            scene.clock.turn(scene.faults.append_seconds)
            if scene.faults.appends_fail:
                raise WarehouseUnavailable("broken on purpose")
            return await super().append(table, rows)

    class FrontedServer(HttpServer):
        async def start(self, app: ASGIApp) -> None:
            await super().start(scene.fronted(app))

    for name, stand_in in (
        ("DuckDBReader", FaultyReader),
        ("DuckDBWriter", FaultyWriter),
        ("HttpServer", FrontedServer),
    ):
        patch.setattr(f"exposure.local.platform.{name}", stand_in)
    patch.setattr("exposure.local.pubsub.server._TICK_SECONDS", _TICK_SECONDS)
