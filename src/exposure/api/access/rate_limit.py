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
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple, Protocol, TypeVar

T = TypeVar("T")
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

    @cached_property
    def interval(self) -> float:
        """Return the seconds in which one request is earned."""
        return self.window_seconds / self.requests


class Standing(NamedTuple):
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
        # Said of every answer from the cache.
        return math.ceil(self.wait_seconds or (self.remaining or 1) * self.quota.interval)


def standing_of(quota: Quota, fill_seconds: float) -> Standing:
    """Return where one stands whose bucket, this request taken, would be full in so many seconds."""
    left = (quota.window_seconds - fill_seconds) / quota.interval
    # The last of a quota must not fail by a rounding.
    if left > -_ROUNDING:
        return Standing(quota, int(left + _ROUNDING))
    return Standing(quota, 0, fill_seconds - quota.window_seconds)


# Counts a request at once and returns where its address and caller stand. It returns None, and has counted
# nothing, when one of them would be refused.
Turn = Callable[[], "list[Standing] | None"]


class Buckets(Protocol):
    """Takes one request out of somebody's bucket, and counts what is spent from a purse."""

    def turn(self, counted: Sequence[tuple[Quota, str]]) -> Turn | None:
        """Return what takes one out of each subject's bucket at once; None where somebody has to be asked."""

    async def take(self, quota: Quota, subject: str) -> Standing:
        """Return where the subject stands afterwards; raises StoreUnavailable."""

    async def spend(self, purse: str, amount: int, kept_seconds: int) -> int:
        """Return what was spent from the purse, with this amount; raises StoreUnavailable.

        A purse is forgotten when nothing was spent from it for `kept_seconds`.
        """

    async def close(self) -> None:
        """Release what is held."""


class LocalBuckets:
    """The buckets of this process. `clock` returns seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._spent: OrderedDict[str, int] = OrderedDict()

    async def take(self, quota: Quota, subject: str) -> Standing:
        """Return where the subject stands afterwards."""
        now = self._clock()
        full_at = self._next_full_at(quota, subject, now)
        standing = standing_of(quota, full_at - now)
        if not standing.is_refused:
            self._fill(quota, subject, full_at)
        return standing

    def turn(self, counted: Sequence[tuple[Quota, str]]) -> Turn | None:
        """Return what takes one out of each bucket."""
        return partial(self._take_all, counted)

    def _take_all(self, counted: Sequence[tuple[Quota, str]]) -> list[Standing] | None:
        now, standings, filled = self._clock(), [], []
        for quota, subject in counted:
            full_at = self._next_full_at(quota, subject, now)
            standing = standing_of(quota, full_at - now)
            if standing.wait_seconds:
                return None
            standings.append(standing)
            filled.append((quota, subject, full_at))
        for taken in filled:
            self._fill(*taken)
        return standings

    def _next_full_at(self, quota: Quota, subject: str, now: float) -> float:
        full_at = self._full_at.get((quota.name, subject), now)
        return (full_at if full_at > now else now) + quota.interval

    def _fill(self, quota: Quota, subject: str, full_at: float) -> None:
        key = quota.name, subject
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > _KEPT_BUCKETS:
            self._full_at.popitem(last=False)

    async def spend(self, purse: str, amount: int, kept_seconds: int) -> int:
        """Return what was spent; of all purses those spent from longest ago are forgotten first."""
        spent = self._spent.get(purse, 0) + amount
        if amount:
            self._spent[purse] = spent
            self._spent.move_to_end(purse)
        if len(self._spent) > _KEPT_BUCKETS:
            self._spent.popitem(last=False)
        return spent

    async def close(self) -> None:
        """Hold nothing."""


class FallbackBuckets:
    """Buckets that processes share, and this process' own for as long as the shared ones do not answer."""

    def __init__(self, shared: Buckets, local: Buckets, clock: Callable[[], float] = time.monotonic) -> None:
        self._shared = shared
        self._local = local
        self._clock = clock
        self._shared_again = -math.inf

    def turn(self, counted: Sequence[tuple[Quota, str]]) -> Turn | None:
        """Return None: those that are shared are asked first."""
        del counted
        return None

    async def take(self, quota: Quota, subject: str) -> Standing:
        """Return where the subject stands afterwards."""
        return await self._of_either(lambda buckets: buckets.take(quota, subject))

    async def spend(self, purse: str, amount: int, kept_seconds: int) -> int:
        """Return what was spent, as far as whoever answers knows."""
        return await self._of_either(lambda buckets: buckets.spend(purse, amount, kept_seconds))

    async def close(self) -> None:
        """Close both."""
        await self._shared.close()
        await self._local.close()

    async def _of_either(self, count: Callable[[Buckets], Awaitable[T]]) -> T:
        # A store that is down is asked now and then, not by every request.
        if self._clock() >= self._shared_again:
            try:
                return await count(self._shared)
            except StoreUnavailable as error:
                _LOG.warning("requests are counted in this process alone: %s", error)
                self._shared_again = self._clock() + _SECONDS_WITHOUT_STORE
        return await count(self._local)


@dataclass(frozen=True)
class Limits:
    """How often one address, and one known caller, may ask, whatever they ask; None is any number."""

    buckets: Buckets
    address: Quota | None
    caller: Quota | None

    async def take(self, address: str, subject: str) -> list[Standing]:
        """Count a request; return where its address and its caller, "" for nobody known, stand."""
        standings: list[Standing] = []
        for quota, counted in self._counted(address, subject):
            standing = await self.buckets.take(quota, counted)
            standings.append(standing)
            if standing.is_refused:
                # What the address is refused costs the caller nothing.
                break
        return standings

    def turn(self, address: str, subject: str) -> Turn | None:
        """Return what counts such a request at once: see `Buckets.turn`."""
        return self.buckets.turn(self._counted(address, subject))

    def _counted(self, address: str, subject: str) -> list[tuple[Quota, str]]:
        asked = ((self.address, address), (self.caller, subject))
        return [(quota, counted) for quota, counted in asked if quota is not None and counted]


def limit_fields(standings: Sequence[Standing]) -> dict[str, str]:
    """Return the fields `RateLimit-Policy` and `RateLimit`, and `Retry-After` when the request is refused."""
    if not standings:
        return {}
    policy = ", ".join(
        f'"{one.quota.name}";q={one.quota.requests};w={one.quota.window_seconds}' for one in standings
    )
    fields = {"RateLimit-Policy": policy, "RateLimit": limit_field(standings)}
    waits = [one.window for one in standings if one.is_refused]
    return fields | ({"Retry-After": str(max(waits))} if waits else {})


def limit_field(standings: Sequence[Standing]) -> str:
    """Return the field `RateLimit` alone, the only one that differs from answer to answer."""
    # A list, not a generator: this is written for every answer from the cache.
    return ", ".join([f'"{one.quota.name}";r={one.remaining};t={one.window}' for one in standings])
