"""What kept answers and replicas may take of the freshness that contracts promise. Reads no settings."""

from __future__ import annotations

from datetime import timedelta

from exposure.contracts.catalog import CATALOG, Catalog

# What a row has of its contract's freshness to be stored in; what is left is the cache's.
INGEST_ALLOWANCE = timedelta(seconds=10)
# After so many intervals without a reading a replica answers nothing.
_REPLICA_READINGS = 3


def check_cache_times(
    lifetime: timedelta, stale_while_revalidate: timedelta, stale_if_error: timedelta
) -> None:
    """Raise ValueError, with the value to lower, when a kept answer may be older than a contract promises."""
    promised = min(CATALOG, key=lambda contract: contract.service_level.freshness)
    most = promised.service_level.freshness - INGEST_ALLOWANCE
    stale = {"cache_stale_while_revalidate": stale_while_revalidate, "cache_stale_if_error": stale_if_error}
    # Where nothing is kept, nothing is stale.
    for name, value in {"cache_lifetime": lifetime, **(stale if lifetime else {})}.items():
        taken = timedelta(0) if name == "cache_lifetime" else lifetime
        if value > most - taken:
            raise ValueError(
                f"{name} of {value.total_seconds():g} s is too long: '{promised.name}' promises rows within "
                f"{promised.service_level.freshness.total_seconds():g} s, of which storing takes "
                f"{INGEST_ALLOWANCE.total_seconds():g} s and cache_lifetime {taken.total_seconds():g} s; "
                f"{(most - taken).total_seconds():g} s are left"
            )


def longest_kept(
    lifetime: timedelta, stale_while_revalidate: timedelta, stale_if_error: timedelta
) -> timedelta:
    """Return how old an answer may become that is given again."""
    return lifetime + max(stale_while_revalidate, stale_if_error) if lifetime else timedelta(0)


def check_replica_interval(catalog: Catalog, interval: timedelta, kept: timedelta) -> None:
    """Raise ValueError when rows of a replica may be older than promised, in answers kept for so long."""
    for contract in catalog:
        promised, oldest = contract.service_level.freshness, _REPLICA_READINGS * interval
        if contract.replica is not None and INGEST_ALLOWANCE + kept + oldest > promised:
            raise ValueError(
                f"replica_interval of {interval.total_seconds():g} s is too long: '{contract.name}' promises "
                f"rows within {promised.total_seconds():g} s, of which storing takes "
                f"{INGEST_ALLOWANCE.total_seconds():g} s, kept answers {kept.total_seconds():g} s and a "
                f"replica {_REPLICA_READINGS} intervals; lower it, or cache_stale_while_revalidate and "
                "cache_stale_if_error"
            )
