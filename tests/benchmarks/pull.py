"""One ingest worker that pulls, the official client's callbacks, and the server that feeds either.

`measure_ours` and `measure_official` are what others call. The server is a process of its own, speaks
Pub/Sub's protocol and always has more. Ours appends over BigQuery's protocol; the official client's callbacks
stop at Arrow, which is in their favour. Either may have as many messages outstanding.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import itertools
import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc
from google.cloud import pubsub_v1
from google.pubsub_v1 import types

from benchmarks.child import child_of
from exposure.contracts.catalog import CATALOG
from exposure.ingest.batch import BatchLimits
from exposure.ingest.message import Message
from exposure.ingest.pipeline import Pipeline
from exposure.ingest.pull.stream import PullLimits
from exposure.ingest.pull.worker import PullWorker
from exposure.ingest.validate import MessageValidator
from exposure.query.model import Row
from exposure.warehouse.arrow import arrow_schema, record_batch
from exposure.warehouse.bigquery_writer import BigQueryWriter
from exposure.warehouse.port import Writer
from exposure.warehouse.schema import Table, rows_table

CONTRACT = CATALOG.get("analytics_table")
SUBSCRIPTION = f"projects/local/subscriptions/{CONTRACT.subscription}"
SCHEMA = arrow_schema(rows_table(CONTRACT).columns)
MESSAGES_PER_RESPONSE = 500
# More messages than ingest remembers as stored: each of them must be one it does not know.
RESPONSES = 300
HELD = 5000
SECONDS = 5.0
WARM_UP_SECONDS = 1.5


@dataclass(frozen=True)
class Pulled:
    """What one run measured."""

    messages: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Return messages per second."""
        return self.messages / self.seconds

    @property
    def per_core(self) -> float:
        """Return messages per second of a core that is fully used."""
        return self.messages / self.cpu_seconds


class _Server(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Sends the same responses again and again, as many as the client lets be outstanding."""

    def __init__(self) -> None:
        self._room = threading.Condition()
        self._outstanding = 0
        self._responses = [_response(number) for number in range(RESPONSES)]

    def service(self, handler_call_details: Any) -> Any:
        method = handler_call_details.method.rpartition("/")[2]
        if method == "StreamingPull":
            return grpc.stream_stream_rpc_method_handler(
                self._stream, types.StreamingPullRequest.pb().FromString, lambda raw: raw
            )
        if method == "Acknowledge":
            return grpc.unary_unary_rpc_method_handler(
                self._acknowledge, types.AcknowledgeRequest.pb().FromString, lambda raw: raw
            )
        return grpc.unary_unary_rpc_method_handler(lambda *_: b"", lambda raw: raw, lambda raw: raw)

    def _stream(self, requests: Any, context: Any) -> Iterator[bytes]:
        most = next(requests).max_outstanding_messages
        with self._room:
            self._outstanding = 0
        for response in itertools.cycle(self._responses):
            with self._room:
                while self._outstanding + MESSAGES_PER_RESPONSE > most and context.is_active():
                    self._room.wait(0.1)
                self._outstanding += MESSAGES_PER_RESPONSE
            if not context.is_active():
                return
            yield response

    def _acknowledge(self, request: Any, _: Any) -> bytes:
        with self._room:
            self._outstanding -= len(request.ack_ids)
            self._room.notify()
        return b""


def _response(number: int) -> bytes:
    response = types.StreamingPullResponse.pb()()
    first = number * MESSAGES_PER_RESPONSE
    for one in range(first, first + MESSAGES_PER_RESPONSE):
        received = response.received_messages.add(ack_id=f"{one:0160}")
        event = {"id": f"evt-{one}", "timestamp": "2026-11-25T12:00:00Z", "data": "x" * 30}
        received.message.data = json.dumps(event).encode()
        received.message.message_id = str(one)
        received.message.publish_time.GetCurrentTime()
    return bytes(response.SerializeToString())


@contextlib.contextmanager
def feeding() -> Iterator[str]:
    """Run the server in a process of its own and give its address."""
    with child_of("pull") as server:
        yield f"127.0.0.1:{server.said}"


class Counting:
    """Counts rows on their way to the writer, as the table takes them."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.rows = 0

    async def append(self, table: Table, rows: Sequence[Row]) -> Mapping[int, str]:
        refused = await self._writer.append(table, rows)
        self.rows += len(rows) - len(refused)
        return refused

    async def ready(self) -> None:
        await self._writer.ready()

    async def close(self) -> None:
        await self._writer.close()


async def measure_ours(address: str, sink: str) -> Pulled:
    """Pull from the server into the sink."""
    writer = Counting(BigQueryWriter("local", endpoint=sink))
    pipeline = Pipeline(CONTRACT, writer, BatchLimits(rows=1000))
    worker = PullWorker({SUBSCRIPTION: pipeline}, writer, address, PullLimits(held_messages=HELD))
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(WARM_UP_SECONDS)
    started, cpu, before = time.perf_counter(), time.process_time(), writer.rows
    await asyncio.sleep(SECONDS)
    used = (time.perf_counter() - started, time.process_time() - cpu)
    pulled = Pulled(writer.rows - before, *used)
    worker.stop()
    await running
    return pulled


class _Callbacks:
    """What a program on the official client does: validate, gather, make Arrow, acknowledge."""

    def __init__(self) -> None:
        self.rows = 0
        self._validator = MessageValidator(CONTRACT)
        self._gathered: list[tuple[Row, Any]] = []
        self._lock = threading.Lock()

    def __call__(self, received: Any) -> None:
        message = Message(received.message_id, received.data, received.attributes, received.publish_time)
        row = self._validator.validate(message, datetime.now(UTC))
        with self._lock:
            self._gathered.append((row, received))  # type: ignore[arg-type]  # the server sends only rows
            if len(self._gathered) < MESSAGES_PER_RESPONSE:
                return
            gathered, self._gathered = self._gathered, []
        record_batch(SCHEMA, [one for one, _ in gathered]).serialize()
        for _, one in gathered:
            one.ack()
        self.rows += len(gathered)


def measure_official(address: str) -> Pulled:
    """Pull from the server with the official client's callbacks."""
    channel = grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", -1)])
    transport = pubsub_v1.SubscriberClient.get_transport_class("grpc")(channel=channel)
    client = pubsub_v1.SubscriberClient(transport=transport)
    callbacks = _Callbacks()
    flow = pubsub_v1.types.FlowControl(max_messages=HELD)
    pulling = client.subscribe(SUBSCRIPTION, callbacks, flow_control=flow)
    time.sleep(WARM_UP_SECONDS)
    started, cpu, before = time.perf_counter(), time.process_time(), callbacks.rows
    time.sleep(SECONDS)
    used = (time.perf_counter() - started, time.process_time() - cpu)
    pulled = Pulled(callbacks.rows - before, *used)
    pulling.cancel()
    with contextlib.suppress(concurrent.futures.CancelledError):
        pulling.result(SECONDS)
    client.close()
    return pulled


def _serve() -> None:
    server = grpc.server(ThreadPoolExecutor(8), handlers=[_Server()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(None)


if __name__ == "__main__":
    _serve()
