"""A collector on loopback: takes traces and metrics over OTLP/HTTP as the protocol says, and keeps them."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WrittenSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from fakes.received_points import ReceivedPoint, received_points, values

_TRACES, _METRICS = "/v1/traces", "/v1/metrics"
_PATIENCE_SECONDS = 20


@dataclass(frozen=True)
class ReceivedSpan:
    """A span as it arrived; ids in hexadecimal, `links` as (trace, span), times in nanoseconds."""

    name: str
    kind: str
    service: str
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[tuple[str, str], ...]
    attributes: Mapping[str, object]
    resource: Mapping[str, object]
    failed: bool
    started_ns: int
    ended_ns: int


@dataclass
class OtlpReceiver:
    """Where it listens, what it got, and how it is to behave: its `status`, and `holds` for who must wait.

    `asked` counts all requests that came, answered or not.
    """

    url: str
    metrics_url: str
    spans: list[ReceivedSpan] = field(default_factory=list)
    points: list[ReceivedPoint] = field(default_factory=list)
    asked: int = 0
    authorizations: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    status: int = 200
    holds: threading.Event = field(default_factory=threading.Event)

    def named(self, name: str) -> list[ReceivedSpan]:
        """Return the spans of that name, in the order they came."""
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> ReceivedSpan:
        """Return the only span of that name; waits until it has come."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self.named(name):
            assert time.monotonic() < deadline, f"no span {name} among {[span.name for span in self.spans]}"
            time.sleep(0.01)
        [span] = self.named(name)
        return span

    def take(self, path: str, body: bytes) -> bytes:
        """Keep what was sent; return the answer."""
        self.bodies.append(body)
        if path == _METRICS:
            self.points.extend(received_points(ExportMetricsServiceRequest.FromString(body)))
            return ExportMetricsServiceResponse().SerializeToString()
        assert path == _TRACES
        self.spans.extend(_spans(ExportTraceServiceRequest.FromString(body)))
        return ExportTraceServiceResponse().SerializeToString()

    def latest(self, name: str, service: str, **labels: str) -> ReceivedPoint | None:
        """Return the last point of a service's series, if any has come."""
        found = [
            point
            for point in self.points
            if (point.name, point.labels, point.resource["service.name"]) == (name, labels, service)
        ]
        return found[-1] if found else None


@contextmanager
def otlp_receiver() -> Iterator[OtlpReceiver]:
    """Listen until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.asked += 1
            receiver.holds.wait(_PATIENCE_SECONDS)
            answer = b""
            if receiver.status == 200:
                receiver.authorizations.append(self.headers.get("Authorization", ""))
                assert self.headers["Content-Type"] == "application/x-protobuf"
                packed = self.headers.get("Content-Encoding") == "gzip"
                answer = receiver.take(self.path, gzip.decompress(body) if packed else body)
            self.send_response(receiver.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            # Who had to wait may have given up.
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    base = f"http://127.0.0.1:{listening.server_port}"
    receiver = OtlpReceiver(f"{base}{_TRACES}", f"{base}{_METRICS}")
    receiver.holds.set()
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.holds.set()
        listening.shutdown()
        thread.join()
        listening.server_close()


def _spans(request: ExportTraceServiceRequest) -> Iterator[ReceivedSpan]:
    for of_resource in request.resource_spans:
        resource = values(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield ReceivedSpan(
                    name=span.name,
                    kind=WrittenSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    service=str(resource.get("service.name", "")),
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                    attributes=values(span.attributes),
                    resource=resource,
                    failed=span.status.code == Status.STATUS_CODE_ERROR,
                    started_ns=span.start_time_unix_nano,
                    ended_ns=span.end_time_unix_nano,
                )
