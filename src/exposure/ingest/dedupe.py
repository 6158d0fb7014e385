"""Which messages this process has stored lately, or is storing now, so that none is stored again needlessly.

The key is Pub/Sub's message id, not the contract's key. One id is one publication: whatever is delivered
again under it has the same bytes, so leaving it out loses nothing, be it a row or a quarantined message, and
it is known before anything is decoded. Two messages under one contract key may differ; both are stored, and
the warehouse decides which of them is read.

This spares appends, it guarantees nothing: an id is forgotten after a while and at a restart, and other
processes do not know it. One row per key is the warehouse's promise. Who empties a table and has Pub/Sub
deliver again what was acknowledged must restart ingest first: it still knows the last of it as stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from types import TracebackType

from exposure.ingest.batch import Overloaded, Room
from exposure.ingest.message import Message
from exposure.ingest.outcome import Outcome


class Seen(Enum):
    """What is known of a message that is delivered."""

    FIRST = "nothing: it is to be stored"
    STORED = "it is durable"
    UNDER_WAY = "another delivery of it is being stored"


@dataclass(frozen=True)
class RecentLimits:
    """How much is remembered: up to twice `ids`, each at least `age` unless more than `ids` come meanwhile.

    An id takes about 100 bytes.
    """

    ids: int = 50_000
    age: timedelta = timedelta(minutes=10)


class RecentMessages:
    """The message ids of one contract, in two generations; `clock` gives seconds. Lives on one event loop.

    `duplicates` counts the deliveries that were acknowledged because another one of them was stored. Who
    waits for another delivery holds its message meanwhile, within `room`.
    """

    def __init__(self, limits: RecentLimits, clock: Callable[[], float], room: Room) -> None:
        self.duplicates = 0
        self._limits = limits
        self._clock = clock
        self._room = room
        self._new: set[str] = set()
        self._old: set[str] = set()
        self._turns_at = 0.0
        self._flying: dict[str, Flight] = {}

    async def settle_all(
        self, messages: Sequence[Message], settle: Callable[[Sequence[Message]], Awaitable[list[Outcome]]]
    ) -> list[Outcome]:
        """Return what becomes of the messages; `settle` is asked of those no other delivery has stored."""
        ids = [message.id for message in messages]
        with Flight(self) as flight:
            if flight.take_all(ids):
                settled = await settle(messages)
                flight.note_all(ids, settled)
                return settled
            seen = [flight.take(message) for message in messages]
            firsts = [message for message, one in zip(messages, seen, strict=True) if one is Seen.FIRST]
            settled = await settle(firsts) if firsts else []
            flight.note_all([message.id for message in firsts], settled)
        # Only now that its own flight has ended: a message may be twice in one call, or in two at a time.
        of_firsts = iter(settled)
        return [
            next(of_firsts) if one is Seen.FIRST else await self._other(message, one)
            for message, one in zip(messages, seen, strict=True)
        ]

    async def _other(self, message: Message, seen: Seen) -> Outcome:
        """Share the fate of the delivery that is being stored: neither appends again, and neither is lost."""
        if seen is Seen.UNDER_WAY:
            try:
                self._room.take(1, len(message.data))
            except Overloaded:
                return Outcome.OVERLOADED
            try:
                await self._landed(message.id)
            finally:
                self._room.give(1, len(message.data))
            if not self._holds(message.id):
                return Outcome.UNAVAILABLE
        self.duplicates += 1
        return Outcome.DUPLICATE

    async def _landed(self, message_id: str) -> None:
        flight = self._flying.get(message_id)
        if flight is not None:
            await flight.landed()

    def _holds(self, message_id: str) -> bool:
        return message_id in self._new or message_id in self._old

    def take(self, message_id: str, flight: Flight) -> Seen:
        """Put the message on the flight, unless it is stored or on another already."""
        if self._holds(message_id):
            return Seen.STORED
        if message_id in self._flying:
            return Seen.UNDER_WAY
        self._flying[message_id] = flight
        return Seen.FIRST

    def take_all(self, message_ids: set[str], flight: Flight) -> bool:
        """Put the messages on the flight if all of them can be; otherwise none."""
        if not (
            self._new.isdisjoint(message_ids)
            and self._old.isdisjoint(message_ids)
            and self._flying.keys().isdisjoint(message_ids)
        ):
            return False
        self._flying.update(dict.fromkeys(message_ids, flight))
        return True

    def land(self, taken: Collection[str], stored: Iterable[str]) -> None:
        """Remember what is durable now, and that nobody is storing the rest."""
        self._turn()
        self._new.update(stored)
        if len(taken) == len(self._flying):
            self._flying.clear()
            return
        for message_id in taken:
            del self._flying[message_id]

    def _turn(self) -> None:
        """Forget the older generation when the newer one is full, or old."""
        now = self._clock()
        if now < self._turns_at and len(self._new) < self._limits.ids:
            return
        # After two ages without a message even the newer one is out of date.
        is_all_stale = now >= self._turns_at + self._limits.age.total_seconds()
        self._old = set() if is_all_stale else self._new
        self._new = set()
        self._turns_at = now + self._limits.age.total_seconds()


class Flight:
    """Messages that one call is storing. What it took is free again when it ends, however it ends."""

    __slots__ = ("_end", "_recent", "_stored", "_taken")

    def __init__(self, recent: RecentMessages) -> None:
        self._recent = recent
        self._taken: list[str] = []
        self._stored: Iterable[str] = ()
        self._end: asyncio.Future[None] | None = None

    def __enter__(self) -> Flight:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Land: give up what it took, and let those that wait for one of its messages go on."""
        self._recent.land(self._taken, self._stored)
        if self._end is not None:
            self._end.set_result(None)

    def take(self, message: Message) -> Seen:
        """Take the message if nobody has stored it or is storing it."""
        seen = self._recent.take(message.id, self)
        if seen is Seen.FIRST:
            self._taken.append(message.id)
        return seen

    def take_all(self, ids: Sequence[str]) -> bool:
        """Take all messages, when each is there once and nobody has stored or is storing one; or none."""
        distinct = set(ids)
        if len(distinct) < len(ids) or not self._recent.take_all(distinct, self):
            return False
        self._taken = list(ids)
        return True

    def note_all(self, ids: Sequence[str], outcomes: Sequence[Outcome]) -> None:
        """Note what became of the messages it took."""
        if outcomes.count(Outcome.STORED) == len(ids):
            self._stored = ids
        else:
            self._stored = [one for one, outcome in zip(ids, outcomes, strict=True) if outcome.acknowledges]

    async def landed(self) -> None:
        """Return when the flight has ended."""
        if self._end is None:
            self._end = asyncio.get_running_loop().create_future()
        # Shielded: one that gives up must not end the waiting of the others.
        await asyncio.shield(self._end)
