"""What one flight brings home to all who waited for it."""

from __future__ import annotations

from exposure.api.cache.capture import Answer
from exposure.api.cache.entry import Entry
from exposure.api.cache.state import OF_THE_MAKING, State
from exposure.api.cache.versions import Version
from exposure.warehouse.port import WAREHOUSE


class Made:
    """An entry, or the answer that is none because it is a refusal or a failure.

    `tier` is what it was made by. What it cost is told once, however many it is given to.
    """

    def __init__(
        self, state: State, entry: Entry | None, refusal: Answer | None = None, tier: str = WAREHOUSE
    ) -> None:
        self.state = state
        self.entry = entry
        self.refusal = refusal
        self.tier = tier
        self._billed = 0

    @classmethod
    def of(cls, answer: Answer, version: Version) -> Made:
        """Return what an answer of the application is, made of a table at that version."""
        if answer.status != 200:
            return cls(State.MADE, None, answer)
        kept = tuple(field for field in answer.fields if field[0] not in OF_THE_MAKING)
        tier = (answer.field(b"x-tier") or WAREHOUSE.encode()).decode()
        made = cls(State.MADE, Entry(version, kept, answer.body), tier=tier)
        made._billed = int(answer.field(b"x-bytes-billed") or 0)
        return made

    def claim_bill(self) -> int:
        """Return the bytes that were billed, to the first who asks."""
        billed, self._billed = self._billed, 0
        return billed
