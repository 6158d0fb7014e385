"""What was published and what was acknowledged, written down apart from the code under test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Fate(Enum):
    """Where a message belongs, decided by who made it."""

    TABLE = "table"
    QUARANTINE = "quarantine"


@dataclass(frozen=True)
class Entry:
    """One published message; `key` is empty where there is none to be stored."""

    id: str
    fate: Fate
    data: bytes
    attributes: Mapping[str, str]
    key: str = ""


@dataclass
class Ledger:
    """The publisher's book. `acknowledged` tells of each id whether it was durable at that very moment.

    `troubled` names ids of which a delivery failed or that met more than one instance: only those may be
    stored twice, and those of a writer that lost a connection, which `is_ambiguous` says.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    acknowledged: dict[str, bool] = field(default_factory=dict)
    troubled: set[str] = field(default_factory=set)
    is_ambiguous: bool = False

    def publish(self, entry: Entry) -> None:
        self.entries[entry.id] = entry

    def acknowledge(self, message_id: str, *, is_durable: bool) -> None:
        self.acknowledged[message_id] = self.acknowledged.get(message_id, True) and is_durable

    def waiting(self) -> list[str]:
        """Return the ids not acknowledged yet."""
        return [one for one in self.entries if one not in self.acknowledged]
