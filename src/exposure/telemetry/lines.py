"""JSON lines on standard output, as Cloud Logging reads them: what happened, and the program's own logs.

One line per append, answer or message set aside, never one per row stored, and nothing of a row's content.
A line written while a request is served names its trace, by which Cloud Logging shows it beside the request.
Which fields have a meaning of their own: https://cloud.google.com/logging/docs/structured-logging.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from exposure.telemetry.names import EVENT_FIELD
from exposure.telemetry.trace_context import current

Listener = Callable[[str, Mapping[str, str | float]], None]


class Lines:
    """Writes events; a stream of None writes nothing. `project` is Google's, to which traces belong.

    `heard` is told each event and its fields as well, such as whoever counts them.
    """

    def __init__(
        self, stream: TextIO | None = None, project: str = "", heard: Listener | None = None
    ) -> None:
        self._stream = stream
        self._project = project
        self._heard = heard

    def write(self, event: str, **fields: str | float) -> None:
        """Write one line; names and values as `telemetry.names` says."""
        self.write_times(1, event, **fields)

    def write_times(self, times: int, event: str, **fields: str | float) -> None:
        """Write the same line so many times, for what happened so often since the last time."""
        if self._heard is not None:
            for _ in range(times):
                self._heard(event, fields)
        if self._stream is not None:
            line = {"severity": "INFO", "message": event, EVENT_FIELD: event, **fields}
            # One call, so that lines of several threads do not mix.
            self._stream.write((json.dumps(line | trace_fields(self._project)) + "\n") * times)
            self._stream.flush()


def trace_fields(project: str) -> dict[str, str | bool]:
    """Return the fields that say in which span of the project's a line is written; none outside of any."""
    place = current() if project else None
    if place is None:
        return {}
    return {
        "logging.googleapis.com/trace": f"projects/{project}/traces/{place.trace_id}",
        "logging.googleapis.com/spanId": place.span_id,
        "logging.googleapis.com/trace_sampled": place.is_sampled,
    }


class _LineFormatter(logging.Formatter):
    def __init__(self, project: str) -> None:
        super().__init__()
        self._project = project

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "severity": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            **trace_fields(self._project),
        }
        if record.exc_info:
            # Error Reporting finds a trace at the end of the message.
            line["message"] += "\n" + self.formatException(record.exc_info)
        return json.dumps(line)


def log_as_lines(project: str = "") -> None:
    """Make the process's logs JSON lines on standard error, from INFO up."""
    to_stderr = logging.StreamHandler(sys.stderr)
    to_stderr.setFormatter(_LineFormatter(project))
    logging.basicConfig(level=logging.INFO, handlers=[to_stderr], force=True)
