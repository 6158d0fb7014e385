"""Who is asking, as the credential says: what access is decided by, and nothing else of the request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from exposure.contracts.access import Credential


class Unauthenticated(Exception):
    """The credential is none of ours, or no longer valid. Its sentence holds nothing of the credential."""


class CannotVerify(Exception):
    """Whether the credential is valid cannot be said right now: its signer's keys cannot be had."""


@dataclass(frozen=True)
class Caller:
    """One who asks. `subject` names them for rate limits and logs; it is no secret, and empty for nobody.

    `claims` are texts as a URL writes values, several for one name when the claim is a list.
    """

    subject: str
    credential: Credential | None
    scopes: frozenset[str] = frozenset()
    claims: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def claim(self, name: str) -> tuple[str, ...]:
        """Return the values of a claim; empty when it is not made."""
        return dict(self.claims).get(name, ())


ANONYMOUS = Caller("", None)
Holds = Callable[[], bool]


def always() -> bool:
    """Hold for nobody known: there is nothing that could end."""
    return True


@dataclass(frozen=True)
class Known:
    """Who asks. `holds` tells at once whether their credential would be accepted again without a look."""

    caller: Caller
    holds: Holds


NOBODY = Known(ANONYMOUS, always)


class CallerSource(Protocol):
    """Knows callers by one kind of credential."""

    async def known(self, credential: str) -> Known:
        """Return whose credential it is; raises Unauthenticated or CannotVerify."""

    async def close(self) -> None:
        """Release what is held."""
