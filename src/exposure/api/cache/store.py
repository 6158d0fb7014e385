"""The answers this process keeps: the least recently used go first, and never more bytes than allowed."""

from __future__ import annotations

from collections import OrderedDict

from exposure.api.cache.entry import Entry

# No answer takes the room of all others.
_LARGEST_SHARE = 8


class Store:
    """Entries by the digest of their question. `most_bytes` bounds what all of them take."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._bytes = 0

    @property
    def held_bytes(self) -> int:
        """Return about how many bytes are taken."""
        return self._bytes

    def get(self, digest: bytes) -> Entry | None:
        """Return the newest answer to the question, of whatever version."""
        entry = self._entries.get(digest)
        if entry is not None:
            self._entries.move_to_end(digest)
        return entry

    def takes(self, entry: Entry) -> bool:
        """Return whether the entry is small enough to be kept."""
        return entry.size <= self._most_bytes // _LARGEST_SHARE

    def put(self, digest: bytes, entry: Entry) -> bool:
        """Keep the entry in the place of an older one; return whether it is small enough."""
        if not self.takes(entry):
            return False
        self.drop(digest)
        self._entries[digest] = entry
        self._bytes += entry.size
        while self._bytes > self._most_bytes:
            _, oldest = self._entries.popitem(last=False)
            self._bytes -= oldest.size
        return True

    def drop(self, digest: bytes) -> None:
        """Forget the answer to the question."""
        known = self._entries.pop(digest, None)
        if known is not None:
            self._bytes -= known.size
