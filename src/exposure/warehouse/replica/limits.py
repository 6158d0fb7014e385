"""How long, how often and how much a replica reads and holds: values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class ReplicaLimits:
    """The bounds of the replica of one contract.

    Rows are read anew every `interval`. A reading takes in what was stamped (`_ingest_time`) since `overlap`
    before the moment of the one before it: a row that was not there at that moment was stored later, and is
    stamped no longer before than a row takes from its stamp until it is stored. Ingest gives it up 8 s after
    it came, an append on its way then may take 8 s more, and the rest is for what the network still carries
    and for clocks of ingest and warehouse that differ. What takes longer is found when everything is loaded
    again, every `reload`, or after `followed_rows` more rows.

    More than `most_bytes`, estimated of all that a replica holds, are not held; while rows are loaded again
    the old ones are still there and the new ones are sorted, so almost three times as much is taken for some
    seconds. `load_deadline` bounds a load; one that failed is tried again after `retry`.
    """

    interval: timedelta = timedelta(seconds=5)
    overlap: timedelta = timedelta(seconds=60)
    reload: timedelta = timedelta(minutes=15)
    retry: timedelta = timedelta(seconds=30)
    load_deadline: timedelta = timedelta(minutes=5)
    followed_rows: int = 50_000
    most_bytes: int = 2**30

    @property
    def oldest(self) -> timedelta:
        """Return how long after the moment of a reading its rows are still given.

        The next one may fail, and the one after it take long. BigQuery's moment is a second before its
        reading begins.
        """
        return 3 * self.interval
