"""Entries as bytes that leave the process: nobody without the key can read one, change it, or make one.

AES-256-GCM, bound to the question's digest: what was written for another question, by another release or by
somebody else does not open. The key is derived, so that what seals page tokens seals nothing else.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exposure.api.cache.entry import Entry
from exposure.api.cache.versions import Version

_PURPOSE = b"exposure kept answers 1\0"
_NONCE_BYTES = 12


class _Written(msgspec.Struct, array_like=True):
    mark: str
    at: float
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes


_ENCODER, _DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(_Written)


class EntrySealer:
    """Seals with the first of the secrets and opens with any, so that they can be replaced one by one."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._keys = [AESGCM(hashlib.sha256(_PURPOSE + secret).digest()) for secret in secrets]

    def seal(self, digest: bytes, entry: Entry) -> bytes:
        """Return the entry's bytes, which open for this digest alone."""
        written = _Written(entry.version.mark, entry.version.at, entry.fields, entry.body)
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._keys[0].encrypt(nonce, _ENCODER.encode(written), digest)

    def open(self, digest: bytes, sealed: bytes) -> Entry | None:
        """Return the entry; None for whatever was not sealed for this digest by one of the secrets."""
        nonce, hidden = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for key in self._keys:
            try:
                written = _DECODER.decode(key.decrypt(nonce, hidden, digest))
            except (InvalidTag, ValueError, msgspec.MsgspecError):
                continue
            return Entry(Version(written.mark, written.at), written.fields, written.body)
        return None
