"""A publisher as Google ships it, tracing as Google says: its arguments are emulator, topic and collector.

A program of its own: the official client takes the process's one tracer. It publishes what it reads, a
message a line, and prints the trace of the span around all of it.
"""

from __future__ import annotations

import os
import sys

from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import PublisherOptions
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def main() -> None:
    """Publish, wait for the acknowledgements and send the spans."""
    emulator, topic, collector = sys.argv[1:]
    os.environ["PUBSUB_EMULATOR_HOST"] = emulator
    provider = TracerProvider(resource=Resource.create({"service.name": "a-publisher"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(collector)))
    trace.set_tracer_provider(provider)
    client = PublisherClient(publisher_options=PublisherOptions(enable_open_telemetry_tracing=True))
    with trace.get_tracer("a-publisher").start_as_current_span("a customer orders") as span:
        for line in sys.stdin:
            client.publish(topic, line.strip().encode()).result(timeout=30)
        context = span.get_span_context()
    client.stop()
    provider.shutdown()
    print(f"{context.trace_id:032x}")


if __name__ == "__main__":
    main()
