"""Quarantined messages back on their topic: once each, with their own bytes and attributes, at a set rate.

What comes back is an ordinary message with an id of its own. The id it was first published under travels in
the attribute `exposure-replay-of`, and ingest deliberately does not take it for the message's id: whoever may
publish could then pass one message off as another, whose quarantined bytes it would displace. Nothing hangs
on it either: the contract's key is in the bytes, so a row that comes twice is still served once.

A message that fails again is quarantined again, with that attribute; it is replayed as the message it was, so
that no number of replays makes two of one. Reads no warehouse and opens no connection itself.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from exposure.clock import now
from exposure.contracts.model import Contract
from exposure.ingest.message import Message
from exposure.ingest.rejection import Rejection
from exposure.ingest.validate import MessageValidator
from exposure.warehouse.quarantine import Position, Quarantined

REPLAY_OF = "exposure-replay-of"
# https://cloud.google.com/pubsub/quotas#resource_limits
_MOST_ATTRIBUTES = 100
_BATCH_MESSAGES = 500
_BATCH_BYTES = 4_000_000


@dataclass(frozen=True)
class Replayed:
    """A message as it is published again."""

    data: bytes
    attributes: Mapping[str, str]


class ReplayPublisher(Protocol):
    """Publishes a few messages; what it raises ends the replay where it is."""

    def publish(self, messages: Sequence[Replayed]) -> None:
        """Return when Pub/Sub has taken all of them."""


@dataclass(frozen=True)
class ReplayPlan:
    """How to replay; `per_second` bounds the rate.

    Messages that the contract, as this installation declares it, would reject again are left where they are,
    unless `is_forced`.
    """

    per_second: float = 100.0
    is_forced: bool = False

    @property
    def batch_messages(self) -> int:
        """Return how many messages go at once: no more than a second's worth."""
        return min(_BATCH_MESSAGES, max(1, int(self.per_second)))


@dataclass
class ReplayReport:
    """What a replay has come to so far; `position` is behind the last message that is settled."""

    seen: int = 0
    published: int = 0
    repeated: int = 0
    still_rejected: Counter[str] = field(default_factory=Counter)
    position: Position | None = None


class Replay:
    """One replay of one contract; `settled` is told of each step.

    Without a publisher it judges and counts.
    """

    def __init__(
        self,
        contract: Contract,
        publisher: ReplayPublisher | None,
        plan: ReplayPlan,
        settled: Callable[[ReplayReport], None],
        pace: Pace | None = None,
    ) -> None:
        self.report = ReplayReport()
        self._validator = MessageValidator(contract)
        self._publisher = publisher
        self._plan = plan
        self._settled = settled
        self._pace = pace or Pace(plan.per_second)
        self._origins: set[str] = set()

    def run(self, messages: Iterable[Quarantined]) -> ReplayReport:
        """Replay the messages in their order and return the report; raises what reader or publisher raise.

        What was reported as settled before that has been published, or needed not to be.
        """
        for batch in _batches(messages, self._plan.batch_messages):
            chosen = [replayed for one in batch if (replayed := self._choose(one)) is not None]
            if chosen and self._publisher is not None:
                self._pace.wait_for(len(chosen))
                self._publisher.publish(chosen)
            self.report.published += len(chosen)
            self.report.position = batch[-1].position
            self._settled(self.report)
        return self.report

    def _choose(self, one: Quarantined) -> Replayed | None:
        self.report.seen += 1
        attributes: dict[str, str] = json.loads(one.attributes)
        origin = attributes.get(REPLAY_OF, one.message_id)
        if origin in self._origins:
            self.report.repeated += 1
            return None
        self._origins.add(origin)
        if not self._plan.is_forced and (reason := self._rejection(one, attributes)) is not None:
            self.report.still_rejected[reason] += 1
            return None
        if len(attributes) < _MOST_ATTRIBUTES:
            attributes.setdefault(REPLAY_OF, origin)
        return Replayed(one.data, attributes)

    def _rejection(self, one: Quarantined, attributes: Mapping[str, str]) -> str | None:
        message = Message(one.message_id, one.data, attributes, one.publish_time)
        # As of today: what lay too far ahead when it came may lie near enough now.
        judged = self._validator.validate(message, now())
        return judged.reason.value if isinstance(judged, Rejection) else None


class Pace:
    """Spreads messages evenly: each wait is as long as what went before has earned.

    `clock` and `sleep` are in seconds.
    """

    def __init__(
        self,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._per_second = per_second
        self._clock = clock
        self._sleep = sleep
        self._free_at = clock()

    def wait_for(self, messages: int) -> None:
        """Return when so many messages may go."""
        now = self._clock()
        if self._free_at > now:
            self._sleep(self._free_at - now)
        self._free_at = max(now, self._free_at) + messages / self._per_second


def _batches(messages: Iterable[Quarantined], most: int) -> Iterator[list[Quarantined]]:
    batch: list[Quarantined] = []
    size_bytes = 0
    for one in messages:
        length = len(one.data) + len(one.attributes)
        if batch and (len(batch) >= most or size_bytes + length > _BATCH_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append(one)
        size_bytes += length
    if batch:
        yield batch
