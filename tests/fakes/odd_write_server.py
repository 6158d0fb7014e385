"""A Storage Write API whose AppendRows does whatever the test wants, which may be nothing sensible."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.cloud.bigquery_storage_v1.types import storage

AppendRows = Callable[[Any, Any], Awaitable[None]]


@asynccontextmanager
async def serving(append_rows: AppendRows) -> AsyncIterator[str]:
    """Serve on a free port of loopback and yield the address; the call gets nothing and its context."""
    server = grpc.aio.server(options=(("grpc.max_receive_message_length", -1),))
    handler = grpc.stream_stream_rpc_method_handler(
        append_rows,
        storage.AppendRowsRequest.pb().FromString,
        storage.AppendRowsResponse.pb().SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                "google.cloud.bigquery.storage.v1.BigQueryWrite", {"AppendRows": handler}
            ),
        )
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
