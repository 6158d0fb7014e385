"""From where a question is answered: from what is kept, from a flight under way, or by a new one.

Knows nothing of HTTP but that an answer has a status. Who may ask what was decided before, and is part of the
question's digest. A version is read before its question is asked, so an answer may be of later rows than its
version, never of earlier ones.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from exposure.api.cache.capture import Answer
from exposure.api.cache.entry import Entry
from exposure.api.cache.flights import Flights
from exposure.api.cache.made import Made
from exposure.api.cache.question import Question
from exposure.api.cache.shared import NothingShared, Shared
from exposure.api.cache.state import State
from exposure.api.cache.store import Store
from exposure.api.cache.versions import Version, Versions
from exposure.api.cache.windows import Windows
from exposure.api.problems import DEADLINE_EXCEEDED, Problem

Make = Callable[[], Awaitable[Answer]]
Tell = Callable[[str, int], None]
# Half of what the warehouse may be asked at a time by default: refreshes alone can never take every turn from
# those who wait.
_MOST_REFRESHES = 8
_MOST_HANDED_ON = 64
# Refused because of who asked, not of what: the next caller may fare better.
_OF_THE_CALLER = (422, 429)


@dataclass(frozen=True)
class Cache:
    """What a deployment keeps answers by. `patience` is how long one request waits for an answer."""

    versions: Versions
    windows: Windows
    store: Store
    shared: Shared = field(default_factory=NothingShared)
    patience: timedelta = timedelta(seconds=15)
    clock: Callable[[], float] = time.time


@dataclass(frozen=True)
class Given:
    """What one request is answered with, and its share of the bill."""

    state: State
    entry: Entry | None
    refusal: Answer | None
    tier: str
    bytes_billed: int = 0


class Answers:
    """The cache at work; one for a process."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self._flights: Flights[Made] = Flights()
        self._handing_on: set[asyncio.Task[None]] = set()

    def kept(self, question: Question, make: Make, tell: Tell) -> Given | None:
        """Return what can be given at once; what is stale is refreshed behind, and `tell` told what by."""
        entry = self.cache.store.get(question.digest)
        if entry is None:
            return None
        if entry.version.mark == self._version(question).mark:
            return _of(State.HIT, entry)
        if not self.cache.windows.may_be_stale(entry.version, self.cache.clock()):
            return None
        if self._flights.sent < _MOST_REFRESHES:
            self._flights.send(question.digest, partial(self._refresh, question, make, tell))
        return _of(State.STALE, entry)

    async def fetched(self, question: Question, make: Make) -> Given:
        """Return what has to be waited for; raises a Problem when that takes too long."""
        older = self.cache.store.get(question.digest)
        flown = partial(self._make, question, make, accepts_stale=True)
        while True:
            try:
                async with asyncio.timeout(self.cache.patience.total_seconds()):
                    made, is_first = await self._flights.join(question.digest, flown)
            except TimeoutError as error:
                stand_in = self._stand_in(older)
                if stand_in is None:
                    raise Problem(DEADLINE_EXCEEDED, "the answer was not there in time") from error
                return stand_in
            if is_first or made.refusal is None or made.refusal.status not in _OF_THE_CALLER:
                return self._given(made, older, is_first=is_first)

    @property
    def is_busy(self) -> bool:
        """Return whether anything is being made or handed on."""
        return bool(len(self._flights) or self._handing_on)

    async def close(self) -> None:
        """Cancel what is being made."""
        await self._flights.close()
        for task in self._handing_on:
            task.cancel()
        await asyncio.gather(*self._handing_on, return_exceptions=True)
        await self.cache.shared.close()

    def _given(self, made: Made, older: Entry | None, *, is_first: bool) -> Given:
        if made.refusal is not None and made.refusal.status >= 500:
            stand_in = self._stand_in(made.entry or older)
            if stand_in is not None:
                return stand_in
        refusal = made.refusal
        is_joined = not is_first and made.state in (State.MADE, State.STORED)
        state = State.COLLAPSED if is_joined else made.state
        return Given(state, None if refusal else made.entry, refusal, made.tier, made.claim_bill())

    def _stand_in(self, entry: Entry | None) -> Given | None:
        if entry is None or not self.cache.windows.may_stand_in(entry.version, self.cache.clock()):
            return None
        return _of(State.STOOD_IN, entry)

    async def _refresh(self, question: Question, make: Make, tell: Tell) -> Made:
        made = await self._make(question, make, accepts_stale=False)
        if made.state is not State.SHARED and made.entry is not None and made.refusal is None:
            tell(made.tier, made.claim_bill())
        return made

    async def _make(self, question: Question, make: Make, *, accepts_stale: bool) -> Made:
        version = self._version(question)
        shared = await self.cache.shared.get(question.digest)
        if shared is not None:
            if shared.version.mark == version.mark:
                self.cache.store.put(question.digest, shared)
                return Made(State.SHARED, shared)
            if accepts_stale and self.cache.windows.may_be_stale(shared.version, self.cache.clock()):
                # The next to ask begins the refresh.
                self.cache.store.put(question.digest, shared)
                return Made(State.STALE, shared)
        made = Made.of(await make(), version)
        if made.entry is not None:
            self._keep(question, made, made.entry)
        elif made.refusal is not None and made.refusal.status < 500:
            # What cannot be asked any more has no answer that could stand in.
            if made.refusal.status not in _OF_THE_CALLER:
                self.cache.store.drop(question.digest)
        else:
            made.entry = shared
        return made

    def _keep(self, question: Question, made: Made, entry: Entry) -> None:
        if not self.cache.store.put(question.digest, entry):
            return
        made.state = State.STORED
        if len(self._handing_on) < _MOST_HANDED_ON:
            seconds = self.cache.windows.kept_seconds(entry.version, self.cache.clock())
            task = asyncio.ensure_future(self.cache.shared.put(question.digest, entry, seconds))
            self._handing_on.add(task)
            task.add_done_callback(self._handing_on.discard)

    def _version(self, question: Question) -> Version:
        return self.cache.versions.current(question.contract)


def _of(state: State, entry: Entry) -> Given:
    # Its tier is its state's.
    return Given(state, entry, None, "")
