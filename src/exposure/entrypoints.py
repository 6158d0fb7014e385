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
from exposure.settings import (
    GOOGLE_TRACES,
    ApiSettings,
    IngestSettings,
    PullSettings,
    WriterSettings,
    decode_token_key,
)
from exposure.telemetry.counts import Counts
from exposure.telemetry.lines import log_as_lines
from exposure.telemetry.watch import Watch

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from exposure.api.access.door import Door
    from exposure.api.access.rate_limit import Buckets
    from exposure.ingest.pipeline import Pipeline
    from exposure.ingest.pull.worker import PullWorker
    from exposure.ingest.watched import WatchedRoad
    from exposure.warehouse.port import Writer

# https://cloud.google.com/stackdriver/docs/reference/telemetry/overview
_GOOGLE_TRACES_URL = "https://telemetry.googleapis.com/v1/traces"


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
    from exposure.api.watched import watched_api, watched_reader
    from exposure.warehouse.bigquery_client import bigquery_client, storage_client
    from exposure.warehouse.bigquery_reader import BigQueryReader, BigQueryReaderLimits

    settings = ApiSettings()
    log_as_lines(settings.project)
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
    watch = _watch(settings, "exposure-api", trusts_callers=False)
    reader = watched_reader(BigQueryReader(client, limits, storage=storage), watch, "bigquery")
    served = build_api(CATALOG, reader, sealer, _door(settings))
    return watched_api(AnswerLines(served, watch.lines(sys.stdout)), watch)


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
    from exposure.ingest.garbage import spare_what_stands
    from exposure.ingest.token import PushIdentity, TokenVerifier
    from exposure.ingest.watched import WatchedRoad

    settings = IngestSettings()
    log_as_lines(settings.project)
    watch = _watch(settings, "exposure-ingest", trusts_callers=True)
    road = WatchedRoad(watch, "bigquery")
    writer, pipelines = _road(settings, watch, road)
    verifier = TokenVerifier(
        PushIdentity(settings.push_account, settings.push_audience, settings.certificates_url)
    )
    app = road.app(PushApp(pipelines, verifier, writer))
    spare_what_stands()
    return app


def pull() -> PullWorker:
    """Return the subscriber that pulls, not yet running; call it on its event loop.

    pydantic's ValidationError names a missing setting.
    """
    from exposure.ingest.garbage import spare_what_stands
    from exposure.ingest.pull.stream import PullLimits
    from exposure.ingest.pull.worker import PullWorker
    from exposure.ingest.watched import WatchedRoad

    settings = PullSettings()
    log_as_lines(settings.project)
    watch = _watch(settings, "exposure-ingest", trusts_callers=True)
    writer, pipelines = _road(settings, watch, WatchedRoad(watch, "bigquery"))
    subscriptions = {
        f"projects/{settings.project}/subscriptions/{CATALOG.get(name).subscription}": pipeline
        for name, pipeline in pipelines.items()
    }
    limits = PullLimits(held_messages=settings.held_messages)
    worker = PullWorker(subscriptions, writer, settings.pubsub_endpoint, limits)
    spare_what_stands()
    return worker


def _watch(settings: ApiSettings | WriterSettings, service: str, *, trusts_callers: bool) -> Watch:
    """Return what is told of the service."""
    names = [contract.name for contract in CATALOG]
    counts = Counts() if settings.metrics else None
    if settings.traces is None:
        return Watch(names, settings.project, counts=counts)
    from exposure.telemetry.traces import Traces, TraceTarget

    is_google, session = settings.traces == GOOGLE_TRACES, None
    if is_google:
        from exposure.identity.google_session import google_session

        session = google_session()
    target = TraceTarget(
        service=service,
        url=_GOOGLE_TRACES_URL if is_google else settings.traces,
        ratio=settings.trace_ratio,
        trusts_callers=trusts_callers,
        project=settings.project,
        flush=settings.trace_flush,
        session=session,
    )
    return Watch(names, settings.project, counts=counts, traces=Traces(target))


def _road(settings: WriterSettings, watch: Watch, road: WatchedRoad) -> tuple[Writer, dict[str, Pipeline]]:
    """Return the writer and one pipeline per contract in front of it."""
    from exposure.ingest.batch import BatchLimits, Room
    from exposure.ingest.pipeline import Guards, Pipeline, Shared
    from exposure.ingest.rejection_breaker import RejectionLimits
    from exposure.warehouse.bigquery_writer import BigQueryWriter
    from exposure.warehouse.schema import quarantine_table, rows_table
    from exposure.warehouse.write_limits import WriteLimits

    writer = road.writer(
        BigQueryWriter(
            settings.project,
            [table(contract) for contract in CATALOG for table in (rows_table, quarantine_table)],
            endpoint=settings.storage_write_endpoint,
            limits=WriteLimits(in_flight=settings.appends_in_flight),
        )
    )
    limits = BatchLimits(rows=settings.batch_rows, in_flight=settings.appends_in_flight)
    shared = Shared(Room(limits.held_rows, limits.held_bytes), watch.lines(sys.stdout))
    guards = Guards(RejectionLimits(share=settings.rejected_share))
    return writer, {
        contract.name: road.pipeline(
            Pipeline(contract, writer, limits, shared=shared, guards=guards), contract.name
        )
        for contract in CATALOG
    }
