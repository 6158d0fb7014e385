"""The services as the cloud starts them: settings become adapters, adapters become applications.

`uvicorn --factory exposure.entrypoints:api` and `…:ingest`; `exposure ingest --pull` runs `pull`. Each
imports its own libraries only, so that none carries another's start-up time or dependencies. Ingest is given
6 s to answer the requests in flight (`--timeout-graceful-shutdown 6`); with the 2 s it takes to close it ends
within 8 s of SIGTERM. The embedded platform assembles itself.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from exposure.contracts.catalog import CATALOG
from exposure.deferred import deferred
from exposure.settings import ApiSettings, IngestSettings, PullSettings, WriterSettings, decode_token_key
from exposure.telemetry.lines import Lines, log_as_lines

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from exposure.api.access.door import Door
    from exposure.api.access.rate_limit import Buckets
    from exposure.ingest.pipeline import Pipeline
    from exposure.ingest.pull.worker import PullWorker
    from exposure.warehouse.bigquery_writer import BigQueryWriter


def api() -> ASGIApp:
    """Return the read API over BigQuery.

    Raises pydantic's ValidationError, which names a missing setting, and WrongKeys or OSError, which name
    the keys file.
    """
    # BigQuery's client loads it to make data frames, which takes longer than all else at the start.
    with deferred("pyarrow"):
        import google.cloud.bigquery  # noqa: F401
    from exposure.api.answer_lines import AnswerLines
    from exposure.api.app import build_api
    from exposure.api.seal import TokenSealer
    from exposure.warehouse.bigquery_client import bigquery_client, storage_client
    from exposure.warehouse.bigquery_reader import BigQueryReader, BigQueryReaderLimits

    log_as_lines()
    settings = ApiSettings()
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
    sealer = TokenSealer([decode_token_key(key.get_secret_value()) for key in settings.page_token_keys])
    # An emulator's address is that of its REST server alone.
    storage = None if settings.bigquery_endpoint else storage_client(client)
    reader = BigQueryReader(client, limits, storage=storage)
    return AnswerLines(build_api(CATALOG, reader, sealer, _door(settings)), Lines(sys.stdout))


def _door(settings: ApiSettings) -> Door:
    """Return how callers of the API are known, and how often they may come."""
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
    return Door(
        keys=KeyFile(settings.keys_file) if settings.keys_file is not None else None,
        tokens=tokens,
        limits=Limits(
            _buckets(settings),
            address=Quota("address", settings.address_requests) if settings.address_requests else None,
            caller=Quota("caller", settings.caller_requests) if settings.caller_requests else None,
        ),
        trusted_proxies=settings.trusted_proxies,
        origins=settings.cors_origins,
    )


def _buckets(settings: ApiSettings) -> Buckets:
    """Return where requests are counted: in this process, or where all processes count."""
    from exposure.api.access.rate_limit import FallbackBuckets, LocalBuckets

    if settings.redis_url is None:
        return LocalBuckets()
    from exposure.api.access.redis_buckets import RedisBuckets
    from exposure.identity.redis_connection import connect_redis

    redis = connect_redis(
        settings.redis_url.get_secret_value(),
        by_google_token=settings.redis_iam,
        authority=settings.redis_authority,
    )
    return FallbackBuckets(RedisBuckets(redis), LocalBuckets())


def ingest() -> ASGIApp:
    """Return the subscriber that is pushed to; pydantic's ValidationError names a missing setting."""
    from exposure.ingest.app import PushApp
    from exposure.ingest.token import PushIdentity, TokenVerifier

    log_as_lines()
    settings = IngestSettings()
    writer, pipelines = _road(settings)
    verifier = TokenVerifier(
        PushIdentity(settings.push_account, settings.push_audience, settings.certificates_url)
    )
    return PushApp(pipelines, verifier, writer)


def pull() -> PullWorker:
    """Return the subscriber that pulls, not yet running; call it on its event loop.

    pydantic's ValidationError names a missing setting.
    """
    from exposure.ingest.pull.stream import PullLimits
    from exposure.ingest.pull.worker import PullWorker

    log_as_lines()
    settings = PullSettings()
    writer, pipelines = _road(settings)
    subscriptions = {
        f"projects/{settings.project}/subscriptions/{CATALOG.get(name).subscription}": pipeline
        for name, pipeline in pipelines.items()
    }
    limits = PullLimits(held_messages=settings.held_messages)
    return PullWorker(subscriptions, writer, settings.pubsub_endpoint, limits)


def _road(settings: WriterSettings) -> tuple[BigQueryWriter, dict[str, Pipeline]]:
    """Return the writer and one pipeline per contract in front of it."""
    from exposure.ingest.batch import BatchLimits, Room
    from exposure.ingest.pipeline import Guards, Pipeline, Shared
    from exposure.ingest.rejection_breaker import RejectionLimits
    from exposure.warehouse.bigquery_writer import BigQueryWriter
    from exposure.warehouse.schema import quarantine_table, rows_table
    from exposure.warehouse.write_limits import WriteLimits

    writer = BigQueryWriter(
        settings.project,
        [table(contract) for contract in CATALOG for table in (rows_table, quarantine_table)],
        endpoint=settings.storage_write_endpoint,
        limits=WriteLimits(in_flight=settings.appends_in_flight),
    )
    limits = BatchLimits(rows=settings.batch_rows, in_flight=settings.appends_in_flight)
    shared = Shared(Room(limits.held_rows, limits.held_bytes), Lines(sys.stdout))
    guards = Guards(RejectionLimits(share=settings.rejected_share))
    return writer, {
        contract.name: Pipeline(contract, writer, limits, shared=shared, guards=guards)
        for contract in CATALOG
    }
