"""Seals page tokens: whoever holds one can neither read nor change it. AES-256-GCM with rotating keys."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exposure.query.page_token import invalid_token

_NONCE_BYTES = 12


class TokenSealer:
    """Seals with the first key and opens with any, so that keys can be replaced while walks go on.

    A token opens only where `bound_to` returns what it returned when the token was sealed.
    """

    def __init__(self, keys: Sequence[bytes], bound_to: Callable[[], bytes] = bytes) -> None:
        if not keys:
            raise ValueError("page tokens need at least one key of 32 bytes")
        self._secrets = tuple(keys)
        self._keys = [AESGCM(key) for key in keys]
        self._bound_to = bound_to

    def bound(self, to: Callable[[], bytes]) -> TokenSealer:
        """Return a sealer with the same keys whose tokens are bound to what `to` returns."""
        return TokenSealer(self._secrets, to)

    def seal(self, content: bytes) -> str:
        """Return a token of URL-safe characters."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._keys[0].encrypt(nonce, content, self._bound_to())
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, token: str) -> bytes:
        """Return what was sealed; raises BadPageToken for anything that was not sealed here."""
        sealed = _decode(token)
        for key in self._keys:
            try:
                return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._bound_to())
            except InvalidTag:
                continue
        raise invalid_token()


def _decode(token: str) -> bytes:
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid_token() from error
    # The last character carries bits beyond the last byte; only one spelling of a token is ours.
    if len(sealed) <= _NONCE_BYTES or base64.urlsafe_b64encode(sealed).decode().rstrip("=") != token:
        raise invalid_token()
    return sealed
