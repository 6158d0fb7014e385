"""What was published and is not known to be kept: the ledger of a canary's own messages.

Published is stored plus quarantined, or some are unaccounted for. This covers the messages the canary has
published since it started, one by one, and no producer's: nobody but them knows what they have published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from exposure.contracts.model import Contract


@dataclass(frozen=True)
class Canary:
    """One message that Pub/Sub has taken; `began` is the clock's reading before it was published."""

    contract: Contract
    key: str | int
    message: Mapping[str, object]
    published_at: datetime
    began: float


@dataclass
class _Entry:
    canary: Canary
    was_looked_for: bool = False


@dataclass
class Ledger:
    """Messages past their time that were not seen yet, in the order they were last asked for."""

    _open: dict[str | int, _Entry] = field(default_factory=dict)

    def enter(self, canary: Canary, *, was_looked_for: bool) -> None:
        """Keep a message that is overdue; `was_looked_for` when the API has answered that it has no such row.

        While nobody answers, nothing is known of a message, so it is not counted.
        """
        entry = self._open.pop(canary.key, None) or _Entry(canary)
        entry.was_looked_for |= was_looked_for
        self._open[canary.key] = entry

    def settle(self, canary: Canary) -> None:
        """Strike out a message that was found."""
        self._open.pop(canary.key, None)

    def overdue(self, contract: Contract) -> Iterator[Canary]:
        """Yield the messages of the contract that were not found yet, first whom nobody asked for longest."""
        for entry in list(self._open.values()):
            if entry.canary.contract is contract:
                yield entry.canary

    def unaccounted(self, contract: Contract) -> int:
        """Return how many of the contract's messages were looked for and are nowhere."""
        return sum(entry.was_looked_for for entry in self._open.values() if entry.canary.contract is contract)
