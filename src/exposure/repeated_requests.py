"""Requests whose answers may be given again, by all their bytes: what a server remembers of its connections.

Who offers an answer again is said in `exposure.again`; what comes as a request, by `exposure.http_protocol`.
"""

from __future__ import annotations

from exposure.again import Again

MOST_REMEMBERED = 2048
# Longer requests are not remembered.
MOST_BYTES = 2048
# Of others an answer is given once.
_METHODS = (b"GET ", b"HEAD ")
# The address it came from, and its bytes.
Repeated = tuple[str, bytes]


def may_repeat(data: bytes) -> bool:
    """Return whether bytes may be a request that is remembered."""
    return len(data) <= MOST_BYTES and data.startswith(_METHODS)


class RepeatedRequests:
    """The requests of one server, as its connections come and go."""

    def __init__(self) -> None:
        self._remembered: dict[Repeated, tuple[bytes, Again]] = {}

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._remembered)

    def remember(self, request: Repeated, status_line: bytes, again: Again) -> None:
        """Remember one; the one remembered longest ago is forgotten for it."""
        self._remembered.pop(request, None)
        self._remembered[request] = status_line, again
        if len(self._remembered) > MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]

    def answer(self, request: Repeated) -> tuple[bytes, bytes, bytes] | None:
        """Return the first line, the fields and the body; None when the application is to be asked."""
        found = self._remembered.get(request)
        if found is None:
            return None
        status_line, again = found
        answer = again()
        if answer is None:
            # It may hold a credential that is none any more.
            del self._remembered[request]
            return None
        return status_line, *answer
