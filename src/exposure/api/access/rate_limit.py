"""How often somebody may ask: token buckets, and the header fields that tell a client where it stands.

A bucket holds a window's quota and fills evenly. It is kept as one number, the time at which it will be full
again (the generic cell rate algorithm), so that a store shared by many processes needs one number too.
Header fields: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/11/.
"""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

_LOG = logging.getLogger(__name__)
# About 10 MB at most; whoever is forgotten begins with a full bucket.
_KEPT_BUCKETS = 50_000
_SECONDS_WITHOUT_STORE = 5.0
_ROUNDING = 0.001


class StoreUnavailable(Exception):
    """The store that processes share does not answer."""


@dataclass(frozen=True)
class Quota:
    """How many requests one subject may make in a window. `name` tells it from other quotas."""

    name: str
    requests: int
    window_seconds: int = 60

    @property
    def interval(self) -> float:
        """Return the seconds in which one request is earned."""
        return self.window_seconds / self.requests


@dataclass(frozen=True)
class Standing:
    """Where somebody stands: requests left and, when this one was one too many, seconds until the next."""

    quota: Quota
    remaining: int
    wait_seconds: float = 0.0

    @property
    def is_refused(self) -> bool:
        """Return whether the request was one too many."""
        return self.wait_seconds > 0

    @property
    def window(self) -> int:
        """Return the seconds over which the requests left are to be spread so that none is refused."""
        spread = max(self.remaining, 1) * self.quota.interval
        return math.ceil(self.wait_seconds if self.is_refused else spread)


def standing_of(quota: Quota, fill_seconds: float) -> Standing:
    """Return where one stands whose bucket, this request taken, would be full in so many seconds."""
    left = (quota.window_seconds - fill_seconds) / quota.interval
    # The last of a quota must not fail by a rounding.
    if left > -_ROUNDING:
        return Standing(quota, int(left + _ROUNDING))
    return Standing(quota, 0, fill_seconds - quota.window_seconds)


class Buckets(Protocol):
    """Takes one request out of somebody's bucket."""

    async def take(self, quota: Quota, subject: str) -> Standing:
        """Return where the subject stands afterwards; raises StoreUnavailable."""

    async def close(self) -> None:
        """Release what is held."""


class LocalBuckets:
    """The buckets of this process. `clock` returns seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def take(self, quota: Quota, subject: str) -> Standing:
        """Return where the subject stands afterwards."""
        key, now = (quota.name, subject), self._clock()
        full_at = max(self._full_at.get(key, now), now) + quota.interval
        standing = standing_of(quota, full_at - now)
        if not standing.is_refused:
            self._full_at[key] = full_at
            self._full_at.move_to_end(key)
        if len(self._full_at) > _KEPT_BUCKETS:
            self._full_at.popitem(last=False)
        return standing

    async def close(self) -> None:
        """Hold nothing."""


class FallbackBuckets:
    """Buckets that processes share, and this process' own for as long as the shared ones do not answer."""

    def __init__(self, shared: Buckets, local: Buckets, clock: Callable[[], float] = time.monotonic) -> None:
        self._shared = shared
        self._local = local
        self._clock = clock
        self._shared_again = -math.inf

    async def take(self, quota: Quota, subject: str) -> Standing:
        """Return where the subject stands afterwards."""
        # A store that is down is asked now and then, not by every request.
        if self._clock() >= self._shared_again:
            try:
                return await self._shared.take(quota, subject)
            except StoreUnavailable as error:
                _LOG.warning("requests are counted in this process alone: %s", error)
                self._shared_again = self._clock() + _SECONDS_WITHOUT_STORE
        return await self._local.take(quota, subject)

    async def close(self) -> None:
        """Close both."""
        await self._shared.close()
        await self._local.close()


@dataclass(frozen=True)
class Limits:
    """How often one address, and one known caller, may ask, whatever they ask; None is any number."""

    buckets: Buckets
    address: Quota | None
    caller: Quota | None

    async def take(self, address: str, subject: str) -> list[Standing]:
        """Count a request; return where its address and its caller, "" for nobody known, stand."""
        standings: list[Standing] = []
        for quota, counted in ((self.address, address), (self.caller, subject)):
            # What the address is refused costs the caller nothing.
            if quota is not None and counted and not any(one.is_refused for one in standings):
                standings.append(await self.buckets.take(quota, counted))
        return standings


def limit_fields(standings: Sequence[Standing]) -> dict[str, str]:
    """Return the fields `RateLimit-Policy` and `RateLimit`, and `Retry-After` when the request is refused."""
    if not standings:
        return {}
    policy = ", ".join(
        f'"{one.quota.name}";q={one.quota.requests};w={one.quota.window_seconds}' for one in standings
    )
    limit = ", ".join(f'"{one.quota.name}";r={one.remaining};t={one.window}' for one in standings)
    fields = {"RateLimit-Policy": policy, "RateLimit": limit}
    waits = [one.window for one in standings if one.is_refused]
    return fields | ({"Retry-After": str(max(waits))} if waits else {})
