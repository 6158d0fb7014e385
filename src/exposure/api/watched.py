"""The API as it is watched: its reader and its application, traced where traces are on."""

from __future__ import annotations

from starlette.types import ASGIApp

from exposure.telemetry.watch import Watch
from exposure.warehouse.port import Reader
from exposure.warehouse.traced_reader import TracedReader


def watched_reader(reader: Reader, watch: Watch, system: str) -> Reader:
    """Return the reader of the warehouse `system`; when it is traced, its end is that of the traces."""
    return reader if watch.traces is None else TracedReader(reader, system, watch.traces.close)


def watched_api(app: ASGIApp, watch: Watch) -> ASGIApp:
    """Return the application with what surrounds it."""
    if watch.traces is not None:
        from exposure.api.traced import TracedApi  # noqa: PLC0415 - nobody else needs OpenTelemetry

        app = TracedApi(app, watch.traces, watch.contracts)
    return watch.around(app)
