"""The public keys that tokens are signed with, fetched over HTTP and kept as long as they may be.

One fetch serves all who wait for it, and forged tokens cannot cause a flood of fetches. What a key signs is
`claims`' concern. Format: RFC 7517; Google's address is https://www.googleapis.com/oauth2/v3/certs.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any

import httpx2
import jwt

from exposure.loopback import is_loopback

_LOG = logging.getLogger(__name__)
# Asymmetric alone: a shared secret published as a key would let everybody sign.
_KEY_TYPES = ("RSA", "EC", "OKP")
_FETCH_SECONDS = 5.0
_MAX_AGE = re.compile(r"max-age=(\d{1,9})")
_DEFAULT_MAX_AGE = 3600.0
# Tokens with invented key ids must not become fetches, nor must an address that is down.
_SECONDS_BETWEEN_FETCHES = 10.0
_SECONDS_AFTER_FAILURE = 1.0
# A key whose time has passed still serves for so long when no newer ones can be had.
_STALE_SECONDS = 3600.0


class KeysUnavailable(Exception):
    """The signer's certificates cannot be had right now; the request must be tried again."""


class UnknownKey(Exception):
    """No key of that id is published."""


class SigningKeys:
    """Keys by their id. `clock` returns seconds since the epoch."""

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        self._url = url
        self._clock = clock
        self._client = httpx2.AsyncClient(timeout=_FETCH_SECONDS, trust_env=not is_loopback(url))
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fresh_until = 0.0
        self._next_fetch = 0.0
        self._failed = False
        self._fetching: asyncio.Task[None] | None = None

    async def get(self, key_id: str) -> jwt.PyJWK:
        """Return the key; an unknown id, or keys past their time, cause one fetch whoever asks.

        Raises UnknownKey, or KeysUnavailable when it cannot be said whether there is such a key.
        """
        if not (key_id in self._keys and self._clock() < self._fresh_until):
            await self._refresh()
        expired = self._clock() >= self._fresh_until + _STALE_SECONDS
        if self._failed and (expired or key_id not in self._keys):
            raise KeysUnavailable(f"the certificates at {self._url} cannot be had")
        if key_id not in self._keys:
            raise UnknownKey
        return self._keys[key_id]

    async def close(self) -> None:
        """Give up the fetch under way and close the connection."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])
        await self._client.aclose()

    async def _refresh(self) -> None:
        if self._fetching is None:
            if self._clock() < self._next_fetch:
                return
            self._fetching = asyncio.create_task(self._fetch())
        await asyncio.shield(self._fetching)

    async def _fetch(self) -> None:
        started = self._clock()
        try:
            answer = await self._client.get(self._url)
            answer.raise_for_status()
            keys = _parse(answer.json())
        except (httpx2.HTTPError, ValueError, jwt.PyJWTError) as error:
            _LOG.warning("the certificates at %s cannot be had: %r", self._url, error)
            self._failed = True
            self._next_fetch = self._clock() + _SECONDS_AFTER_FAILURE
        else:
            self._failed = False
            self._keys = keys
            self._fresh_until = started + _max_age(answer.headers.get("cache-control", ""))
            self._next_fetch = started + _SECONDS_BETWEEN_FETCHES
        finally:
            self._fetching = None


def _parse(document: Any) -> dict[str, jwt.PyJWK]:
    if not isinstance(document, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - the signer's fault, not a caller's
    keys = jwt.PyJWKSet.from_dict(document).keys
    return {key.key_id: key for key in keys if key.key_id and key.key_type in _KEY_TYPES}


def _max_age(cache_control: str) -> float:
    found = _MAX_AGE.search(cache_control)
    return float(found[1]) if found else _DEFAULT_MAX_AGE
