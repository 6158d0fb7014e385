"""CSV after RFC 4180, in UTF-8: a line of names, CRLF at the end of each line, quotes where they are needed.

NULL is nothing between two commas, the empty text is `""`; where there is one column only, NULL is `""` too,
because readers take an empty line for no row. Scalars are written as in JSON without its
quotes, JSON as its text, objects and arrays as the JSON they are in the other formats.

With `csv_safe`, a text that a spreadsheet would run as a formula gets an apostrophe before it
(https://owasp.org/www-community/attacks/CSV_Injection). Numbers stay numbers, negative ones too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from exposure.api.encode import RowEncoder, dumps
from exposure.api.formats.format import Envelope, Options, Writer
from exposure.contracts.model import Column
from exposure.contracts.types import Scalar
from exposure.query.model import Row

_LINE_END = "\r\n"
_NEEDS_QUOTES = re.compile(r'[",\r\n]')
# The last four are what =, +, - and @ are on keyboards of full-width characters.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
Texts = Callable[[Sequence[Any]], list[str]]


def csv_writer(columns: Sequence[Column], options: Options) -> Writer:
    """Return what writes rows of these columns below a line of their names."""
    return _CsvWriter(columns, options)


class _CsvWriter:
    def __init__(self, columns: Sequence[Column], options: Options) -> None:
        self._names = [column.name for column in columns]
        self._encoder = RowEncoder(columns)
        self._texts = [_texts_of(column, is_safe=options.csv_safe) for column in columns]
        self._mark = "\ufeff" if options.bom else ""

    def begin(self) -> bytes:
        return f"{self._mark}{','.join(map(_quoted, self._names))}{_LINE_END}".encode()

    def write(self, rows: Sequence[Row]) -> bytes:
        if not rows:
            return b""
        columns = self._encoder.columns(rows)
        texts = [write(values) for write, values in zip(self._texts, columns, strict=True)]
        if len(texts) == 1:
            texts = [[text or '""' for text in texts[0]]]
        lines = map(",".join, zip(*texts, strict=True))
        return (_LINE_END.join(lines) + _LINE_END).encode()

    def end(self, envelope: Envelope) -> bytes:
        del envelope
        return b""


def _texts_of(column: Column, *, is_safe: bool) -> Texts:
    if column.type is Scalar.STRING or column.type is Scalar.DECIMAL:
        return _safe_strings if is_safe and column.type is Scalar.STRING else _strings
    if column.type is Scalar.JSON or not isinstance(column.type, Scalar):
        return _safe_documents if is_safe else _documents
    return _plain


def _plain(values: Sequence[Any]) -> list[str]:
    """Return scalars that need no quotes, all in one go: as JSON they hold no comma."""
    written = dumps(values).decode()[1:-1].split(",")
    return ["" if text == "null" else text.strip('"') for text in written]


def _strings(values: Sequence[Any]) -> list[str]:
    if None in values:
        return ["" if value is None else _quoted(value) for value in values]
    # One look at all of them is much cheaper than one at each, and most texts need no quotes.
    if "" in values or _NEEDS_QUOTES.search("".join(values)):
        return [_quoted(value) for value in values]
    return list(values)


def _safe_strings(values: Sequence[Any]) -> list[str]:
    return _strings([None if value is None else _safe(value) for value in values])


def _documents(values: Sequence[Any]) -> list[str]:
    return _strings([None if value is None else dumps(value).decode() for value in values])


def _safe_documents(values: Sequence[Any]) -> list[str]:
    return _safe_strings([None if value is None else dumps(value).decode() for value in values])


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _quoted(text: str) -> str:
    if text and not _NEEDS_QUOTES.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'
