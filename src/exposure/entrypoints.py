"""The services as the cloud starts them: settings become adapters, adapters become applications.

`uvicorn --factory exposure.entrypoints:api` and `…:ingest`; `exposure ingest --pull` runs `pull`. Each
imports its own libraries only, so that none carries another's start-up time or dependencies. Ingest is given
6 s to answer the requests in flight (`--timeout-graceful-shutdown 6`); with the 2 s it takes to close it ends
within 8 s of SIGTERM, and within 9 s where it sends its metrics once more. A worker that pulls may be killed
after 10 s where the warehouse hangs; what it has not acknowledged is delivered again. The embedded platform
assembles itself.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from exposure.assembly.watch import watch_over
from exposure.contracts.catalog import CATALOG
from exposure.settings import ApiSettings, IngestSettings, PullSettings, WriterSettings
from exposure.telemetry.lines import log_as_lines
from exposure.telemetry.watch import Watch

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from exposure.ingest.pipeline import Pipeline
    from exposure.ingest.pull.worker import PullWorker
    from exposure.ingest.watched import WatchedRoad
    from exposure.warehouse.port import Writer


def api() -> ASGIApp:
    """Return the read API over BigQuery.

    Raises pydantic's ValidationError, which names a missing setting, and WrongKeys or OSError, which name
    the keys file.
    """
    from exposure.assembly.api import bigquery, read_api
    from exposure.warehouse.coming_reader import ComingReader

    settings = ApiSettings()
    log_as_lines(settings.project)
    reader = ComingReader(lambda: bigquery(settings))
    app = read_api(settings, reader, CATALOG)
    # Not before: loaded at the same time, both would be late.
    reader.begin()
    return app


def ingest() -> ASGIApp:
    """Return the subscriber that is pushed to; pydantic's ValidationError names a missing setting."""
    from exposure.ingest.app import PushApp
    from exposure.ingest.garbage import spare_what_stands
    from exposure.ingest.token import PushIdentity, TokenVerifier
    from exposure.ingest.watched import WatchedRoad

    settings = IngestSettings()
    log_as_lines(settings.project)
    watch = watch_over(settings, "exposure-ingest", trusts_callers=True)
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
    watch = watch_over(settings, "exposure-ingest", trusts_callers=True)
    writer, pipelines = _road(settings, watch, WatchedRoad(watch, "bigquery"))
    subscriptions = {
        f"projects/{settings.project}/subscriptions/{CATALOG.get(name).subscription}": pipeline
        for name, pipeline in pipelines.items()
    }
    limits = PullLimits(held_messages=settings.held_messages)
    worker = PullWorker(subscriptions, writer, settings.pubsub_endpoint, limits, watch.sending())
    spare_what_stands()
    return worker


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
