"""Arrow IPC streams and Parquet files: native types, and an end mark that belongs to the format.

The only modules of the API that reach pyarrow, and only when an answer in one of these formats begins: the
API starts, and serves every other format, without it. https://arrow.apache.org/docs/format/Columnar.html
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from exposure.api.formats.format import BatchWriter, Envelope, Options
from exposure.contracts.model import Column
from exposure.query.model import Row

# A Parquet file is read by row groups: large ones compress and scan well, and each is kept until it is full.
_GROUP_ROWS = 32_768
_GROUP_BYTES = 8 * 2**20


def arrow_writer(columns: Sequence[Column], _: Options) -> BatchWriter:
    """Return what writes an Arrow IPC stream; its end-of-stream marker comes last."""
    return _ArrowWriter(columns)


def parquet_writer(columns: Sequence[Column], _: Options) -> BatchWriter:
    """Return what writes a Parquet file; its footer comes last, and without it nothing can be read."""
    return _ParquetWriter(columns)


class _Sink(io.RawIOBase):
    """Takes what a writer writes until it is taken away."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


class _ArrowWriter:
    def __init__(self, columns: Sequence[Column]) -> None:
        import pyarrow as pa

        from exposure.warehouse.arrow import readable_schema, record_batch

        self._record_batch = record_batch
        self._schema = readable_schema(columns)
        self._sink = _Sink()
        self._writer = pa.ipc.new_stream(self._sink, self._schema)

    def begin(self) -> bytes:
        return self._sink.take()

    def write(self, rows: Sequence[Row]) -> bytes:
        return self.write_batch(self._record_batch(self._schema, rows)) if rows else b""

    def write_batch(self, batch: Any) -> bytes:
        self._writer.write_batch(batch)
        return self._sink.take()

    def end(self, envelope: Envelope) -> bytes:
        del envelope
        self._writer.close()
        return self._sink.take()


class _ParquetWriter:
    def __init__(self, columns: Sequence[Column]) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        from exposure.warehouse.arrow import readable_schema, record_batch

        self._record_batch = record_batch
        self._table = pa.Table.from_batches
        self._schema = readable_schema(columns)
        self._sink = _Sink()
        self._writer = parquet.ParquetWriter(self._sink, self._schema, compression="zstd")
        self._waiting: list[Any] = []

    def begin(self) -> bytes:
        return self._sink.take()

    def write(self, rows: Sequence[Row]) -> bytes:
        return self.write_batch(self._record_batch(self._schema, rows)) if rows else b""

    def write_batch(self, batch: Any) -> bytes:
        self._waiting.append(batch)
        rows = sum(one.num_rows for one in self._waiting)
        if rows >= _GROUP_ROWS or sum(one.nbytes for one in self._waiting) >= _GROUP_BYTES:
            self._write_group()
        return self._sink.take()

    def end(self, envelope: Envelope) -> bytes:
        del envelope
        self._write_group()
        self._writer.close()
        return self._sink.take()

    def _write_group(self) -> None:
        group, self._waiting = self._waiting, []
        if group:
            self._writer.write_table(self._table(group, self._schema))
