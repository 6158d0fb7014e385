"""How long an answer may be given: while its version is current, and how much longer while it is not.

`Cache-Control` is RFC 9111's, with RFC 5861's two windows. Ages count from the moment the answer's version
began, so whoever keeps answers behind us cannot add to what is promised.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from exposure.api.cache.versions import Version


@dataclass(frozen=True)
class Windows:
    """The times of one deployment.

    `lifetime` is how long a version may last; nothing where versions say themselves when they end, and then
    others must ask before they give an answer again. `while_revalidating` is how much older an answer may
    be while a new one is fetched behind it, `if_error` while none can be had.
    """

    lifetime: timedelta = timedelta(0)
    while_revalidating: timedelta = timedelta(0)
    if_error: timedelta = timedelta(0)

    def may_be_stale(self, version: Version, now: float) -> bool:
        """Return whether an answer of the version may be given while a new one is fetched."""
        return now - version.at < (self.lifetime + self.while_revalidating).total_seconds()

    def may_stand_in(self, version: Version, now: float) -> bool:
        """Return whether an answer of the version may be given because no new one can be had."""
        return now - version.at < (self.lifetime + self.if_error).total_seconds()

    def kept_seconds(self, version: Version, now: float) -> float:
        """Return for how long an answer of the version is of any use."""
        longest = self.lifetime + max(self.while_revalidating, self.if_error)
        return version.at + longest.total_seconds() - now

    def cache_control(self, *, is_public: bool) -> str:
        """Return the field of an answer that is kept."""
        scope = "public" if is_public else "private"
        if not self.lifetime:
            return f"{scope}, no-cache"
        return (
            f"{scope}, max-age={_seconds(self.lifetime)}, "
            f"stale-while-revalidate={_seconds(self.while_revalidating)}, "
            f"stale-if-error={_seconds(self.if_error)}"
        )


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
