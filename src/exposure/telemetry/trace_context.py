"""Where in a trace something happens, as HTTP headers, Pub/Sub attributes and log lines say it. No library.

What is read here was written by strangers: whatever is not exactly of the form is as if it were not there.
Formats: https://www.w3.org/TR/trace-context/#traceparent-header,
https://cloud.google.com/trace/docs/trace-context#legacy-http-header and, of the official publisher's
attributes, https://cloud.google.com/pubsub/docs/open-telemetry-tracing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass

TRACEPARENT, CLOUD_TRACE = "traceparent", "x-cloud-trace-context"
# The official publisher's comes first: the plain one may be older, of whatever caused the message.
ATTRIBUTES = ("googclient_traceparent", TRACEPARENT)
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_CLOUD_TRACE = re.compile(r"([0-9a-f]{32})/([0-9]{1,20})(?:;o=([0-9]))?", re.ASCII | re.IGNORECASE)
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16
_MOST_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span: 32 and 16 lower-case hexadecimal digits, neither all zero, and whether it is recorded."""

    trace_id: str
    span_id: str
    is_sampled: bool


# The span that is recorded of what runs now, and the headers of the request that it is done for. They are
# read when a line is written, which few requests have.
CURRENT: ContextVar[TraceContext | None] = ContextVar("exposure_trace", default=None)
CALLER: ContextVar[Iterable[tuple[bytes, bytes]]] = ContextVar("exposure_caller", default=())


def current() -> TraceContext | None:
    """Return the span in which what runs now happens: ours, or its caller's; log lines say it."""
    return CURRENT.get() or context_of_headers(CALLER.get())


def parse_traceparent(text: str) -> TraceContext | None:
    """Return what a `traceparent` says, or None."""
    found = _TRACEPARENT.fullmatch(text) if len(text) <= _MOST_CHARACTERS else None
    # Later versions may say more behind it, this one may not.
    if found is None or (found[1] == "00" and found[5]):
        return None
    return _context(found[2], found[3], is_sampled=bool(int(found[4], 16) & 1))


def parse_cloud_trace(text: str) -> TraceContext | None:
    """Return what Google's older header says, or None."""
    found = _CLOUD_TRACE.fullmatch(text)
    if found is None or int(found[2]) >= 2**64:
        return None
    return _context(found[1].lower(), f"{int(found[2]):016x}", is_sampled=found[3] == "1")


def context_of_headers(headers: Iterable[tuple[bytes, bytes]]) -> TraceContext | None:
    """Return the caller's span; the standard's header before Google's. Names are lower case."""
    texts = {name: value for name, value in headers if name in _HEADERS}
    if not texts:
        return None
    standard = texts.get(TRACEPARENT.encode(), b"").decode("latin-1")
    return parse_traceparent(standard) or parse_cloud_trace(
        texts.get(CLOUD_TRACE.encode(), b"").decode("latin-1")
    )


_HEADERS = frozenset({TRACEPARENT.encode(), CLOUD_TRACE.encode()})


def context_of_attributes(attributes: Mapping[str, str]) -> TraceContext | None:
    """Return the publisher's span, from the attributes of its message."""
    for name in ATTRIBUTES:
        if (text := attributes.get(name)) and (found := parse_traceparent(text)):
            return found
    return None


def _context(trace_id: str, span_id: str, *, is_sampled: bool) -> TraceContext | None:
    if trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return TraceContext(trace_id, span_id, is_sampled)
