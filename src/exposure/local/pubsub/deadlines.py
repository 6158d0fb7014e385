"""Which leases have expired. Extending one costs next to nothing: clients extend every message they hold."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from exposure.local.pubsub.lease import Lease

# Entries of ended leases are cleared out when they outnumber the living by this many.
_STALE = 1000


class Deadlines:
    """The running leases by their ack id, and a heap of when to look at each."""

    def __init__(self) -> None:
        self._leases: dict[str, Lease] = {}
        self._heap: list[tuple[float, int, Lease]] = []
        self._counted = 0

    def __iter__(self) -> Iterator[Lease]:
        """Yield every running lease."""
        return iter(self._leases.values())

    def get(self, ack_id: str) -> Lease | None:
        """Return the running lease, None when it has ended or never was."""
        return self._leases.get(ack_id)

    def add(self, lease: Lease) -> None:
        """Watch a new lease."""
        self._leases[lease.ack_id] = lease
        self._look_at(lease)

    def end(self, ack_id: str) -> Lease | None:
        """Stop to watch a lease and tell who holds it; None when it had ended already."""
        lease = self._leases.pop(ack_id, None)
        if lease is not None and lease.ended is not None:
            lease.ended(lease)
        return lease

    def move(self, lease: Lease, deadline: float) -> None:
        """Give a running lease another deadline, in seconds."""
        lease.deadline = deadline
        if deadline < lease.looked_at:
            self._look_at(lease)

    def expired(self, now: float) -> Iterator[Lease]:
        """Yield each lease whose deadline has passed; the caller ends it before the next is asked for."""
        while self._heap and self._heap[0][0] <= now:
            entry = heapq.heappop(self._heap)
            if not self._is_current(entry):
                continue
            if entry[2].deadline <= now:
                yield entry[2]
            else:
                self._look_at(entry[2])

    def _look_at(self, lease: Lease) -> None:
        lease.looked_at = lease.deadline
        self._counted += 1
        heapq.heappush(self._heap, (lease.deadline, self._counted, lease))
        if len(self._heap) > 2 * len(self._leases) + _STALE:
            self._heap = [entry for entry in self._heap if self._is_current(entry)]
            heapq.heapify(self._heap)

    def _is_current(self, entry: tuple[float, int, Lease]) -> bool:
        looked_at, _, lease = entry
        return lease.ack_id in self._leases and looked_at == lease.looked_at
