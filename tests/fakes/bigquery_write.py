"""A small BigQuery Storage Write API on loopback: strict where the emulator is not, failing on demand.

It speaks `AppendRows` (default streams, Arrow rows) and `GetWriteStream`, keeps rows in memory and enforces
columns, required values, request size and routing. It serves no queries and knows no other stream type.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import grpc
import pyarrow as pa
from google.cloud.bigquery_storage_v1.types import storage, stream, table

from exposure.query.model import Row
from exposure.warehouse.arrow import arrow_schema
from exposure.warehouse.bigquery_schema import storage_type
from exposure.warehouse.schema import Table
from fakes.write_answers import check_columns, error, row_errors, status, stored
from fakes.write_faults import Break, Drop, Fault, Fine, Judge, Refuse, Silence

_SERVICE = "google.cloud.bigquery.storage.v1.BigQueryWrite"
_REQUEST_BYTES = 20_000_000
_IDLE = "Closing the stream because it has been inactive for 600 seconds."
_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


class FakeBigQueryWrite:
    """The server, on the event loop it is started on.

    `faults` is consumed by one entry per request; when it is empty all is fine. `judge` refuses rows by what
    they hold. `denied` is the status every call ends with while it is set. `appends` counts the requests
    received, `connections` the AppendRows calls, `most_in_flight` the most requests one had unanswered.
    """

    def __init__(self, tables: Sequence[Table] = (), project: str = "local") -> None:
        self.address = ""
        self.faults: deque[Fault] = deque()
        self.judge: Judge | None = None
        self.denied: grpc.StatusCode | None = None
        self.appends = 0
        self.connections = 0
        self.most_in_flight = 0
        self._project = project
        self._columns: dict[str, pa.Schema] = {}
        self._described: dict[str, Table] = {}
        self._stored: dict[str, list[pa.RecordBatch]] = {}
        self._open: set[_Conversation] = set()
        self._server: grpc.aio.Server | None = None
        self._dropping: set[asyncio.Task[None]] = set()
        for one in tables:
            self.create(one)

    def create(self, described: Table) -> None:
        """Create the table, or give the one of that name other columns."""
        path = self._path(described)
        self._columns[path] = arrow_schema(described.columns)
        self._described[path] = described
        self._stored.setdefault(path, [])

    def rows(self, described: Table) -> list[Row]:
        """Return the rows stored, in the order they came, as tuples of the columns they were sent with."""
        batches = self._stored[self._path(described)]
        return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]

    def count(self, described: Table) -> int:
        """Return how many rows are stored."""
        return sum(batch.num_rows for batch in self._stored[self._path(described)])

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; 0 takes a free port."""
        self._server = grpc.aio.server(options=_OPTIONS)
        self._server.add_generic_rpc_handlers((self._handlers(),))
        self.address = f"127.0.0.1:{self._server.add_insecure_port(f'127.0.0.1:{port}')}"
        await self._server.start()

    async def stop(self) -> None:
        """Drop every connection and stop to listen; the rows stay."""
        await asyncio.gather(*self._dropping)
        if self._server is not None:
            await self._server.stop(None)

    async def __aenter__(self) -> FakeBigQueryWrite:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def close_idle(self) -> None:
        """End every stream as the service does when one was idle; what it has received it answers before."""
        for conversation in self._open:
            conversation.requests.put_nowait(None)

    def _path(self, described: Table) -> str:
        return (
            f"projects/{self._project}/datasets/{described.dataset}/tables/{described.name}/streams/_default"
        )

    def _handlers(self) -> Any:
        request, answer = storage.AppendRowsRequest.pb(), storage.AppendRowsResponse.pb()
        return grpc.method_handlers_generic_handler(
            _SERVICE,
            {
                "AppendRows": grpc.stream_stream_rpc_method_handler(
                    self._append_rows, request.FromString, answer.SerializeToString
                ),
                "GetWriteStream": grpc.unary_unary_rpc_method_handler(
                    self._get_write_stream,
                    storage.GetWriteStreamRequest.deserialize,
                    stream.WriteStream.serialize,
                ),
            },
        )

    async def _get_write_stream(self, request: Any, context: Any) -> stream.WriteStream:
        if self.denied:
            await context.abort(self.denied, "denied")
        if request.name not in self._columns:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no table of {request.name}")
        found = stream.WriteStream(name=request.name)
        for column in self._described[request.name].columns:
            kind, is_repeated = storage_type(column)
            mode = "REPEATED" if is_repeated else "NULLABLE" if column.nullable else "REQUIRED"
            field = table.TableFieldSchema(
                name=column.name,
                type_=getattr(table.TableFieldSchema.Type, kind),
                mode=getattr(table.TableFieldSchema.Mode, mode),
            )
            found.table_schema.fields.append(field)
        return found

    async def _append_rows(self, _: Any, context: Any) -> None:
        self.connections += 1
        if self.denied:
            await context.abort(self.denied, "denied")
        conversation = _Conversation(context)
        self._open.add(conversation)
        reading = asyncio.create_task(self._read(conversation))
        try:
            while (request := await conversation.requests.get()) is not None:
                self.appends += 1
                await self._serve(conversation, request)
                conversation.in_flight -= 1
            if not conversation.is_over:
                await context.abort(grpc.StatusCode.ABORTED, _IDLE)
        finally:
            self._open.discard(conversation)
            reading.cancel()

    async def _read(self, conversation: _Conversation) -> None:
        while (request := await conversation.context.read()) is not grpc.aio.EOF:
            conversation.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, conversation.in_flight)
            conversation.requests.put_nowait(request)
        conversation.is_over = True
        conversation.requests.put_nowait(None)

    async def _serve(self, conversation: _Conversation, request: Any) -> None:
        """Answer one request, or end the stream, as the script says."""
        fault = self.faults.popleft() if self.faults else Fine()
        if isinstance(fault, Fine):
            if fault.gate is not None:
                await fault.gate.wait()
            await asyncio.sleep(fault.after_seconds)
            answer = await self._store(conversation, request)
            if fault.new_schema and answer.HasField("append_result"):
                answer.updated_schema.fields.add(name="another")
            await conversation.context.write(answer)
        elif isinstance(fault, Refuse):
            refusal = error(fault.code, "as the script says", fault.storage_error)
            await conversation.context.write(refusal)
        else:
            await self._break(conversation, request, fault)

    async def _break(self, conversation: _Conversation, request: Any, fault: Break | Drop | Silence) -> None:
        if fault.stored:
            await self._store(conversation, request)
        if isinstance(fault, Break):
            await conversation.end(fault.code, "as the script says", fault.storage_error)
        if isinstance(fault, Drop):
            self._drop()
        await asyncio.Event().wait()

    def _drop(self) -> None:
        dropping = asyncio.create_task(self._listen_again())
        self._dropping.add(dropping)
        dropping.add_done_callback(self._dropping.discard)

    async def _listen_again(self) -> None:
        assert self._server is not None
        await self._server.stop(None)
        await self.start(int(self.address.rpartition(":")[2]))

    async def _store(self, conversation: _Conversation, request: Any) -> Any:
        """Store the rows of a request, all or none; return the answer."""
        path = request.write_stream or conversation.path
        if path not in self._columns:
            await conversation.end(grpc.StatusCode.NOT_FOUND, f"no table of {path}")
        if request.ByteSize() >= _REQUEST_BYTES:
            await conversation.end(grpc.StatusCode.INVALID_ARGUMENT, "the request is too large")
        conversation.learn(path, request.arrow_rows.writer_schema.serialized_schema)
        if conversation.schema is None or not conversation.is_routed_to(path):
            return error(grpc.StatusCode.INVALID_ARGUMENT, "the first request lacks schema or routing")
        rows = pa.py_buffer(request.arrow_rows.rows.serialized_record_batch)
        batch = pa.ipc.read_record_batch(rows, conversation.schema)
        refusal = check_columns(batch, self._columns[path]) or await self._judge(conversation, batch)
        if refusal is not None:
            return refusal
        self._stored[path].append(batch)
        return stored(path)

    async def _judge(self, conversation: _Conversation, batch: pa.RecordBatch) -> Any:
        judge = self.judge
        if judge is None:
            return None
        bad = {index: why for index, row in enumerate(batch.to_pylist()) if (why := judge.reason(row))}
        if not bad:
            return None
        if judge.ends_stream:
            await conversation.end(grpc.StatusCode.INVALID_ARGUMENT, "a row is malformed")
        named = dict(list(bad.items())[: judge.named])
        return row_errors(named) if named else error(grpc.StatusCode.INVALID_ARGUMENT, "malformed")


class _Conversation:
    """One AppendRows call: what was read and not yet answered, and what its first request said."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.requests: asyncio.Queue[Any] = asyncio.Queue()
        self.in_flight = 0
        self.is_over = False
        self.path = ""
        self.schema: pa.Schema | None = None
        self._routing = dict(context.invocation_metadata()).get("x-goog-request-params", "")

    def learn(self, path: str, schema: bytes) -> None:
        self.path = path
        if schema:
            self.schema = pa.ipc.read_schema(pa.py_buffer(schema))

    def is_routed_to(self, path: str) -> bool:
        return bool(self._routing == f"write_stream={path}")

    async def end(self, code: grpc.StatusCode, message: str, storage_error: int = 0) -> None:
        """End the call; does not return."""
        details = status(code, message, storage_error).SerializeToString()
        trailers = (("grpc-status-details-bin", details),) if storage_error else ()
        await self.context.abort(code, message, trailing_metadata=trailers)
