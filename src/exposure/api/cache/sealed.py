"""Entries as bytes that leave the process: nobody without the key can read one, change it, or make one.

Bound to the question's digest: what was written for another question, by another release or by
somebody else does not open. The key is derived, so that what seals page tokens seals nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from exposure.api.cache.entry import Entry
from exposure.api.cache.versions import Version
from exposure.api.key_ring import KeyRing

_PURPOSE = b"exposure kept answers 1\0"


class _Written(msgspec.Struct, array_like=True):
    mark: str
    at: float
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes


_ENCODER, _DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(_Written)


class EntrySealer:
    """Seals with the first of the secrets and opens with any, so that they can be replaced one by one."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._keys = KeyRing([hashlib.sha256(_PURPOSE + secret).digest() for secret in secrets])

    def seal(self, digest: bytes, entry: Entry) -> bytes:
        """Return the entry's bytes, which open for this digest alone."""
        written = _Written(entry.version.mark, entry.version.at, entry.fields, entry.body)
        return self._keys.seal(_ENCODER.encode(written), digest)

    def open(self, digest: bytes, sealed: bytes) -> Entry | None:
        """Return the entry; None for whatever was not sealed for this digest by one of the secrets."""
        content = self._keys.open(sealed, digest)
        if content is None:
            return None
        try:
            written = _DECODER.decode(content)
        except msgspec.MsgspecError:
            return None
        return Entry(Version(written.mark, written.at), written.fields, written.body)
