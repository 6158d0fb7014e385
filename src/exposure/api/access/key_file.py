"""The API keys of a file somebody else writes, such as a mounted secret; read again as it changes.

The content is compared, not the file's time: a mounted secret may change without one. While the file cannot
be read or is wrong, the keys known before stay in force, and the log says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from exposure.api.access.caller import Caller, Known, Unauthenticated
from exposure.api.access.keys import StoredKey, WrongKeys, find, read_keys
from exposure.clock import now
from exposure.contracts.access import Credential

_LOG = logging.getLogger(__name__)
SECONDS_BETWEEN_LOOKS = 5.0
_MOST_BYTES = 2**20


class KeyFile:
    """Knows callers by their API keys; made of a file that is not right, it raises WrongKeys or OSError."""

    def __init__(self, path: Path, clock: Callable[[], datetime] = now) -> None:
        self._path = path
        self._clock = clock
        self._content = _read(path)
        self._keys = _parse(path, self._content)
        self._looked = clock()
        self._looking = False

    async def known(self, credential: str) -> Known:
        """Return whose key it is, as long as it is valid and not due to be looked for again.

        Raises Unauthenticated.
        """
        await self._look()
        keys = self._keys
        key = find(keys, credential)
        if key is None:
            raise Unauthenticated("the API key is not valid")
        # Only who has the secret is told why.
        if key.revoked is not None:
            raise Unauthenticated("the API key has been revoked")
        if not key.is_valid(self._clock()):
            raise Unauthenticated("the API key has expired")

        def holds() -> bool:
            now = self._clock()
            is_fresh = (now - self._looked).total_seconds() < SECONDS_BETWEEN_LOOKS
            return is_fresh and self._keys is keys and key.is_valid(now)

        return Known(_caller(key), holds)

    async def close(self) -> None:
        """Hold nothing."""

    async def _look(self) -> None:
        """Read the file again when it is time; those who come meanwhile go on with what is known."""
        if self._looking or (self._clock() - self._looked).total_seconds() < SECONDS_BETWEEN_LOOKS:
            return
        self._looking = True
        try:
            # A mounted secret is fetched over the network: not in the event loop.
            content = await asyncio.to_thread(_read, self._path)
            if content != self._content:
                self._keys, self._content = _parse(self._path, content), content
                _LOG.info("the keys file was read again: %d keys", len(self._keys))
        except (OSError, WrongKeys) as error:
            _LOG.error("the keys known before stay in force: %s", error)
        finally:
            self._looked, self._looking = self._clock(), False


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST_BYTES + 1)


def _parse(path: Path, content: bytes) -> Mapping[str, StoredKey]:
    if len(content) > _MOST_BYTES:
        raise WrongKeys(f"{path}: more than {_MOST_BYTES} bytes are no keys file")
    try:
        return {key.id: key for key in read_keys(content).keys}
    except WrongKeys as error:
        raise WrongKeys(f"{path}: {error}") from error


def _caller(key: StoredKey) -> Caller:
    # Two keys of one name are one caller: a new key in the place of an old one changes nothing.
    claims = tuple(sorted(key.claims.items()))
    return Caller(f"key:{key.name}", Credential.KEY, frozenset(key.scopes), claims)
