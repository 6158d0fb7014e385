"""How long the read API gives its answers again, and the memory they take: a part of a stack's settings.

Its names are those of the API's own settings, so that a sentence about one names the other; null leaves the
API's default. What instances share is `cache`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from exposure.contracts.catalog import CATALOG
from exposure.freshness import check_cache_times, check_replica_interval, longest_kept
from exposure.settings import ApiSettings

Seconds = Annotated[int, Field(ge=0)] | None
_BYTES = "cache_bytes"


class KeptAnswersSettings(BaseModel):
    """The API's cache; together with a replica's readings it keeps what contracts promise, or is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cache_lifetime_seconds: Seconds
    cache_stale_while_revalidate_seconds: Seconds
    cache_stale_if_error_seconds: Seconds
    cache_bytes: Annotated[int, Field(ge=2**20)] | None

    @property
    def bytes(self) -> int:
        """Return the memory of an instance that kept answers may take."""
        return int(_default(_BYTES)) if self.cache_bytes is None else self.cache_bytes

    @property
    def environment(self) -> dict[str, str]:
        """Return what the API is told that differs from its defaults."""
        told = {name: f"PT{seconds}S" for name, seconds in self._seconds().items() if seconds is not None}
        return told if self.cache_bytes is None else {**told, _BYTES: str(self.cache_bytes)}

    @model_validator(mode="after")
    def _keep_promises(self) -> Self:
        lifetime, while_revalidating, if_error = (
            _default(name) if seconds is None else timedelta(seconds=seconds)
            for name, seconds in self._seconds().items()
        )
        check_cache_times(lifetime, while_revalidating, if_error)
        kept = longest_kept(lifetime, while_revalidating, if_error)
        check_replica_interval(CATALOG, _default("replica_interval"), kept)
        return self

    def _seconds(self) -> dict[str, int | None]:
        return {
            "cache_lifetime": self.cache_lifetime_seconds,
            "cache_stale_while_revalidate": self.cache_stale_while_revalidate_seconds,
            "cache_stale_if_error": self.cache_stale_if_error_seconds,
        }


def _default(name: str) -> Any:
    return ApiSettings.model_fields[name].default
