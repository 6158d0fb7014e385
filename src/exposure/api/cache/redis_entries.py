"""Entries in Redis or Valkey, which every instance that has its address shares.

No request waits for a connection to be made, and none waits long for an answer: a store that does not answer
is left alone, and asked beside the requests whether it is there again.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from exposure.api.cache.entry import Entry
from exposure.api.cache.sealed import EntrySealer

_LOG = logging.getLogger(__name__)
_PREFIX = b"exposure:answer:"
_ANSWER_SECONDS = 0.05
_SECONDS_BETWEEN_LOOKS = 2.0
_LARGEST_BYTES = 1024 * 1024


class RedisEntries:
    """The answers of all instances. Is a Shared. Closes the connection it is given."""

    def __init__(
        self, redis: Redis, sealer: EntrySealer, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._redis = redis
        self._sealer = sealer
        self._clock = clock
        self._is_there = False
        self._looking: asyncio.Task[None] | None = None
        self._look_at = -math.inf
        self._put_at = -math.inf

    async def get(self, digest: bytes) -> Entry | None:
        """Return what is kept for the question, None when there is nothing or it cannot be told in time."""
        if not self._is_ready():
            return None
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                sealed = await self._redis.get(_PREFIX + digest)
        except ResponseError:
            # Something else is under this key; the others may be right.
            return None
        except (RedisError, OSError) as error:
            self._leave(error)
            return None
        return self._sealer.open(digest, sealed) if isinstance(sealed, bytes) else None

    async def put(self, digest: bytes, entry: Entry, seconds: float) -> None:
        """Keep the entry for so long, if that can be done."""
        too_much = entry.size > _LARGEST_BYTES or seconds <= 0
        if too_much or self._clock() < self._put_at or not self._is_ready():
            return
        try:
            await self._redis.set(
                _PREFIX + digest, self._sealer.seal(digest, entry), px=math.ceil(seconds * 1000)
            )
        except ResponseError as error:
            # It is full, or lets nobody write: what is there can still be read.
            _LOG.warning("answers are not shared for now: %s", type(error).__name__)
            self._put_at = self._clock() + _SECONDS_BETWEEN_LOOKS
        except (RedisError, OSError) as error:
            self._leave(error)

    async def close(self) -> None:
        """Close the connections."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self._redis.aclose()

    def _is_ready(self) -> bool:
        """Return whether the store answers, as far as is known; begin to look when it is time."""
        if not self._is_there and self._looking is None and self._clock() >= self._look_at:
            self._looking = asyncio.ensure_future(self._look())
        return self._is_there

    async def _look(self) -> None:
        try:
            await self._redis.ping()
            self._is_there = True
        except (RedisError, OSError) as error:
            self._leave(error)
        finally:
            self._looking = None

    def _leave(self, error: Exception) -> None:
        _LOG.warning("answers are kept in this process alone: %s", type(error).__name__)
        self._is_there, self._look_at = False, self._clock() + _SECONDS_BETWEEN_LOOKS
