"""A collector of traces on loopback: takes OTLP over HTTP as the protocol says, and keeps the spans."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WrittenSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

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
    """Where it listens, what it got, and how it is to behave: its `status`, and `holds` for who must wait."""

    url: str
    spans: list[ReceivedSpan] = field(default_factory=list)
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


@contextmanager
def otlp_receiver() -> Iterator[OtlpReceiver]:
    """Listen until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.holds.wait(_PATIENCE_SECONDS)
            if receiver.status == 200:
                receiver.authorizations.append(self.headers.get("Authorization", ""))
                assert self.path == "/v1/traces"
                assert self.headers["Content-Type"] == "application/x-protobuf"
                packed = self.headers.get("Content-Encoding") == "gzip"
                receiver.bodies.append(gzip.decompress(body) if packed else body)
                receiver.spans.extend(_spans(ExportTraceServiceRequest.FromString(receiver.bodies[-1])))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(receiver.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = OtlpReceiver(f"http://127.0.0.1:{listening.server_port}/v1/traces")
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
        resource = _values(of_resource.resource.attributes)
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
                    attributes=_values(span.attributes),
                    resource=resource,
                    failed=span.status.code == Status.STATUS_CODE_ERROR,
                    started_ns=span.start_time_unix_nano,
                    ended_ns=span.end_time_unix_nano,
                )


def _values(written: Iterable[KeyValue]) -> dict[str, object]:
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in written}
