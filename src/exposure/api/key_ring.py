"""Keys that seal and open bytes: AES-256-GCM, each sealing bound to what it is for, keys that can be rotated.

What is sealed, and how it is written down, is for `seal` (page tokens) and `cache.sealed` (kept answers).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class KeyRing:
    """Seals with the first of the keys, of 32 bytes each, and opens with any."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = [AESGCM(key) for key in keys]

    def seal(self, content: bytes, bound_to: bytes) -> bytes:
        """Return the sealed content, which opens only where the same bytes are given to be bound to."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._keys[0].encrypt(nonce, content, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes | None:
        """Return the content; None for whatever was not sealed by one of the keys, and bound to the same."""
        nonce, hidden = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        if not hidden:
            return None
        for key in self._keys:
            try:
                return key.decrypt(nonce, hidden, bound_to)
            except InvalidTag:
                continue
        return None
