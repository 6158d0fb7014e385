"""One round of canaries: a message to each contract's topic, then the API is asked until its row is served.

It publishes and asks through what it is given and tells nobody anything; `commands.canary` does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Protocol

import msgspec

from exposure.clock import now
from exposure.commands.api_pages import ApiRefused, ApiUnreachable, Parameters
from exposure.commands.canary_equality import first_difference
from exposure.commands.canary_ledger import Canary, Ledger
from exposure.commands.pubsub_connection import PublishFailed
from exposure.contracts.canary import CANARY_MARK, new_canary_key
from exposure.contracts.model import Contract
from exposure.contracts.sample import SampleOptions, sample_messages
from exposure.telemetry.names import VISIBLE

# Around the event time: without bounds every partition would be looked at, each time.
_AROUND = timedelta(hours=1)
# Asking costs a query: soon while the row may be there any moment, later less often.
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 4.0
# Of the overdue ones, in one round.
_ASKED_AGAIN = 10
ServedRow = Mapping[str, object]


class Result(StrEnum):
    """What became of a canary. After the first three the row is there; of the others it is not known."""

    VISIBLE = VISIBLE
    CHANGED = "changed"
    TWICE = "twice"
    MISSING = "missing"
    UNANSWERED = "unanswered"
    UNPUBLISHED = "unpublished"


@dataclass(frozen=True)
class Sighting:
    """One canary's result: its age when that was known, in seconds, and a sentence when it is not visible."""

    contract: Contract
    key: str | int
    result: Result
    age_seconds: float
    detail: str = ""


class Surroundings(Protocol):
    """The world a canary flies through."""

    def publish(self, contract: Contract, data: bytes, attributes: Mapping[str, str]) -> None:
        """Return when Pub/Sub has taken the message; raises PublishFailed."""

    def rows(self, contract: Contract, parameters: Parameters) -> Sequence[ServedRow]:
        """Return the first page of the rows; raises ApiUnreachable or ApiRefused."""

    def quarantined(self, contract: Contract, key: str | int, since: datetime) -> bool:
        """Tell whether the canary's message is known to be in quarantine."""


@dataclass(frozen=True)
class Pace:
    """How time passes, and how long a canary may take."""

    within: timedelta = timedelta(seconds=60)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class CanaryRounds:
    """Rounds one after another over the same contracts; `ledger` holds what they have not found."""

    contracts: Sequence[Contract]
    surroundings: Surroundings
    pace: Pace = field(default_factory=Pace)
    ledger: Ledger = field(default_factory=Ledger)

    def fly(self) -> list[Sighting]:
        """Return one sighting per contract, in their order; nobody's silence raises anything."""
        seen: dict[str, Sighting] = {}
        flying: list[Canary] = []
        for contract in self.contracts:
            sent = self._publish(contract)
            if isinstance(sent, Canary):
                flying.append(sent)
            else:
                seen[contract.name] = sent
        for sighting in self._watch(flying):
            seen[sighting.contract.name] = sighting
        self._look_again({canary.key for canary in flying})
        return [seen[contract.name] for contract in self.contracts]

    def _publish(self, contract: Contract) -> Canary | Sighting:
        canary = self._new(contract)
        attributes = {CANARY_MARK: str(canary.key)}
        try:
            self.surroundings.publish(contract, msgspec.json.encode(canary.message), attributes)
        except PublishFailed as failed:
            return self._sighting(canary, Result.UNPUBLISHED, str(failed))
        return canary

    def _new(self, contract: Contract) -> Canary:
        key, at = new_canary_key(contract), now()
        # The random key is as good a seed as any.
        [message] = sample_messages(contract, SampleOptions(rows=1, seed=hash(key), start=at))
        return Canary(contract, key, {**message, contract.key: key}, at, self.pace.clock())

    def _watch(self, flying: Sequence[Canary]) -> Iterator[Sighting]:
        """Ask for each in turn until all are seen or overdue."""
        left, pause = list(flying), _FIRST_PAUSE_SECONDS
        while left:
            self.pace.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            for canary in tuple(left):
                sighting = self._look_for(canary)
                is_there = sighting.result in (Result.VISIBLE, Result.CHANGED, Result.TWICE)
                if not is_there and sighting.age_seconds < self.pace.within.total_seconds():
                    continue
                left.remove(canary)
                if not is_there:
                    self.ledger.enter(canary, was_looked_for=sighting.result is Result.MISSING)
                yield sighting

    def _look_for(self, canary: Canary) -> Sighting:
        contract = canary.contract
        try:
            rows = self.surroundings.rows(contract, _question(canary))
        except (ApiUnreachable, ApiRefused) as silent:
            return self._sighting(canary, Result.UNANSWERED, str(silent))
        if not rows:
            return self._sighting(canary, Result.MISSING, "the API has no such row")
        if len(rows) > 1:
            return self._sighting(canary, Result.TWICE, f"the API has {len(rows)} rows of this key")
        difference = first_difference(contract.columns, canary.message, rows[0])
        if difference is not None:
            return self._sighting(canary, Result.CHANGED, f"'{difference}' is not what was published")
        return self._sighting(canary, Result.VISIBLE)

    def _look_again(self, just_seen: set[str | int]) -> None:
        """Strike out of the ledger what has arrived since, or is in quarantine."""
        for contract in self.contracts:
            older = (one for one in self.ledger.overdue(contract) if one.key not in just_seen)
            for canary in islice(older, _ASKED_AGAIN):
                result = self._look_for(canary).result
                if result in (Result.MISSING, Result.UNANSWERED):
                    self.ledger.enter(canary, was_looked_for=result is Result.MISSING)
                else:
                    self.ledger.settle(canary)
            for canary in self.ledger.overdue(contract):
                if self.surroundings.quarantined(contract, canary.key, canary.published_at):
                    self.ledger.settle(canary)

    def _sighting(self, canary: Canary, result: Result, detail: str = "") -> Sighting:
        age = self.pace.clock() - canary.began
        return Sighting(canary.contract, canary.key, result, round(age, 3), detail)


def _question(canary: Canary) -> Parameters:
    contract, at = canary.contract, canary.published_at
    bounds = {"gte": at - _AROUND, "lte": at + _AROUND}
    return [
        (f"{contract.key}.eq", str(canary.key)),
        *((f"{contract.event_time}.{operator}", _written(time)) for operator, time in bounds.items()),
    ]


def _written(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
