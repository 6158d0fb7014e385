"""What the messages that are not acknowledged take of this process's memory, and the bound on it.

A message is held until the last of its subscriptions is done with it. The disk has its own bound: its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from exposure.local.pubsub.lease import Stored
from exposure.local.pubsub.refusal import exhausted

MOST_BYTES = 1 << 30
# What a small message costs beside its bytes: its objects and its places in subscriptions, measured.
_EACH_BYTES = 1000


class HeldMessages:
    """Counts the messages in memory; `most_bytes` is where publishing is refused."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self.held_bytes = 0

    def accept(self, messages: Sequence[Stored]) -> None:
        """Count messages that are about to be stored; raise the refusal when there is no room for them.

        Clients answer it by trying again, until enough is acknowledged.
        """
        if self.held_bytes + sum(map(_size, messages)) > self._most_bytes:
            raise exhausted(
                f"The messages that are not acknowledged take {self.held_bytes} of {self._most_bytes} bytes; "
                "publish again when some are."
            )
        self.hold(messages)

    def hold(self, messages: Iterable[Stored]) -> None:
        """Count messages that are there, whether there is room or not."""
        self.held_bytes += sum(map(_size, messages))

    def forget(self, messages: Iterable[Stored]) -> None:
        """Count messages no more: they could not be stored."""
        self.held_bytes -= sum(map(_size, messages))

    def release(self, stored: Stored) -> bool:
        """Note that one holder is done with the message; return whether it was the last."""
        stored.holders -= 1
        if stored.holders:
            return False
        self.held_bytes -= _size(stored)
        return True


def _size(stored: Stored) -> int:
    return stored.size_bytes + _EACH_BYTES
