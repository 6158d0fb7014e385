"""BigQuery's Storage Write API as far as an appender sees it: it takes rows, answers, and keeps nothing.

`python -m benchmarks.null_sink MILLISECONDS` prints its port and serves until standard input closes. As the
service does, it answers the requests of one connection one after another; each takes so long.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import uvloop
from google.cloud.bigquery_storage_v1.types import storage

from benchmarks.child import child_of


class _Sink(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Neither reads the rows nor makes an answer of its own for each: its time is nobody's result."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        answer = storage.AppendRowsResponse.pb()()
        answer.append_result.SetInParent()
        self._answer = answer.SerializeToString()

    def service(self, handler_call_details: Any) -> Any:
        if handler_call_details.method.endswith("/AppendRows"):
            return grpc.stream_stream_rpc_method_handler(self._append_rows, None, None)
        return grpc.unary_unary_rpc_method_handler(self._get_write_stream, None, None)

    async def _append_rows(self, requests: AsyncIterator[bytes], _: Any) -> AsyncIterator[bytes]:
        async for _request in requests:
            if self._seconds:
                await asyncio.sleep(self._seconds)
            yield self._answer

    async def _get_write_stream(self, _request: bytes, _: Any) -> bytes:
        return b""


async def _serve(seconds: float) -> None:
    options = (("grpc.max_receive_message_length", -1),)
    server = grpc.aio.server(handlers=[_Sink(seconds)], options=options)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(None)


@contextmanager
def null_sink(milliseconds: float) -> Iterator[str]:
    """Run the sink in a process of its own and give its address."""
    with child_of("null_sink", str(milliseconds)) as sink:
        yield f"127.0.0.1:{sink.said}"


if __name__ == "__main__":
    uvloop.run(_serve(float(sys.argv[1]) / 1000))
