"""Is this token genuine, current and meant for us, and what does it claim? JSON Web Tokens of one signer.

The stock verifier of Google fetches the certificates on every call; this one keeps keys for their max-age
and remembers a verified token until it expires. Whom the claims name, and what they may do, others judge.
Format: RFC 7519; https://developers.google.com/identity/openid-connect/openid-connect#validatinganidtoken.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt

from exposure.identity.signing_keys import SigningKeys, UnknownKey

GOOGLE_ISSUERS = ("https://accounts.google.com", "accounts.google.com")
_SKEW = timedelta(seconds=10)
_REMEMBERED_TOKENS = 1000
Claims = Mapping[str, Any]


class InvalidToken(Exception):
    """The token is forged, expired, or meant for another audience. Its message holds nothing of the token."""


@dataclass(frozen=True)
class Signer:
    """Whose tokens are believed: the issuers' names, our name as their audience, and where their keys are.

    `algorithms` are those of RFC 7518 that may sign; a token that names another one is refused unread.
    """

    issuers: tuple[str, ...]
    audience: str
    keys_url: str
    algorithms: tuple[str, ...] = ("RS256",)


class ClaimsVerifier:
    """Verifies tokens; one per process, so that its keys are fetched once."""

    def __init__(self, signer: Signer, *, clock: Callable[[], float] = time.time) -> None:
        self._signer = signer
        self._clock = clock
        self._keys = SigningKeys(signer.keys_url, clock)
        self._verified: dict[bytes, tuple[float, Claims]] = {}

    async def claims(self, token: str) -> Claims:
        """Return what a valid token says; raises InvalidToken or KeysUnavailable."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        expires, claims = self._verified.get(digest, (0.0, {}))
        if expires > self._clock():
            return claims
        claims = await self._read(token)
        self._remember(digest, self._check_times(claims), claims)
        return claims

    def remembering(self, token: str) -> Callable[[], bool]:
        """Return what tells whether the token is remembered as verified and has not expired."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        expires, _ = self._verified.get(digest, (0.0, {}))
        return lambda: expires > self._clock()

    async def close(self) -> None:
        """Close the connection the keys are fetched over."""
        await self._keys.close()

    async def _read(self, token: str) -> Claims:
        try:
            header = jwt.get_unverified_header(token)
            algorithm = header.get("alg")
            if algorithm not in self._signer.algorithms:
                raise InvalidToken(f"the token is not signed with {' or '.join(self._signer.algorithms)}")
            return self._decode(token, await self._keys.get(str(header.get("kid"))))
        except UnknownKey as error:
            raise InvalidToken("the token is signed with an unknown key") from error
        except jwt.PyJWTError as error:
            raise InvalidToken(f"the token is not valid: {error}") from error

    def _decode(self, token: str, key: jwt.PyJWK) -> Claims:
        claims: Claims = jwt.decode(
            token,
            key,
            algorithms=list(self._signer.algorithms),
            audience=self._signer.audience,
            issuer=list(self._signer.issuers),
            # The clock is ours, so that a test can turn it; PyJWT knows only the system's.
            options={
                "require": ["exp", "iat", "aud", "iss"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        return claims

    def _check_times(self, claims: Claims) -> float:
        """Return when the token expires."""
        now, skew = self._clock(), _SKEW.total_seconds()
        try:
            issued, expires = float(claims["iat"]), float(claims["exp"])
            begins = float(claims.get("nbf", issued))
        except (TypeError, ValueError) as error:
            raise InvalidToken("the token's times are no numbers") from error
        if not (math.isfinite(expires) and expires + skew > now):
            raise InvalidToken("the token has expired")
        if not issued - skew <= now:
            raise InvalidToken("the token was issued in the future")
        if not begins - skew <= now:
            raise InvalidToken("the token is valid in the future")
        return expires

    def _remember(self, digest: bytes, expires: float, claims: Claims) -> None:
        if len(self._verified) >= _REMEMBERED_TOKENS:
            now = self._clock()
            self._verified = {known: kept for known, kept in self._verified.items() if kept[0] > now}
        if len(self._verified) < _REMEMBERED_TOKENS:
            self._verified[digest] = (expires, claims)
