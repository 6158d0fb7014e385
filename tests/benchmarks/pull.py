"""How many messages one pulling worker takes per second, against the official client's callbacks.

Run it: `make bench`. Both are fed by the same server in a process of its own, which speaks Pub/Sub's protocol
and always has more; both validate every message and make Arrow of the rows; nothing is stored. The official
client may have as many messages outstanding as ours.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import grpc
import uvloop
from google.cloud import pubsub_v1
from google.pubsub_v1 import types

from exposure.contracts.catalog import CATALOG
from exposure.ingest.batch import BatchLimits
from exposure.ingest.message import Message
from exposure.ingest.pipeline import Pipeline
from exposure.ingest.pull.stream import PullLimits
from exposure.ingest.pull.worker import PullWorker
from exposure.ingest.validate import MessageValidator
from exposure.query.model import Row
from exposure.warehouse.arrow import arrow_schema, record_batch
from exposure.warehouse.schema import Table, rows_table

CONTRACT = CATALOG.get("analytics_table")
SUBSCRIPTION = f"projects/local/subscriptions/{CONTRACT.subscription}"
SCHEMA = arrow_schema(rows_table(CONTRACT).columns)
MESSAGES_PER_RESPONSE = 500
HELD = 5000
SECONDS = 5.0
WARM_UP_SECONDS = 1.5


class _Server(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Sends the same messages again and again, as many as the client lets be outstanding."""

    def __init__(self) -> None:
        self._room = threading.Condition()
        self._outstanding = 0
        self._response = _response()

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

    def _stream(self, requests: Any, context: Any) -> Any:
        most = next(requests).max_outstanding_messages
        with self._room:
            self._outstanding = 0
        while context.is_active():
            with self._room:
                while self._outstanding + MESSAGES_PER_RESPONSE > most and context.is_active():
                    self._room.wait(0.1)
                self._outstanding += MESSAGES_PER_RESPONSE
            yield self._response

    def _acknowledge(self, request: Any, _: Any) -> bytes:
        with self._room:
            self._outstanding -= len(request.ack_ids)
            self._room.notify()
        return b""


def _response() -> bytes:
    response = types.StreamingPullResponse.pb()()
    for number in range(MESSAGES_PER_RESPONSE):
        received = response.received_messages.add(ack_id=f"{number:0160}")
        event = {"id": f"evt-{number}", "timestamp": "2026-11-25T12:00:00Z", "data": "x" * 30}
        received.message.data = json.dumps(event).encode()
        received.message.message_id = str(number)
        received.message.publish_time.GetCurrentTime()
    return bytes(response.SerializeToString())


def serve() -> None:
    """Serve until standard input closes."""
    server = grpc.server(ThreadPoolExecutor(8), handlers=[_Server()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(None)


class _Nowhere:
    """Takes rows as far as Arrow, and counts them."""

    def __init__(self) -> None:
        self.rows = 0

    async def append(self, table: Table, rows: Sequence[Row]) -> Mapping[int, str]:
        del table
        record_batch(SCHEMA, rows).serialize()
        self.rows += len(rows)
        return {}

    async def ready(self) -> None:
        return

    async def close(self) -> None:
        return


async def _ours(address: str) -> float:
    writer = _Nowhere()
    pipeline = Pipeline(CONTRACT, writer, BatchLimits(rows=1000))
    worker = PullWorker({SUBSCRIPTION: pipeline}, writer, address, PullLimits(held_messages=HELD))
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(WARM_UP_SECONDS)
    started, before = time.perf_counter(), writer.rows
    await asyncio.sleep(SECONDS)
    rate = (writer.rows - before) / (time.perf_counter() - started)
    worker.stop()
    await running
    return rate


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
            self._gathered.append((row, received))  # type: ignore[arg-type]
            if len(self._gathered) < MESSAGES_PER_RESPONSE:
                return
            gathered, self._gathered = self._gathered, []
        record_batch(SCHEMA, [one for one, _ in gathered]).serialize()
        for _, one in gathered:
            one.ack()
        self.rows += len(gathered)


def _official(address: str) -> float:
    channel = grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", -1)])
    transport = pubsub_v1.SubscriberClient.get_transport_class("grpc")(channel=channel)
    client = pubsub_v1.SubscriberClient(transport=transport)
    callbacks = _Callbacks()
    flow = pubsub_v1.types.FlowControl(max_messages=HELD)
    pulling = client.subscribe(SUBSCRIPTION, callbacks, flow_control=flow)
    time.sleep(WARM_UP_SECONDS)
    started, before = time.perf_counter(), callbacks.rows
    time.sleep(SECONDS)
    rate = (callbacks.rows - before) / (time.perf_counter() - started)
    pulling.cancel()
    with contextlib.suppress(concurrent.futures.CancelledError):
        pulling.result(SECONDS)
    client.close()
    return rate


def main() -> None:
    """Print both rates and their ratio."""
    command = [sys.executable, "-m", "benchmarks.pull", "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = f"127.0.0.1:{server.stdout.readline().strip()}"
        official = _official(address)
        ours = uvloop.run(_ours(address))
        server.stdin.close()  # type: ignore[union-attr]
    print(f"official client, callbacks  {official:>9,.0f} messages/s")
    print(f"pulling worker              {ours:>9,.0f} messages/s  {ours / official:.1f}x")


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main()
