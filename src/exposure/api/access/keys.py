"""API keys: how one is written, kept, issued and revoked. Pure; the file they are kept in is `key_file`'s.

A key is `dxp_<id>_<secret>`: the id finds its record, the secret is 256 random bits. Only SHA-256 of the
whole is kept: nobody guesses 256 bits, so no slow hash is needed. By the prefix a scanner finds a leaked one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

PREFIX = "dxp_"
VALID_AT_A_TIME = 2
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,99}")
_KEY = re.compile(r"dxp_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
_HASH = re.compile(r"[0-9a-f]{64}")
_ID_BYTES = 8
_SECRET_BYTES = 32
# What a key of an unknown id is compared with, so that it takes as long as a wrong secret.
_NOBODY = "0" * 64


class WrongKeys(ValueError):
    """The keys file does not hold what it should; its sentence says where, and never a value."""


class TooManyKeys(Exception):
    """The name has as many valid keys as may be; one must be revoked, or expire, before the next."""


class StoredKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of one key. `hash` is SHA-256 of the key's text in hexadecimal digits."""

    id: str
    name: str
    hash: str
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime
    claims: dict[str, tuple[str, ...]] = {}
    revoked: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Return whether the key opens anything at that time."""
        return self.revoked is None and now < self.expires


class StoredKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a keys file holds."""

    keys: tuple[StoredKey, ...] = ()


@dataclass(frozen=True)
class KeyOrder:
    """What a new key shall be: whose, with which scopes and claims, from when until when."""

    name: str
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime
    claims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def digest(text: str) -> str:
    """Return what is kept of a key's text."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def find(keys: Mapping[str, StoredKey], text: str) -> StoredKey | None:
    """Return the record of a key whose secret is right, valid or not; None takes as long as that.

    `keys` are by their ids.
    """
    match = _KEY.fullmatch(text)
    known = keys.get(match[1]) if match else None
    is_right = hmac.compare_digest(known.hash if known else _NOBODY, digest(text))
    return known if is_right else None


def issue(kept: StoredKeys, order: KeyOrder) -> tuple[StoredKeys, str]:
    """Return the keys with a new one, and its text, which is told once; raises TooManyKeys."""
    valid = [key.id for key in kept.keys if key.name == order.name and key.is_valid(order.created)]
    if len(valid) >= VALID_AT_A_TIME:
        raise TooManyKeys(f"'{order.name}' has {len(valid)} valid keys already: {', '.join(valid)}")
    key_id = secrets.token_hex(_ID_BYTES)
    text = f"{PREFIX}{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    new = StoredKey(
        id=key_id,
        name=order.name,
        hash=digest(text),
        scopes=order.scopes,
        created=order.created,
        expires=order.expires,
        claims=dict(order.claims),
    )
    return StoredKeys((*kept.keys, new)), text


def revoke(kept: StoredKeys, key_id: str, now: datetime) -> StoredKeys:
    """Return the keys with that one revoked, if it was not before; raises KeyError when there is none."""
    if all(key.id != key_id for key in kept.keys):
        raise KeyError(key_id)
    return StoredKeys(
        tuple(
            msgspec.structs.replace(key, revoked=key.revoked or now) if key.id == key_id else key
            for key in kept.keys
        )
    )


def read_keys(content: bytes) -> StoredKeys:
    """Return the keys a file holds; raises WrongKeys."""
    try:
        kept = msgspec.json.decode(content, type=StoredKeys)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WrongKeys(f"it is no keys file: {error}") from error
    seen: set[str] = set()
    for key in kept.keys:
        wrong = _wrong(key) or ("is there twice" if key.id in seen else "")
        if wrong:
            raise WrongKeys(f"key {len(seen) + 1} {wrong}")
        seen.add(key.id)
    return kept


def write_keys(kept: StoredKeys) -> bytes:
    """Return what a keys file holds."""
    return msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n"


def _wrong(key: StoredKey) -> str:
    if not _HASH.fullmatch(key.hash):
        return "has a hash that is not 64 hexadecimal digits"
    if key.expires.tzinfo is None or key.created.tzinfo is None:
        return "has a time without an offset"
    return "" if NAME.fullmatch(key.name) else "has no name"
