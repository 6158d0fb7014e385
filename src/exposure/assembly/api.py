"""The read API, assembled of what its settings say. Each part imports its own libraries when it is wanted.

Nothing is read from the environment here, and nothing is decided: settings become adapters.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from exposure.assembly.watch import watch_over
from exposure.deferred import deferred
from exposure.settings import ApiSettings, decode_token_key

if TYPE_CHECKING:
    from pydantic import SecretStr
    from redis.asyncio import Redis
    from starlette.types import ASGIApp

    from exposure.api.access.door import Door
    from exposure.api.access.rate_limit import Buckets
    from exposure.api.cache.answers import Cache
    from exposure.api.cache.shared import Shared
    from exposure.contracts.catalog import Catalog
    from exposure.warehouse.limited_reader import ReaderLimits
    from exposure.warehouse.port import Reader
    from exposure.warehouse.replica.source import StoredRows, Warehouse


def read_api(settings: ApiSettings, reader: Warehouse, catalog: Catalog) -> ASGIApp:
    """Return the read API over any warehouse, as the settings say; raises as `api` does."""
    from exposure.api.answer_lines import AnswerLines
    from exposure.api.app import build_api
    from exposure.api.seal import TokenSealer
    from exposure.api.watched import watched_api, watched_reader
    from exposure.warehouse.limited_reader import LimitedReader

    watch = watch_over(settings, "exposure-api", trusts_callers=False)
    limited = watched_reader(LimitedReader(reader, reader_limits(settings)), watch, "bigquery")
    asked = _replicated(settings, limited, reader, catalog)
    sealer = TokenSealer([decode_token_key(key.get_secret_value()) for key in settings.page_token_keys])
    served = build_api(catalog, asked, sealer, door(settings), kept_answers(settings))
    return watched_api(AnswerLines(served, watch.lines(sys.stdout)), watch)


def _replicated(settings: ApiSettings, reader: Reader, source: StoredRows, catalog: Catalog) -> Reader:
    """Return the reader with the replicas of the contracts that declare one in front of it."""
    declared = [contract for contract in catalog if contract.replica is not None]
    if not declared or not settings.replicas:
        return reader
    from exposure.warehouse.replica.follower import Follower
    from exposure.warehouse.replica.limits import ReplicaLimits
    from exposure.warehouse.replica.replica_reader import ReplicaReader

    limits = ReplicaLimits(interval=settings.replica_interval, most_bytes=settings.replica_bytes)
    return ReplicaReader(reader, [Follower(contract, source, limits) for contract in declared])


def kept_answers(settings: ApiSettings) -> Cache | None:
    """Return what answers are kept by; None when every answer is to be made anew."""
    if not settings.cache_lifetime:
        return None
    from exposure.api.cache.answers import Cache
    from exposure.api.cache.shared import NothingShared
    from exposure.api.cache.store import Store
    from exposure.api.cache.versions import TimeSteps
    from exposure.api.cache.windows import Windows

    windows = Windows(
        settings.cache_lifetime, settings.cache_stale_while_revalidate, settings.cache_stale_if_error
    )
    return Cache(
        versions=TimeSteps(settings.cache_lifetime),
        windows=windows,
        store=Store(settings.cache_bytes),
        shared=_redis_entries(settings, settings.redis_url) if settings.redis_url else NothingShared(),
        # The reader ends a question before, and says why.
        patience=settings.query_deadline + timedelta(seconds=2),
    )


def _redis_entries(settings: ApiSettings, url: SecretStr) -> Shared:
    """Return the answers that all instances share."""
    from exposure.api.cache.redis_entries import RedisEntries
    from exposure.api.cache.sealed import EntrySealer

    secrets = [decode_token_key(key.get_secret_value()) for key in settings.page_token_keys]
    return RedisEntries(_redis(settings, url), EntrySealer(secrets))


def _redis(settings: ApiSettings, url: SecretStr) -> Redis:
    """Return a connection of its owner's to the store that all instances share."""
    from exposure.identity.redis_connection import connect_redis

    return connect_redis(
        url.get_secret_value(), by_google_token=settings.redis_iam, authority=settings.redis_authority
    )


def bigquery(settings: ApiSettings) -> Warehouse:
    """Return what asks BigQuery."""
    # BigQuery's client would load them at once: for data frames, and to read large results its own way.
    with deferred("pyarrow", "google.cloud.bigquery_storage_v1"):
        import google.cloud.bigquery  # noqa: F401
    from exposure.warehouse.bigquery_client import bigquery_client, storage_client
    from exposure.warehouse.bigquery_reader import BigQueryReader, BigQueryReaderLimits

    limits = BigQueryReaderLimits(
        deadline=settings.query_deadline,
        max_bytes_billed=settings.max_bytes_billed,
        threads=settings.query_threads,
    )
    client = bigquery_client(
        settings.project,
        settings.location,
        connections=limits.threads + limits.streams,
        endpoint=settings.bigquery_endpoint,
    )
    # An emulator's address is that of its REST server alone.
    storage = None if settings.bigquery_endpoint else storage_client(client)
    return BigQueryReader(client, limits, storage=storage)


def reader_limits(settings: ApiSettings) -> ReaderLimits:
    """Return how much a warehouse is asked: what may be asked at a time may also be asked at once."""
    from exposure.warehouse.bulkhead import BulkheadLimits
    from exposure.warehouse.limited_reader import ReaderLimits

    return ReaderLimits(
        deadline=settings.query_deadline,
        per_second=settings.queries_per_second,
        burst=settings.query_threads,
        bulkhead=BulkheadLimits(concurrency=settings.query_threads),
    )


def door(settings: ApiSettings) -> Door:
    """Return how callers of the API are known, and how often they may come."""
    from exposure.api.access.budget import ByteBudget
    from exposure.api.access.door import Door
    from exposure.api.access.key_file import KeyFile
    from exposure.api.access.rate_limit import Limits, Quota

    tokens = None
    if settings.token_audience is not None:
        from exposure.api.access.tokens import TokenCallers
        from exposure.identity.claims import ClaimsVerifier, Signer

        signer = Signer(
            settings.token_issuers,
            settings.token_audience,
            settings.token_keys_url,
            settings.token_algorithms,
        )
        tokens = TokenCallers(ClaimsVerifier(signer))
    buckets = _buckets(settings)
    return Door(
        keys=KeyFile(settings.keys_file) if settings.keys_file is not None else None,
        tokens=tokens,
        limits=Limits(
            buckets,
            address=Quota("address", settings.address_requests) if settings.address_requests else None,
            caller=Quota("caller", settings.caller_requests) if settings.caller_requests else None,
        ),
        budget=ByteBudget(settings.caller_daily_bytes, buckets) if settings.caller_daily_bytes else None,
        trusted_proxies=settings.trusted_proxies,
        origins=settings.cors_origins,
    )


def _buckets(settings: ApiSettings) -> Buckets:
    """Return where requests are counted: in this process, or where all processes count."""
    from exposure.api.access.rate_limit import FallbackBuckets, LocalBuckets

    if settings.redis_url is None:
        return LocalBuckets()
    from exposure.api.access.redis_buckets import RedisBuckets

    return FallbackBuckets(RedisBuckets(_redis(settings, settings.redis_url)), LocalBuckets())
