"""What the services write to standard output and error, as Cloud Logging reads it."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys

from exposure.telemetry.lines import Lines


def test_an_event_is_one_json_line_with_its_fields() -> None:
    stream = io.StringIO()
    Lines(stream).write("append", contract="orders", freshness_seconds=0.25)
    assert json.loads(stream.getvalue()) == {
        "severity": "INFO",
        "message": "append",
        "event": "append",
        "contract": "orders",
        "freshness_seconds": 0.25,
    }
    assert stream.getvalue().count("\n") == 1


def test_without_a_stream_nothing_is_written() -> None:
    Lines().write("append", contract="orders")


def test_logs_are_json_lines_with_severity_and_the_trace_at_the_end() -> None:
    program = (
        "import logging; from exposure.telemetry.lines import log_as_lines; log_as_lines()\n"
        "logging.getLogger('exposure.x').info('all is %s', 'well')\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError: logging.getLogger('exposure.x').exception('broken')\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    first, second = (json.loads(line) for line in finished.stderr.splitlines())
    assert (first["severity"], first["message"], first["logger"]) == ("INFO", "all is well", "exposure.x")
    assert second["severity"] == logging.getLevelName(logging.ERROR)
    assert second["message"].endswith("ZeroDivisionError: division by zero")
