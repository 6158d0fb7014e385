"""NDJSON: one row as a JSON object a line (https://github.com/ndjson/ndjson-spec).

Lines alone do not tell whether more should have come: the transport does, and with `end_record` a last line

    {"_end":{"rows":2,"sha256":"…","complete":true,"next_page_token":null}}

in which `sha256` is that of all bytes before the line. No column's name may begin with an underscore and be
declared, so no row looks like it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from exposure.api.encode import RowEncoder, dumps
from exposure.api.formats.format import Envelope, Options, Writer
from exposure.contracts.model import Column
from exposure.query.model import Row

_TOLD = ("complete", "next_page_token")


def ndjson_writer(columns: Sequence[Column], options: Options) -> Writer:
    """Return what writes rows of these columns, with a last line about them where it was asked for."""
    return _CountedLines(columns) if options.end_record else _Lines(columns)


class _Lines:
    def __init__(self, columns: Sequence[Column]) -> None:
        self._encoder = RowEncoder(columns)

    def begin(self) -> bytes:
        return b""

    def write(self, rows: Sequence[Row]) -> bytes:
        return self._encoder.lines(rows)

    def end(self, envelope: Envelope) -> bytes:
        del envelope
        return b""


class _CountedLines(_Lines):
    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__(columns)
        self._rows = 0
        self._digest = hashlib.sha256()

    def write(self, rows: Sequence[Row]) -> bytes:
        lines = super().write(rows)
        self._rows += len(rows)
        self._digest.update(lines)
        return lines

    def end(self, envelope: Envelope) -> bytes:
        told = {name: envelope[name] for name in _TOLD if name in envelope}
        return dumps({"_end": {"rows": self._rows, "sha256": self._digest.hexdigest(), **told}}) + b"\n"
