"""Compares what is stored with the ledger, by its own reading of the bytes: no code under test in between."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from faults.ledger import Entry, Fate, Ledger

Stored = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """What a run stored, and every breach of a promise in it."""

    breaches: Sequence[str]
    rows: int
    quarantined: int
    duplicates: int


def check(ledger: Ledger, rows: Sequence[Stored], quarantined: Sequence[Stored]) -> Finding:
    """Return the breaches; `rows` and `quarantined` are raw, by column name, duplicates among them."""
    breaches = [
        *_lost(ledger, rows, quarantined),
        *_early(ledger),
        *_misplaced(ledger, rows, quarantined),
        *_altered(ledger, rows, quarantined),
        *_served(ledger, rows),
        *_needless(ledger, [*rows, *quarantined]),
    ]
    ids = Counter(row["_message_id"] for row in [*rows, *quarantined])
    return Finding(breaches, len(rows), len(quarantined), ids.total() - len(ids))


def _lost(ledger: Ledger, rows: Sequence[Stored], quarantined: Sequence[Stored]) -> Iterator[str]:
    kept = {row["_message_id"] for row in [*rows, *quarantined]}
    yield from (f"{one} was acknowledged and is nowhere" for one in ledger.acknowledged if one not in kept)
    yield from (f"{one} was never acknowledged" for one in ledger.waiting())


def _early(ledger: Ledger) -> Iterator[str]:
    for one, was_durable in ledger.acknowledged.items():
        if not was_durable:
            yield f"{one} was acknowledged before it was durable"


def _misplaced(ledger: Ledger, rows: Sequence[Stored], quarantined: Sequence[Stored]) -> Iterator[str]:
    for where, found in ((Fate.TABLE, rows), (Fate.QUARANTINE, quarantined)):
        for one in {row["_message_id"] for row in found}:
            entry = ledger.entries.get(one)
            if entry is None:
                yield f"{one} is in the {where.value} and was never published"
            elif entry.fate is not where:
                yield f"{one} belongs in the {entry.fate.value} and is in the {where.value}"


def _altered(ledger: Ledger, rows: Sequence[Stored], quarantined: Sequence[Stored]) -> Iterator[str]:
    for row in rows:
        entry = ledger.entries.get(row["_message_id"])
        if entry is not None and entry.fate is Fate.TABLE and not _is_row_of(row, entry):
            yield f"{entry.id} is stored as another row: {row}"
    for row in quarantined:
        entry = ledger.entries.get(row["_message_id"])
        if entry is not None and (row["data"], json.loads(row["attributes"])) != (
            entry.data,
            dict(entry.attributes),
        ):
            yield f"{entry.id} is quarantined with other bytes or attributes"


def _is_row_of(row: Stored, entry: Entry) -> bool:
    fields = json.loads(entry.data)
    instant = datetime.fromisoformat(fields.pop("timestamp"))
    declared = (fields.pop("id"), instant, fields.pop("data", None))
    extra = json.loads(row["_extra"]) if row["_extra"] is not None else {}
    return declared == (row["id"], row["timestamp"], row["data"]) and extra == fields


def _served(ledger: Ledger, rows: Sequence[Stored]) -> Iterator[str]:
    """Serve as readers do, the earliest row of each key, and compare with the keys published."""
    by_key: dict[str, list[Stored]] = defaultdict(list)
    for row in rows:
        by_key[row["id"]].append(row)
    served = {
        key: min(found, key=lambda row: (row["_ingest_time"], row["_message_id"]))
        for key, found in by_key.items()
    }
    published = {entry.key for entry in ledger.entries.values() if entry.fate is Fate.TABLE}
    yield from (f"the key {key} is not served" for key in published - set(served))
    yield from (f"the key {key} is served and was never published" for key in set(served) - published)


def _needless(ledger: Ledger, stored: Sequence[Stored]) -> Iterator[str]:
    for one, times in Counter(row["_message_id"] for row in stored).items():
        if times > 1 and one not in ledger.troubled and not ledger.is_ambiguous:
            yield f"{one} is stored {times} times although none of its deliveries failed"
