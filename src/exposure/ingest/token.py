"""Is this push from Google, for us, as our push account? Verifies the OIDC token of a push request.

The stock verifier fetches the certificates on every call and accepts any Google account; this one keeps
keys for their max-age, accepts one account, and remembers a verified token until it expires.
Claims: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt

from exposure.ingest.signing_keys import SigningKeys, UnknownKey

_ALGORITHM = "RS256"
_ISSUERS = ["https://accounts.google.com", "accounts.google.com"]
_SKEW = timedelta(seconds=10)
_REMEMBERED_TOKENS = 1000


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
        self._identity = identity
        self._clock = clock
        self._keys = SigningKeys(identity.certificates_url, clock)
        self._verified: dict[bytes, float] = {}

    async def verify(self, authorization: str) -> None:
        """Return when the header carries a valid token.

        Raises Unauthenticated, Forbidden or KeysUnavailable.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("the request carries no bearer token")
        digest = hashlib.sha256(token.encode()).digest()
        if self._verified.get(digest, 0.0) > self._clock():
            return
        claims = await self._claims(token)
        expires = self._check_times(claims)
        self._check_account(claims)
        self._remember(digest, expires)

    async def close(self) -> None:
        """Close the connection the keys are fetched over."""
        await self._keys.close()

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != _ALGORITHM:
                raise Unauthenticated(f"the token is not signed with {_ALGORITHM}")
            key = await self._keys.get(str(header.get("kid")))
            return self._verified_claims(token, key)
        except UnknownKey as error:
            raise Unauthenticated("the token is signed with an unknown key") from error
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"the token is not valid: {error}") from error

    def _verified_claims(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=self._identity.audience,
            issuer=_ISSUERS,
            # The clock is ours, so that a test can turn it; PyJWT knows only the system's.
            options={"require": ["exp", "iat", "aud", "iss"], "verify_exp": False, "verify_iat": False},
        )
        return claims

    def _check_times(self, claims: dict[str, Any]) -> float:
        """Return when the token expires."""
        now, skew = self._clock(), _SKEW.total_seconds()
        try:
            issued, expires = float(claims["iat"]), float(claims["exp"])
        except (TypeError, ValueError) as error:
            raise Unauthenticated("the token's times are no numbers") from error
        if not (math.isfinite(expires) and expires + skew > now):
            raise Unauthenticated("the token has expired")
        if not issued - skew <= now:
            raise Unauthenticated("the token was issued in the future")
        return expires

    def _check_account(self, claims: dict[str, Any]) -> None:
        if claims.get("email_verified") is not True:
            raise Forbidden("the token's e-mail is not verified")
        if claims.get("email") != self._identity.account:
            raise Forbidden("the token's account may not push here")

    def _remember(self, digest: bytes, expires: float) -> None:
        if len(self._verified) >= _REMEMBERED_TOKENS:
            now = self._clock()
            self._verified = {known: end for known, end in self._verified.items() if end > now}
        if len(self._verified) < _REMEMBERED_TOKENS:
            self._verified[digest] = expires
