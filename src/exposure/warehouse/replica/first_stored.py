"""Which row of a key counts: the earliest stored, as `one_row_per_key` of the dialects has it.

A key may have been stored several times. Mostly the rows are the same; where their event times differ, a
question that takes in one of them and not the other has another answer than one that takes in both. Such a
key is *contested*, and its event times are kept, so that a question that parts them can be told.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from exposure.contracts.model import INGEST_TIME, MESSAGE_ID, Contract
from exposure.warehouse.replica.asked import Key, Span

# When a row was stored, as far as rows tell: the least comes first.
Rank = tuple[int, str]
_MOST_CONTESTED = 1000


@dataclass
class Contested:
    """The keys stored with several event times, and from when to when those are."""

    spans: dict[Key, Span] = field(default_factory=dict)

    def add(self, key: Key, *times: int) -> None:
        """Note the event times of a key."""
        known = self.spans.get(key)
        every = (*times, *((known.first, known.last) if known else ()))
        self.spans[key] = Span(min(every), max(every))

    def are_parted_by(self, span: Span) -> bool:
        """Return whether a question about these event times may part the rows of a key."""
        if len(self.spans) > _MOST_CONTESTED:
            return True
        return any(span.splits(one) for one in self.spans.values())


@dataclass(frozen=True)
class FirstStored:
    """Rows with one row per key, sorted by event time and key; where each key is; what was contested."""

    rows: pa.Table
    positions: dict[Key, int]
    contested: Contested


def first_stored(contract: Contract, rows: pa.Table) -> FirstStored:
    """Return the earliest stored row of each key."""
    contested = Contested()
    by = [(contract.event_time, "ascending"), (contract.key, "ascending")]
    rows = rows.sort_by(by).combine_chunks()
    keys = rows.column(contract.key).to_pylist()
    positions = dict(zip(keys, range(len(keys)), strict=True))
    if len(positions) < len(keys):
        kept = _kept(contract, rows, keys, contested)
        rows = rows.take(pa.array(kept, pa.int64())).combine_chunks()
        positions = {key: at for at, key in enumerate(rows.column(contract.key).to_pylist())}
    return FirstStored(rows, positions, contested)


def ranks(rows: pa.Table) -> list[Rank]:
    """Return the rank of every row."""
    ingested = rows.column(INGEST_TIME.name).cast(pa.int64()).to_pylist()
    return list(zip(ingested, rows.column(MESSAGE_ID.name).to_pylist(), strict=True))


def _kept(contract: Contract, rows: pa.Table, keys: list[Key], contested: Contested) -> list[int]:
    """Return the places of the rows that count, in order."""
    stored, times = ranks(rows), rows.column(contract.event_time).cast(pa.int64()).to_pylist()
    first: dict[Key, int] = {}
    for at, key in enumerate(keys):
        other = first.setdefault(key, at)
        if times[other] != times[at]:
            contested.add(key, times[other], times[at])
        if stored[at] < stored[other]:
            first[key] = at
    return sorted(first.values())
