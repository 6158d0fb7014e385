"""JSON in three shapes. The envelope stands behind the rows: who reads to it has read them all.

| shape   | `data`                                                                 |
|---------|------------------------------------------------------------------------|
| objects | an object a row                                                        |
| arrays  | an array a row, its values in the order of `columns`, which comes first |
| columns | an object with an array a column; made of a whole page, never streamed  |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from exposure.api.encode import RowEncoder, dumps
from exposure.api.formats.format import Envelope, Options, Shape, Writer
from exposure.contracts.model import Column
from exposure.query.model import Row


def json_writer(columns: Sequence[Column], options: Options) -> Writer:
    """Return what writes rows of these columns in the shape asked for."""
    return _WRITERS[options.shape](columns)


class _Objects:
    def __init__(self, columns: Sequence[Column]) -> None:
        self._encoder = RowEncoder(columns)
        self._has_rows = False

    def begin(self) -> bytes:
        return b'{"data":['

    def write(self, rows: Sequence[Row]) -> bytes:
        if not rows:
            return b""
        text = self._items(rows)[1:-1]
        first, self._has_rows = not self._has_rows, True
        return text if first else b"," + text

    def end(self, envelope: Envelope) -> bytes:
        return _behind(b"]", envelope)

    def _items(self, rows: Sequence[Row]) -> bytes:
        return dumps(self._encoder.objects(rows))


class _Arrays(_Objects):
    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__(columns)
        self._names = dumps([column.name for column in columns])

    def begin(self) -> bytes:
        return b'{"columns":' + self._names + b',"data":['

    def _items(self, rows: Sequence[Row]) -> bytes:
        return dumps(self._encoder.arrays(rows))


class _Columns:
    def __init__(self, columns: Sequence[Column]) -> None:
        self._encoder = RowEncoder(columns)
        self._names = [column.name for column in columns]
        self._values: list[list[object]] = [[] for _ in columns]

    def begin(self) -> bytes:
        return b'{"data":'

    def write(self, rows: Sequence[Row]) -> bytes:
        for values, more in zip(self._values, self._encoder.columns(rows), strict=True):
            values.extend(more)
        return b""

    def end(self, envelope: Envelope) -> bytes:
        return dumps(dict(zip(self._names, self._values, strict=True))) + _behind(b"", envelope)


def _behind(closing: bytes, envelope: Envelope) -> bytes:
    members = dumps(dict(envelope))[1:]
    return closing + (b"," if envelope else b"") + members


_WRITERS: Mapping[Shape, Callable[[Sequence[Column]], Writer]] = {
    Shape.OBJECTS: _Objects,
    Shape.ARRAYS: _Arrays,
    Shape.COLUMNS: _Columns,
}
