"""The door: what a deployment has decided of credentials, rate limits and the proxies it stands behind.

Credentials are an API key in `X-API-Key` or as a bearer token, and a signer's bearer token. Where no signer
is trusted, a bearer token that is no key is left alone: it is for whoever stands before us, such as Cloud
Run's own check of callers, and grants nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

from exposure.api.access.caller import ANONYMOUS, Caller, CallerSource, Unauthenticated
from exposure.api.access.client_address import client_address
from exposure.api.access.keys import PREFIX
from exposure.api.access.rate_limit import Limits, Standing

_KEY_FIELD, _TOKEN_FIELD = "x-api-key", "authorization"


@dataclass(frozen=True)
class Door:
    """How callers are known, and how often they may come. As it is without arguments, nobody is known.

    `trusted_proxies` is how many stand between clients and us. `origins` may read answers in a browser.
    """

    keys: CallerSource | None = None
    tokens: CallerSource | None = None
    limits: Limits | None = None
    trusted_proxies: int = 0
    origins: Sequence[str] = ()

    async def caller(self, headers: Headers) -> Caller:
        """Return who asks; raises Unauthenticated or CannotVerify."""
        offered = list(self._offered(headers))
        if len(offered) > 1:
            raise Unauthenticated("the request carries more than one credential")
        for source, credential in offered:
            if source is None:
                raise Unauthenticated("the API key is not valid")
            return await source.caller(credential)
        return ANONYMOUS

    async def take(self, scope: Scope, caller: Caller) -> list[Standing]:
        """Count the request; return where its address and its caller stand."""
        if self.limits is None:
            return []
        return await self.limits.take(client_address(scope, self.trusted_proxies), caller.subject)

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
