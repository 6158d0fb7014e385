"""What the services write to standard output and error, as Cloud Logging reads it."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys

from starlette.types import Receive, Scope, Send

from exposure.telemetry.lines import Lines
from exposure.telemetry.trace_place import TracePlace
from fakes.asgi_client import call


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


TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


async def test_a_line_written_while_a_request_is_served_names_its_trace_and_no_other_does() -> None:
    stream = io.StringIO()
    lines = Lines(stream, "a-project")

    async def serving(_: Scope, __: Receive, send: Send) -> None:
        lines.write("answer", contract="orders")
        await send({"type": "http.response.start", "status": 204, "headers": []})

    await call(TracePlace(serving), "GET", "/", headers={"traceparent": f"00-{TRACE}-{SPAN}-00"})
    lines.write("append", contract="orders")
    inside, outside = (json.loads(line) for line in stream.getvalue().splitlines())
    assert {key: inside[key] for key in inside if key.startswith("logging.")} == {
        "logging.googleapis.com/trace": f"projects/a-project/traces/{TRACE}",
        "logging.googleapis.com/spanId": SPAN,
        "logging.googleapis.com/trace_sampled": False,
    }
    assert not [key for key in outside if key.startswith("logging.")]


def test_the_programs_own_logs_name_the_trace_they_are_written_in() -> None:
    program = (
        "import logging\n"
        "from exposure.telemetry.lines import log_as_lines\n"
        "from exposure.telemetry.trace_context import CURRENT, TraceContext\n"
        "log_as_lines('a-project')\n"
        f"CURRENT.set(TraceContext('{TRACE}', '{SPAN}', True))\n"
        "logging.getLogger('exposure.x').error('broken')\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    line = json.loads(finished.stderr)
    assert line["logging.googleapis.com/trace"] == f"projects/a-project/traces/{TRACE}"
