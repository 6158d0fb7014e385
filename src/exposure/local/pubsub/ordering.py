"""The messages of one ordering key: one batch of them is out at a time, and they leave in their order.

A message that fails takes all later ones of its key back with it, also those already acknowledged: they
count as acknowledged only once everything before them is.
https://cloud.google.com/pubsub/docs/ordering
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from exposure.local.pubsub.lease import Delivery, Lease


class OrderedKey:
    """What waits for a key and what is out. `due` is the earliest time of the next batch, in seconds."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting: deque[Delivery] = deque()
        self.out: list[Lease] = []
        self.due = 0.0
        self.is_offered = False

    def can_be_offered(self, now: float) -> bool:
        """Tell whether the next batch may leave and nobody has been told so."""
        return bool(self.waiting) and not self.out and not self.is_offered and self.due <= now

    def settle(self) -> list[Delivery]:
        """Drop the acknowledged messages that have nothing unacknowledged before them; return them."""
        count = 0
        while count < len(self.out) and self.out[count].is_acknowledged:
            count += 1
        settled, self.out = self.out[:count], self.out[count:]
        return [lease.delivery for lease in settled]

    def take_back(self, failed: Lease) -> list[Lease]:
        """Put all later messages of the batch in front again; return their leases, which are void."""
        at = self.out.index(failed)
        later = self.out[at + 1 :]
        del self.out[at:]
        self.put_in_front(lease.delivery for lease in later)
        return later

    def put_in_front(self, deliveries: Iterable[Delivery]) -> None:
        """Let these, in their order, be the next to leave."""
        self.waiting.extendleft(reversed(list(deliveries)))

    @property
    def is_idle(self) -> bool:
        """Tell whether the key has nothing waiting and nothing out."""
        return not self.waiting and not self.out
