"""Is this push from Google, for us, as our push account? Verifies the OIDC token of a push request.

The stock verifier fetches the certificates on every call and accepts any Google account; this one keeps
keys for their max-age, accepts one account, and remembers a verified token until it expires.
Claims: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import jwt

_ISSUERS = ["https://accounts.google.com", "accounts.google.com"]
_SKEW = timedelta(seconds=10)
_REMEMBERED_TOKENS = 1000
_FETCH_SECONDS = 5.0
_DEFAULT_MAX_AGE = 3600.0
# A flood of tokens with invented key ids must not become a flood of fetches.
_SECONDS_BETWEEN_FETCHES = 10.0


class Unauthenticated(Exception):
    """The token is missing, forged, expired or meant for another audience."""


class Forbidden(Exception):
    """The token is genuine and names an account that may not push here."""


class KeysUnavailable(Exception):
    """Google's certificates cannot be had right now; the push must be tried again."""


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
        self._keys = _Keys(identity.certificates_url, clock)
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
        self._check_account(claims)
        self._remember(digest, float(claims["exp"]))

    async def close(self) -> None:
        """Close the connection the keys are fetched over."""
        await self._keys.close()

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            key = await self._keys.get(str(key_id))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._identity.audience,
                issuer=_ISSUERS,
                # The clock is ours, so that a test can turn it; PyJWT knows only the system's.
                options={"require": ["exp", "iat", "aud", "iss"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"the token is not valid: {error}") from error
        self._check_times(claims)
        return claims

    def _check_times(self, claims: dict[str, Any]) -> None:
        now, skew = self._clock(), _SKEW.total_seconds()
        try:
            issued, expires = float(claims["iat"]), float(claims["exp"])
        except (TypeError, ValueError) as error:
            raise Unauthenticated("the token's times are no numbers") from error
        if expires + skew <= now:
            raise Unauthenticated("the token has expired")
        if issued - skew > now:
            raise Unauthenticated("the token was issued in the future")

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


class _Keys:
    """The signer's public keys, fetched over HTTP and kept for as long as their answer allows."""

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        self._url = url
        self._clock = clock
        self._client = httpx2.AsyncClient(timeout=_FETCH_SECONDS)
        self._lock = asyncio.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fresh_until = 0.0
        self._next_fetch = 0.0

    async def get(self, key_id: str) -> jwt.PyJWK:
        """Return the key; an unknown id, or stale keys, cause one fetch whoever asks."""
        if not self._is_known(key_id):
            async with self._lock:
                if not self._is_known(key_id):
                    await self._fetch()
        if key_id not in self._keys:
            raise Unauthenticated("the token is signed with an unknown key")
        return self._keys[key_id]

    async def close(self) -> None:
        await self._client.aclose()

    def _is_known(self, key_id: str) -> bool:
        return key_id in self._keys and self._clock() < self._fresh_until

    async def _fetch(self) -> None:
        now = self._clock()
        if now < self._next_fetch:
            return
        self._next_fetch = now + _SECONDS_BETWEEN_FETCHES
        try:
            answer = await self._client.get(self._url)
            answer.raise_for_status()
            keys = jwt.PyJWKSet.from_dict(answer.json())
        except (httpx2.HTTPError, ValueError, jwt.PyJWTError) as error:
            self._next_fetch = 0.0
            raise KeysUnavailable(f"the certificates at {self._url} cannot be had: {error}") from error
        self._keys = {key.key_id: key for key in keys.keys if key.key_id}
        self._fresh_until = now + _max_age(answer.headers.get("cache-control", ""))


def _max_age(cache_control: str) -> float:
    found = re.search(r"max-age=(\d+)", cache_control)
    return float(found[1]) if found else _DEFAULT_MAX_AGE
