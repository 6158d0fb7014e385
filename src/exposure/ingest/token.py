"""Is this push from Google, for us, as our push account? Judges the OIDC token of a push request.

The stock verifier accepts any Google account; this one accepts one. That a token is genuine, current and
meant for us is `exposure.identity.claims`' concern.
Claims: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from exposure.identity.claims import GOOGLE_ISSUERS, Claims, ClaimsVerifier, InvalidToken, Signer

# Google's are about a kilobyte; there is one for each subscription at a time.
_ACCEPTED_HEADERS, _ACCEPTED_CHARACTERS = 100, 4096


class Unauthenticated(Exception):
    """The token is missing, forged, expired or meant for another audience."""


class Forbidden(Exception):
    """The token is genuine and names an account that may not push here."""


@dataclass(frozen=True)
class PushIdentity:
    """Who may push: `account`, an e-mail, to `audience`, tokens signed by a key of `certificates_url`."""

    account: str
    audience: str
    certificates_url: str


class TokenVerifier:
    """Verifies bearer tokens; one per process, so that its keys are fetched once."""

    def __init__(self, identity: PushIdentity, *, clock: Callable[[], float] = time.time) -> None:
        self._account = identity.account
        signer = Signer(GOOGLE_ISSUERS, identity.audience, identity.certificates_url)
        self._claims = ClaimsVerifier(signer, clock=clock)
        self._accepted: dict[str, Callable[[], bool]] = {}

    async def verify(self, authorization: str) -> None:
        """Return when the header carries a valid token.

        Raises Unauthenticated, Forbidden or KeysUnavailable.
        """
        # Pub/Sub sends the same token for an hour.
        holds = self._accepted.get(authorization)
        if holds is not None and holds():
            return
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("the request carries no bearer token")
        try:
            claims = await self._claims.claims(token)
        except InvalidToken as error:
            raise Unauthenticated(str(error)) from error
        self._check_account(claims)
        self._accept(authorization, self._claims.remembering(token))

    async def close(self) -> None:
        """Close the connection the keys are fetched over."""
        await self._claims.close()

    def _accept(self, authorization: str, holds: Callable[[], bool]) -> None:
        if len(authorization) > _ACCEPTED_CHARACTERS:
            return
        if len(self._accepted) >= _ACCEPTED_HEADERS:
            self._accepted.clear()
        self._accepted[authorization] = holds

    def _check_account(self, claims: Claims) -> None:
        if claims.get("email_verified") is not True:
            raise Forbidden("the token's e-mail is not verified")
        if claims.get("email") != self._account:
            raise Forbidden("the token's account may not push here")
