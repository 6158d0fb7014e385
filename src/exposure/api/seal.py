"""Seals page tokens: whoever holds one can neither read nor change it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence

from exposure.api.key_ring import KeyRing
from exposure.query.page_token import invalid_token


class TokenSealer:
    """Seals with the first key and opens with any, so that keys can be replaced while walks go on.

    A token opens only where `bound_to` returns what it returned when the token was sealed.
    """

    def __init__(self, keys: Sequence[bytes], bound_to: Callable[[], bytes] = bytes) -> None:
        if not keys:
            raise ValueError("page tokens need at least one key of 32 bytes")
        self._secrets = tuple(keys)
        self._keys = KeyRing(keys)
        self._bound_to = bound_to

    def bound(self, to: Callable[[], bytes]) -> TokenSealer:
        """Return a sealer with the same keys whose tokens are bound to what `to` returns."""
        return TokenSealer(self._secrets, to)

    def seal(self, content: bytes) -> str:
        """Return a token of URL-safe characters."""
        sealed = self._keys.seal(content, self._bound_to())
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, token: str) -> bytes:
        """Return what was sealed; raises BadPageToken for anything that was not sealed here."""
        content = self._keys.open(_decode(token), self._bound_to())
        if content is None:
            raise invalid_token()
        return content


def _decode(token: str) -> bytes:
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid_token() from error
    # The last character carries bits beyond the last byte; only one spelling of a token is ours.
    if base64.urlsafe_b64encode(sealed).decode().rstrip("=") != token:
        raise invalid_token()
    return sealed
