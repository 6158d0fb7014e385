"""Runs one schedule: delivers as Pub/Sub does until all is acknowledged, then has the ledger checked."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import grpc

from exposure.ingest.message import Message
from fakes.bigquery_write import FakeBigQueryWrite
from faults.checker import Finding, Stored, check
from faults.instance import TABLES, Instance
from faults.ledger import Entry, Fate, Ledger
from faults.schedule import Event, Schedule, event

_PUBLISHED = datetime(2026, 11, 25, 12, tzinfo=UTC)
_PATIENCE_SECONDS = 30
_AT_ONCE = 8
_DENIED_SECONDS = 0.03


async def run(schedule: Schedule) -> Finding:
    """Return what the checker found; a run that never settles is a breach of its own."""
    async with FakeBigQueryWrite(TABLES) as server:
        server.faults.extend(schedule.faults)
        server.judge = schedule.judge
        road = _Road(schedule, server)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await road.deliver_everything()
        except TimeoutError:
            pass  # the ledger tells what is missing
        finally:
            await road.close()
        rows, quarantined = (_by_name(server, index) for index in range(len(TABLES)))
        return check(road.ledger, rows, quarantined)


def _by_name(server: FakeBigQueryWrite, index: int) -> list[Stored]:
    batches = server._stored[server._path(TABLES[index])]
    return [row for batch in batches for row in batch.to_pylist()]


class _Durable:
    """The ids stored so far, kept up with the server's batches."""

    def __init__(self, server: FakeBigQueryWrite) -> None:
        self._lists = [server._stored[server._path(table)] for table in TABLES]
        self._read = [0] * len(self._lists)
        self._ids: set[str] = set()

    def holds(self, message_id: str) -> bool:
        for index, batches in enumerate(self._lists):
            for batch in batches[self._read[index] :]:
                self._ids.update(batch.column("_message_id").to_pylist())
            self._read[index] = len(batches)
        return message_id in self._ids


class _Road:
    """Pub/Sub and the instances it delivers to."""

    def __init__(self, schedule: Schedule, server: FakeBigQueryWrite) -> None:
        self.ledger = Ledger()
        self._schedule = schedule
        self._server = server
        self._durable = _Durable(server)
        self._dice = random.Random(schedule.seed)
        self._events = list(schedule.events)
        self._answered = 0
        self._met: dict[str, Instance] = {}
        self._started: list[Instance] = []
        self._instances = [self._instance() for _ in range(schedule.instances)]
        self._happening: set[asyncio.Task[None]] = set()
        for entry in schedule.entries:
            self.ledger.publish(entry)

    async def deliver_everything(self) -> None:
        rounds = 0
        while waiting := self.ledger.waiting():
            if self._schedule.needs_company:
                self._publish_company(rounds)
                waiting = self.ledger.waiting()
            self._dice.shuffle(waiting)
            groups = list(self._groups(waiting))
            for start in range(0, len(groups), _AT_ONCE):
                await asyncio.gather(*(self._deliver(group) for group in groups[start : start + _AT_ONCE]))
            rounds += 1
            await asyncio.sleep(0.002)
        await asyncio.gather(*self._happening)

    async def close(self) -> None:
        for happening in self._happening:
            happening.cancel()
        await asyncio.gather(*self._happening, return_exceptions=True)
        await asyncio.gather(*(instance.kill() for instance in self._instances))
        # A connection more than one for each stream is one that was lost, and an answer with it or not.
        streams = sum(instance.streams for instance in self._started)
        self.ledger.is_ambiguous = self._server.connections > streams

    def _instance(self) -> Instance:
        self._started.append(Instance(self._server.address, self._schedule.batch_rows))
        return self._started[-1]

    def _publish_company(self, number: int) -> None:
        key = f"company-{number}"
        self.ledger.publish(Entry(f"c-{number}", Fate.TABLE, json.dumps(event(key)).encode(), {}, key))

    def _groups(self, ids: Sequence[str]) -> Any:
        """Cut the ids into deliveries; some come twice, with others or by themselves."""
        again = [one for one in ids if self._dice.random() < 0.15]
        again += [one for one in self.ledger.acknowledged if self._dice.random() < 0.02]
        ids, at = [*ids, *again], 0
        while at < len(ids):
            length = self._dice.randint(1, 20) if self._schedule.is_pulled else 1
            yield ids[at : at + length]
            at += length

    async def _deliver(self, ids: Sequence[str]) -> None:
        instance = self._dice.choice(self._instances)
        for one in ids:
            if self._met.setdefault(one, instance) is not instance:
                self.ledger.troubled.add(one)
        answers = await instance.take([self._message(one) for one in ids], together=self._schedule.is_pulled)
        for one, is_acknowledged in zip(ids, answers, strict=True):
            if is_acknowledged:
                self.ledger.acknowledge(one, is_durable=self._durable.holds(one))
            else:
                self.ledger.troubled.add(one)
        self._answered += len(ids)
        while self._events and self._events[0][0] <= self._answered:
            self._begin(self._events.pop(0)[1])

    def _message(self, message_id: str) -> Message:
        entry = self.ledger.entries[message_id]
        return Message(entry.id, entry.data, entry.attributes, _PUBLISHED)

    def _begin(self, happening: Event) -> None:
        task = asyncio.create_task(self._happen(happening))
        self._happening.add(task)
        task.add_done_callback(self._happening.discard)

    async def _happen(self, happening: Event) -> None:
        if happening is Event.IDLE_CLOSE:
            self._server.close_idle()
        elif happening is Event.DENY:
            self._server.denied = grpc.StatusCode.PERMISSION_DENIED
            await asyncio.sleep(_DENIED_SECONDS)
            self._server.denied = None
        else:
            at = self._dice.randrange(len(self._instances))
            ending, self._instances[at] = self._instances[at], self._instance()
            await (ending.kill() if happening is Event.KILL else ending.terminate())
