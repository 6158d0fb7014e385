"""Ingest as it is watched: writer, pipelines and application, traced where traces are on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from exposure.ingest.pipeline import Pipeline
from exposure.telemetry.watch import Watch
from exposure.warehouse.port import Writer

if TYPE_CHECKING:
    from exposure.ingest.traced import MessageSpans


class WatchedRoad:
    """The parts of one process's road into the warehouse `system`; the writer's end is that of the traces."""

    def __init__(self, watch: Watch, system: str) -> None:
        self._watch = watch
        self._system = system
        self._spans: MessageSpans | None = None
        if watch.traces is not None:
            from exposure.ingest.traced import MessageSpans  # noqa: PLC0415 - nobody else needs OpenTelemetry

            self._spans = MessageSpans(watch.traces)

    def writer(self, writer: Writer) -> Writer:
        """Return the writer, or the one that traces around it."""
        if self._spans is None:
            return writer
        from exposure.ingest.traced import TracedWriter  # noqa: PLC0415

        return TracedWriter(writer, self._system, self._spans)

    def pipeline(self, pipeline: Pipeline, contract: str) -> Pipeline:
        """Return the pipeline of the contract, or the one that traces in front of it."""
        if self._spans is None:
            return pipeline
        from exposure.ingest.traced import TracedPipeline  # noqa: PLC0415

        return TracedPipeline(pipeline, contract, self._spans)

    def app(self, app: ASGIApp) -> ASGIApp:
        """Return the push endpoint with what surrounds it."""
        if self._spans is not None:
            from exposure.ingest.traced import TracedPush  # noqa: PLC0415

            app = TracedPush(app, self._spans.traces)
        return self._watch.around(app)
