"""Appends to BigQuery through the Storage Write API's default streams, rows as Arrow. May not read.

Creates no table and changes no schema. What an answer means is in `write_outcome`, what follows from it in
`write_stream`; this module is the port's side of them and holds the channel they share.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
from google.auth.exceptions import GoogleAuthError
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import (
    BigQueryWriteGrpcAsyncIOTransport,
)
from google.cloud.bigquery_storage_v1.types import storage, stream

from exposure.query.model import Row
from exposure.warehouse.arrow import arrow_schema
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.schema import Table
from exposure.warehouse.write_connection import Route, routing
from exposure.warehouse.write_drift import differences
from exposure.warehouse.write_limits import Timing, WriteLimits
from exposure.warehouse.write_outcome import Verdict, WriteOutcome, of_end, warehouse_error
from exposure.warehouse.write_stream import WriteStream

_READY_SECONDS = 5.0
_CHANNEL_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # By default a channel waits up to two minutes before it dials again; the streams have their own waits.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # Writers of one process must not share a broken connection's fate.
    ("grpc.use_local_subchannel_pool", 1),
)


class BigQueryWriter:
    """Appends to the tables of one project, each over a connection of its own. Lives on one event loop.

    `tables` are those `ready` looks at; others may be appended to as well. `endpoint` is an emulator's
    gRPC address (`host:port`, no TLS, no credentials); None is Google, with the process's own credentials,
    looked for at first use. Nothing is opened before the first append or `ready`.
    """

    def __init__(
        self,
        project: str,
        tables: Sequence[Table] = (),
        *,
        endpoint: str | None = None,
        limits: WriteLimits | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._project = project
        self._tables = tuple(tables)
        self._endpoint = endpoint
        self._limits = limits or WriteLimits()
        self._timing = timing or Timing()
        self._opened: BigQueryWriteGrpcAsyncIOTransport | None = None
        self._streams: dict[Table, WriteStream] = {}
        self._closed = False

    async def append(self, table: Table, rows: Sequence[Row]) -> Mapping[int, str]:
        """Store the rows; return why BigQuery refused a row, by its index. A row may be stored twice.

        Raises WarehouseUnavailable when not all rows were settled within the deadline, and
        WarehouseMisconfigured when table, column or permission is missing.
        """
        self._check_open()
        if not rows:
            return {}
        return await self._stream(table).append(rows)

    async def ready(self) -> None:
        """Return when every table given at construction exists, has its columns and may be appended to.

        Each is looked at until it was found sound once, and again after its set-up was found wrong.
        Raises SchemaDrifted, WarehouseMisconfigured or WarehouseUnavailable.
        """
        self._check_open()
        await asyncio.gather(*(self._prove(table) for table in self._tables))

    async def close(self) -> None:
        """Finish the appends at hand, each until its deadline at most, then close the connections."""
        self._closed = True
        await asyncio.gather(*(one.close() for one in list(self._streams.values())))
        if self._opened is not None:
            await self._opened.grpc_channel.close()

    def _check_open(self) -> None:
        if self._closed:
            raise WarehouseUnavailable("the writer is closed")

    def _stream(self, table: Table) -> WriteStream:
        if table not in self._streams:
            schema = arrow_schema(table.columns)
            serialized = schema.serialize().to_pybytes()
            route = Route(self._transport().append_rows, self._path(table), serialized)
            self._streams[table] = WriteStream(
                route, schema, self._limits, self._timing, lambda: self._forget(table)
            )
        return self._streams[table]

    def _forget(self, table: Table) -> None:
        self._streams.pop(table, None)

    def _path(self, table: Table) -> str:
        return f"projects/{self._project}/datasets/{table.dataset}/tables/{table.name}/streams/_default"

    async def _prove(self, table: Table) -> None:
        one = self._stream(table)
        if one.is_proven:
            return
        one.check_setup()
        outcome = await self._look_at(table)
        if outcome.verdict in (Verdict.DURABLE, Verdict.MISCONFIGURED):
            one.learn(outcome)
        if outcome.verdict is not Verdict.DURABLE:
            raise warehouse_error(outcome, self._path(table))

    async def _look_at(self, table: Table) -> WriteOutcome:
        """Ask for the stream and the table's schema; it opens the connection appends will use, too."""
        path = self._path(table)
        request = storage.GetWriteStreamRequest(name=path, view=stream.WriteStreamView.FULL)
        get_write_stream: Any = self._transport().get_write_stream
        try:
            found = await get_write_stream(request, metadata=(routing("name", path),), timeout=_READY_SECONDS)
        except grpc.aio.AioRpcError as error:
            return of_end(error.code(), error.details(), error.trailing_metadata() or ())
        drift = differences(table, found.table_schema.fields)
        if drift:
            return WriteOutcome(Verdict.MISCONFIGURED, f"the table {', '.join(drift)}", drifted=True)
        return WriteOutcome(Verdict.DURABLE)

    def _transport(self) -> BigQueryWriteGrpcAsyncIOTransport:
        # At first use, because a channel belongs to the running event loop.
        if self._opened is None:
            channel = _google_channel if self._endpoint is None else _plain_channel(self._endpoint)
            try:
                self._opened = BigQueryWriteGrpcAsyncIOTransport(channel=channel)
            except GoogleAuthError as error:
                raise WarehouseMisconfigured(f"BigQuery: no credentials to write with: {error}") from error
        return self._opened


def _plain_channel(endpoint: str) -> Any:
    return grpc.aio.insecure_channel(endpoint, options=_CHANNEL_OPTIONS)


def _google_channel(host: str, **settings: Any) -> Any:
    return BigQueryWriteGrpcAsyncIOTransport.create_channel(host, **settings | {"options": _CHANNEL_OPTIONS})
