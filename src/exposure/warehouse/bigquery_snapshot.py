"""Which moment of a table BigQuery is asked for: the moments it can still, and already, be read at.

https://cloud.google.com/bigquery/docs/access-historical-data. Nothing is asked or written as SQL here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from exposure.query.aggregate import Aggregation
from exposure.query.model import Query, Snapshot
from exposure.warehouse.port import SnapshotExpired, WarehouseError, WarehouseUnavailable


@dataclass(frozen=True)
class SnapshotWindow:
    """From `oldest` ago until `newest` ago, by our own clock."""

    newest: timedelta
    oldest: timedelta

    def newest_at(self, now: datetime) -> Snapshot:
        """Return the newest moment there is."""
        return Snapshot(now - self.newest)

    def pin(self, query: Query, now: datetime) -> Query:
        """Return the query with a snapshot: its own or the newest there is. One row by its key needs none.

        Raises SnapshotExpired.
        """
        self.check(query, now)
        if query.snapshot is not None or query.is_of_one_key:
            return query
        return replace(query, snapshot=self.newest_at(now))

    def check(self, question: Query | Aggregation, now: datetime) -> None:
        """Raise SnapshotExpired when the question's snapshot is older than what is kept."""
        if question.snapshot is not None and question.snapshot.at < now - self.oldest:
            raise SnapshotExpired(f"BigQuery: nothing is kept of what was there at {question.snapshot.at}")


def blamed(error: SnapshotExpired, query: Query) -> WarehouseError:
    """Return whose fault it is that BigQuery refuses the snapshot: of a first page it is no walk's.

    The table is then younger than the snapshot, or our clock is ahead by more than the lag: in a moment, or
    when the clock is set, the same question is answered.
    """
    return error if query.snapshot is not None else WarehouseUnavailable(str(error))
