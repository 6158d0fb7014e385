"""Stored rows of `orders` and a replica that follows them, step by step."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

from exposure.api.hiding import HidingReader
from exposure.contracts import orders
from exposure.contracts.model import Contract
from exposure.query.model import Row
from exposure.warehouse.replica.follower import Follower, Timing
from exposure.warehouse.replica.limits import ReplicaLimits
from exposure.warehouse.replica.replica_reader import ReplicaReader
from fakes.questions import ask
from fakes.replicated import TurnedHands
from fakes.rows import NOON, order_row
from fakes.stored_rows import EmptyReader, StoredList

CONTRACT = orders.CONTRACT
WINDOW = timedelta(hours=6)
SECOND = timedelta(seconds=1)
PAST_HOUR = ("placed_at", "gte", NOON - timedelta(hours=1))


class Scene:
    """A list of stored rows, whoever follows it, and a reader in front of nothing."""

    def __init__(self, limits: ReplicaLimits | None = None) -> None:
        self.clock = TurnedHands()
        self.stored = StoredList(CONTRACT, self.clock)
        contract = orders_with(WINDOW)
        self.follower = Follower(contract, self.stored, limits, Timing(self.clock, self.clock.sleep))
        self.behind = EmptyReader()
        replicas = ReplicaReader(self.behind, [self.follower])
        self.reader = HidingReader(replicas)
        replicas._has_begun = True

    def store(self, key: str, *, stamped: datetime | None = None, **values: object) -> None:
        placed = {"placed_at": NOON} | values
        self.stored.rows.append(order_row(order_id=key, _ingest_time=stamped or self.clock.at, **placed))

    async def seen(self, *filters: tuple[str, str, object], order: str = "placed_at") -> list[Row]:
        page = await self.reader.select(
            ask(CONTRACT, *(filters or (PAST_HOUR,)), select="order_id,currency", order=order)
        )
        assert page.tier == "replica"
        return list(page.rows)


def orders_with(window: timedelta) -> Contract:
    return dataclasses.replace(CONTRACT, replica=window)
