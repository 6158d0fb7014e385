"""Token buckets in Redis or Valkey, which every process that has its address shares.

One script takes a request, on the store's own clock: no two processes can spend the same one. What is kept is
the time, in seconds since the epoch, at which the bucket is full again, for as long as it is not.
"""

from __future__ import annotations

from collections.abc import Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from exposure.api.access.rate_limit import Quota, Standing, StoreUnavailable, Turn, standing_of

_PREFIX, _SPENT_PREFIX = "exposure:rate:", "exposure:spent:"
# ARGV: the seconds in which a request is earned, the seconds of a window. Numbers are written as text because
# the store cuts a script's numbers to integers.
_TAKE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local full = tonumber(redis.call('GET', KEYS[1]) or now)
if full < now then full = now end
full = full + tonumber(ARGV[1])
if full - now <= tonumber(ARGV[2]) + tonumber(ARGV[1]) / 1000 then
  redis.call('SET', KEYS[1], string.format('%.6f', full), 'PX', math.ceil((full - now) * 1000))
end
return string.format('%.6f', full - now)
"""


class RedisBuckets:
    """The buckets of all processes. Closes the connection it is given."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._take = redis.register_script(_TAKE)

    def turn(self, counted: Sequence[tuple[Quota, str]]) -> Turn | None:
        """Return None: the store has to be asked."""
        del counted
        return None

    async def take(self, quota: Quota, subject: str) -> Standing:
        """Return where the subject stands afterwards; raises StoreUnavailable."""
        key = f"{_PREFIX}{quota.name}:{subject}"
        try:
            fill_seconds = await self._take(keys=[key], args=[quota.interval, quota.window_seconds])
        except (RedisError, OSError) as error:
            raise StoreUnavailable(type(error).__name__) from error
        return standing_of(quota, float(fill_seconds))

    async def spend(self, purse: str, amount: int, kept_seconds: int) -> int:
        """Return what was spent from the purse by all processes; raises StoreUnavailable."""
        key = f"{_SPENT_PREFIX}{purse}"
        try:
            if not amount:
                return int(await self._redis.get(key) or 0)
            async with self._redis.pipeline(transaction=True) as both:
                both.incrby(key, amount)
                both.expire(key, kept_seconds)
                spent, _ = await both.execute()
        except (RedisError, OSError) as error:
            raise StoreUnavailable(type(error).__name__) from error
        return int(spent)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
