"""One run, decided by its seed: what is published, what the warehouse does, when the process dies."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import grpc

from fakes.write_answers import SCHEMA_MISMATCH
from fakes.write_faults import Break, Drop, Fault, Fine, Judge, Refuse, Silence
from faults.ledger import Entry, Fate

_REFUSED = "the warehouse takes no such row"
_Code = grpc.StatusCode
_PLAIN: tuple[Fault, ...] = (
    Fine(0.002), Fine(0.01), Fine(0.03), Fine(new_schema=True),
    Refuse(_Code.RESOURCE_EXHAUSTED), Refuse(_Code.INVALID_ARGUMENT, SCHEMA_MISMATCH),
    Refuse(_Code.UNAVAILABLE), Refuse(_Code.INTERNAL), Refuse(_Code.NOT_FOUND),
    Break(_Code.UNAVAILABLE), Break(_Code.ABORTED), Break(_Code.UNKNOWN),
    Break(_Code.UNAVAILABLE, stored=True), Break(_Code.INTERNAL, stored=True),
    Break(_Code.RESOURCE_EXHAUSTED), Break(_Code.PERMISSION_DENIED),
)  # fmt: skip
# These cost a time-out, or a new listener, each: few of them, so that a run is short.
_COSTLY: tuple[Fault, ...] = (Silence(), Silence(stored=True), Drop(), Drop(stored=True))
_BAD = (b"not json", b"{}", b'{"id": 7}', b"\xff\xfe", b"[" * 5000, b'{"id": "a", "id": "b"}')


class Event(Enum):
    """What happens to the processes, or to every connection, in the middle of a run."""

    KILL = "kill -9"
    TERMINATE = "SIGTERM"
    IDLE_CLOSE = "the server closes idle streams"
    DENY = "the permission is taken away, and given back"


@dataclass(frozen=True)
class Schedule:
    """Everything a run needs. `events` happen after so many deliveries were answered."""

    seed: int
    entries: Sequence[Entry]
    faults: Sequence[Fault]
    events: Sequence[tuple[int, Event]]
    judge: Judge
    instances: int
    batch_rows: int
    is_pulled: bool

    @property
    def needs_company(self) -> bool:
        """Tell whether a refused row is known as such only beside one that is taken."""
        return self.judge.named == 0 or self.judge.ends_stream


def schedule_of(seed: int) -> Schedule:
    """Return the schedule of this seed."""
    dice = random.Random(seed)
    entries = _entries(dice, dice.randint(5, 60))
    faults = [_fault(dice) for _ in range(dice.choice((0, 2, 6, 12, 20)))]
    events = [
        (dice.randint(1, len(entries)), dice.choice(list(Event))) for _ in range(dice.choice((0, 0, 1, 2, 4)))
    ]
    named = dice.choice((None, None, 1, 3, 0))
    judge = Judge(_reason, named=named, ends_stream=named == 0 and dice.random() < 0.5)
    return Schedule(
        seed,
        entries,
        faults,
        sorted(events, key=lambda one: one[0]),
        judge,
        instances=dice.choice((1, 1, 2)),
        batch_rows=dice.choice((1, 3, 10, 100)),
        is_pulled=dice.random() < 0.4,
    )


def _fault(dice: random.Random) -> Fault:
    return dice.choice(_COSTLY) if dice.random() < 0.04 else dice.choice(_PLAIN)


def _entries(dice: random.Random, count: int) -> list[Entry]:
    poison = dice.choice((0.0, 0.05, 0.5, 1.0))
    refused = dice.choice((0.0, 0.0, 0.05, 0.3))
    entries: list[Entry] = []
    for number in range(count):
        message_id, key = f"m-{number}", f"evt-{number}"
        attributes = {"origin": "test", "número": str(number)} if number % 3 == 0 else {}
        if dice.random() < poison:
            entries.append(Entry(message_id, Fate.QUARANTINE, dice.choice(_BAD), attributes))
        elif dice.random() < refused:
            data = json.dumps(event(key, data=_REFUSED)).encode()
            entries.append(Entry(message_id, Fate.QUARANTINE, data, attributes))
        elif entries and dice.random() < 0.1 and (again := dice.choice(entries)).key:
            # A producer that was not sure publishes once more: another id, the same bytes.
            entries.append(Entry(message_id, Fate.TABLE, again.data, attributes, again.key))
        else:
            extra = {"more": {"é": [1, number]}} if number % 5 == 0 else {}
            data = json.dumps(event(key, data=f'text {number} \u00e9 "quoted"') | extra).encode()
            entries.append(Entry(message_id, Fate.TABLE, data, attributes, key))
    return entries


def event(key: str, **changes: Any) -> dict[str, Any]:
    """Return the fields of a message of the analytics table."""
    return {"id": key, "timestamp": "2026-11-25T12:00:00.123456Z"} | changes


def _reason(row: Mapping[str, Any]) -> str:
    return "malformed" if "id" in row and row.get("data") == _REFUSED else ""
