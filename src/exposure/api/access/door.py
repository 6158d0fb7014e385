"""The door: what a deployment has decided of credentials, rate limits and the proxies it stands behind.

Credentials are an API key in `X-API-Key` or as a bearer token, and a signer's bearer token. Where no signer
is trusted, a bearer token that is no key is left alone: it is for whoever stands before us, such as Cloud
Run's own check of callers, and grants nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.datastructures import Headers
from starlette.types import Scope

from exposure.api.access.budget import Account, ByteBudget
from exposure.api.access.caller import NOBODY, Caller, CallerSource, Known, Unauthenticated
from exposure.api.access.client_address import client_address
from exposure.api.access.keys import PREFIX
from exposure.api.access.rate_limit import Limits, Standing, Turn
from exposure.clock import now

_KEY_FIELD, _TOKEN_FIELD = "x-api-key", "authorization"


@dataclass(frozen=True)
class Door:
    """How callers are known, and how often they may come. As it is without arguments, nobody is known.

    `trusted_proxies` is how many stand between clients and us. `origins` may read answers in a browser.
    `clock` says which day it is: by days questions are answered that bound the event time by nothing.
    `budget` is what one caller's questions may bill; it counts in the same buckets as `limits`.
    """

    keys: CallerSource | None = None
    tokens: CallerSource | None = None
    limits: Limits | None = None
    trusted_proxies: int = 0
    origins: Sequence[str] = ()
    clock: Callable[[], datetime] = now
    budget: ByteBudget | None = None

    async def known(self, headers: Headers) -> Known:
        """Return who asks; raises Unauthenticated or CannotVerify."""
        offered = list(self._offered(headers))
        if len(offered) > 1:
            raise Unauthenticated("the request carries more than one credential")
        for source, credential in offered:
            if source is None:
                raise Unauthenticated("the API key is not valid")
            return await source.known(credential)
        return NOBODY

    async def take(self, scope: Scope, caller: Caller) -> list[Standing]:
        """Count the request; return where its address and its caller stand."""
        if self.limits is None:
            return []
        return await self.limits.take(client_address(scope, self.trusted_proxies), caller.subject)

    def turn(self, scope: Scope, caller: Caller) -> Turn | None:
        """Return what counts the same request once more, at once; None where counting takes longer."""
        if self.limits is None:
            return list
        return self.limits.turn(client_address(scope, self.trusted_proxies), caller.subject)

    def account(self, scope: Scope, caller: Caller) -> Account | None:
        """Return who pays for what the request asks; None where nobody does."""
        if self.budget is None:
            return None
        return self.budget.account(caller.subject or client_address(scope, self.trusted_proxies))

    async def close(self) -> None:
        """Close what callers are known by and what requests are counted in."""
        for source in (self.keys, self.tokens):
            if source is not None:
                await source.close()
        if self.limits is not None:
            await self.limits.buckets.close()

    def _offered(self, headers: Headers) -> Iterator[tuple[CallerSource | None, str]]:
        for value in headers.getlist(_KEY_FIELD):
            yield self.keys, value.strip()
        for value in headers.getlist(_TOKEN_FIELD):
            scheme, _, credential = value.strip().partition(" ")
            credential = credential.strip()
            if scheme.lower() == "bearer" and credential.startswith(PREFIX):
                yield self.keys, credential
            elif self.tokens is not None:
                if scheme.lower() != "bearer":
                    raise Unauthenticated("credentials are bearer tokens")
                yield self.tokens, credential
