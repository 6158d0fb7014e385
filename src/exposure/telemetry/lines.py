"""JSON lines on standard output, as Cloud Logging reads them: what happened, and the program's own logs.

One line per append, answer or message set aside, never one per row stored, and nothing of a row's content.
Which fields have a meaning of their own: https://cloud.google.com/logging/docs/structured-logging.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from exposure.telemetry.names import EVENT_FIELD


class Lines:
    """Writes events; a stream of None writes nothing."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def write(self, event: str, **fields: str | float) -> None:
        """Write one line; names and values as `telemetry.names` says."""
        if self._stream is not None:
            line = {"severity": "INFO", "message": event, EVENT_FIELD: event, **fields}
            # One call, so that lines of several threads do not mix.
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()


class _LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "severity": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        if record.exc_info:
            # Error Reporting finds a trace at the end of the message.
            line["message"] += "\n" + self.formatException(record.exc_info)
        return json.dumps(line)


def log_as_lines() -> None:
    """Make the process's logs JSON lines on standard error, from INFO up."""
    to_stderr = logging.StreamHandler(sys.stderr)
    to_stderr.setFormatter(_LineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[to_stderr], force=True)
