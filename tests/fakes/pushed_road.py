"""Pub/Sub's push delivery into a pipeline, in virtual time: its rules of retry and pace, and no socket."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from exposure.contracts.analytics_table import CONTRACT
from exposure.ingest.message import Message
from exposure.ingest.outcome import Outcome
from exposure.ingest.pipeline import Guards, Pipeline, Shared
from exposure.local.pubsub.delivery import DeliveryQueue
from exposure.local.pubsub.lease import Delivery, Demand, Lease, Stored
from exposure.local.pubsub.pace import Pace
from exposure.local.pubsub.wire import PubsubMessage, Subscription
from exposure.query.model import Row
from exposure.telemetry.lines import Lines
from exposure.warehouse.port import WarehouseUnavailable
from exposure.warehouse.schema import Table
from fakes.jumping_clock import elapsed
from fakes.messages import event

BEGINNING = datetime(2026, 11, 25, 12, tzinfo=UTC)
_WINDOW = 250
_TICK_SECONDS = 0.05
_APPEND_SECONDS = 0.02
_GIVEN_UP_SECONDS = 8.0


def now() -> datetime:
    """Return the time of the road: noon when the test began."""
    return BEGINNING + timedelta(seconds=elapsed())


@dataclass
class Sink:
    """A warehouse that takes 20 ms for an append, and eight seconds to fail one while it is `down`."""

    down: bool = False
    appends: int = 0
    rows: dict[str, list[Row]] = field(default_factory=dict)

    async def append(self, table: Table, rows: Sequence[Row]) -> Mapping[int, str]:
        self.appends += 1
        if self.down:
            await asyncio.sleep(_GIVEN_UP_SECONDS)
            raise WarehouseUnavailable("the sink is down")
        await asyncio.sleep(_APPEND_SECONDS)
        self.rows.setdefault(table.name, []).extend(rows)
        return {}

    async def ready(self) -> None:
        return

    async def close(self) -> None:
        return


@dataclass(frozen=True)
class Answer:
    """A push that was answered: when, how long it took, and with what."""

    at: float
    seconds: float
    outcome: Outcome


class Journal:
    """The lines ingest wrote, each with the second it was written at, in place of standard output."""

    def __init__(self) -> None:
        self.lines: list[tuple[float, dict[str, Any]]] = []

    def write(self, text: str) -> int:
        self.lines.append((elapsed(), json.loads(text)))
        return len(text)

    def flush(self) -> None:
        return

    def of(self, event_name: str, begin: float, end: float) -> list[dict[str, Any]]:
        """Return the lines of this event within the span."""
        return [line for at, line in self.lines if begin <= at < end and line["event"] == event_name]


class PushedRoad:
    """One subscription pushed to one instance. `ages` has the age of the oldest message at each tick."""

    def __init__(self, config: Subscription, guards: Guards | None = None) -> None:
        self.sink, self.journal = Sink(), Journal()
        self.answers: list[Answer] = []
        self.deliveries: Counter[str] = Counter()
        self.dead: list[Delivery] = []
        self.ages: list[tuple[float, float]] = []
        self._config = config
        lines = Lines(self.journal)  # type: ignore[arg-type]  # all it needs of a stream
        self._pipeline = Pipeline(CONTRACT, self.sink, clock=now, shared=Shared(lines=lines), guards=guards)
        self._queue = DeliveryQueue(config, lambda _: True)
        self._pace = Pace(_WINDOW)
        self._published: dict[int, float] = {}
        self._sequence = 0
        self._pushes: set[asyncio.Task[None]] = set()

    def publish(self, payloads: Iterable[bytes]) -> None:
        """Take these messages in."""
        for data in payloads:
            self._sequence += 1
            message = PubsubMessage(data=data, message_id=str(self._sequence))
            message.publish_time.FromDatetime(now())
            self._published[self._sequence] = elapsed()
            self._queue.add(Delivery(Stored(self._sequence, message, len(data))), elapsed())

    def backlog(self) -> int:
        """Return how many messages are not acknowledged."""
        return len(self._published)

    async def deliver(self, seconds: float) -> None:
        """Push for so long."""
        end = elapsed() + seconds
        while elapsed() < end:
            for delivery in self._queue.wake(elapsed()):
                self._failed(delivery)
            self._push_more()
            oldest = next(iter(self._published.values()), elapsed())
            self.ages.append((elapsed(), elapsed() - oldest))
            await asyncio.sleep(_TICK_SECONDS)

    def oldest(self, begin: float, end: float) -> float:
        """Return the greatest age of the oldest message within the span."""
        return max(age for at, age in self.ages if begin <= at < end)

    def _push_more(self) -> None:
        room = self._pace.room(len(self._pushes), elapsed())
        if not room:
            return
        demand = Demand(room, float("inf"), self._config.ack_deadline_seconds, per_key=1)
        for lease in self._queue.take(demand, elapsed()):
            push = asyncio.create_task(self._push(lease, self._pace.round))
            self._pushes.add(push)
            push.add_done_callback(self._pushed)

    def _pushed(self, push: asyncio.Task[None]) -> None:
        self._pushes.discard(push)
        push.result()
        self._push_more()

    async def _push(self, lease: Lease, round_: int) -> None:
        begun, published = elapsed(), lease.delivery.message
        self.deliveries[published.message_id] += 1
        at = published.publish_time.ToDatetime(UTC)
        outcome = await self._pipeline.handle(Message(published.message_id, published.data, {}, at))
        self.answers.append(Answer(elapsed(), elapsed() - begun, outcome))
        if outcome.acknowledges:
            self._pace.succeeded(round_)
            for done in self._queue.acknowledge(lease.ack_id, elapsed()):
                del self._published[done.sequence]
        else:
            self._pace.failed(round_, elapsed(), self._config.retry_policy.minimum_backoff.seconds)
            failed = self._queue.fail(lease.ack_id, elapsed())
            if failed is not None:
                self._failed(failed)

    def _failed(self, delivery: Delivery) -> None:
        if self._queue.is_dead(delivery):
            self.dead.append(delivery)
            del self._published[delivery.sequence]


def good(number: int) -> bytes:
    """Return the payload of a message that is a row."""
    return json.dumps(event(id=f"evt-{number}")).encode()


def bad(number: int) -> bytes:
    """Return the payload of one that never will be."""
    return b"bad %d" % number
