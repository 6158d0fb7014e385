"""A stored message, its way through one subscription, and the lease under which it is handed out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(eq=False, slots=True)
class Stored:
    """A published message, shared by the subscriptions that hold it; `holders` counts those."""

    sequence: int
    message: Any
    size_bytes: int
    holders: int = 0


@dataclass(eq=False, slots=True)
class Delivery:
    """One message on its way through one subscription. `attempts` counts nacks and expired deadlines."""

    stored: Stored
    attempts: int = 0

    @property
    def sequence(self) -> int:
        """Return the message's place in the order of publishing."""
        return self.stored.sequence

    @property
    def message(self) -> Any:
        """Return the PubsubMessage."""
        return self.stored.message

    @property
    def size_bytes(self) -> int:
        """Return what flow control counts."""
        return self.stored.size_bytes


@dataclass(eq=False, slots=True)
class Lease:
    """A delivery handed out until `deadline`; `ended` is called once, when it is acknowledged or fails."""

    ack_id: str
    delivery: Delivery
    deadline: float
    ended: Callable[[Lease], None] | None = None
    is_acknowledged: bool = False
    # When the queue will look at the deadline next: extending one must not cost an entry each time.
    looked_at: float = 0.0


@dataclass(frozen=True)
class Demand:
    """What a receiver can take now: messages, bytes, per ordering key, and for how long it leases them.

    A single message larger than `most_bytes` is handed out all the same, alone.
    """

    most: int
    most_bytes: float
    deadline_seconds: float
    per_key: int
