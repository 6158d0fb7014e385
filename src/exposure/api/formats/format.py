"""What a format is: its names, and what makes rows bytes. Knows no request and no warehouse."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from typing import Any, Protocol

from exposure.contracts.model import Column
from exposure.query.model import Row

# What an answer says of itself beside its rows: `complete`, `next_page_token`, `as_of`, `stats`, …
Envelope = Mapping[str, object]


class Shape(StrEnum):
    """How JSON lays rows out: an object a row, an array a row, or an array a column."""

    OBJECTS = "objects"
    ARRAYS = "arrays"
    COLUMNS = "columns"


@dataclass(frozen=True)
class Options:
    """What a request may choose within a format; see `exposure.api.formats.choice` for the words."""

    shape: Shape = Shape.OBJECTS
    csv_safe: bool = False
    bom: bool = False
    end_record: bool = False


class Writer(Protocol):
    """Writes one answer: `begin` once, `write` as often as there are rows, `end` once.

    What was returned so far is never a whole answer before `end`. Not thread-safe; may run on any thread.
    """

    def begin(self) -> bytes:
        """Return what stands before the rows."""

    def write(self, rows: Sequence[Row]) -> bytes:
        """Return the rows; each holds one value per column, in the Python types of `contracts.types`."""

    def end(self, envelope: Envelope) -> bytes:
        """Return what stands behind the rows and ends the answer."""


class BatchWriter(Writer, Protocol):
    """A writer that takes Arrow record batches as well, which saves making Python values of them."""

    def write_batch(self, batch: Any) -> bytes:
        """Return the rows of a `pyarrow.RecordBatch` of `warehouse.arrow.readable_schema`."""


@dataclass(frozen=True)
class Format:
    """One format. `name` is how `format=` writes it.

    `media_types` begins with the one it is described by; the others are aliases. `writer` makes a
    `BatchWriter` where it `takes_batches`. `words` are the parameters that choose within it. `library` is
    what it needs beyond the API's own dependencies. `is_packed` says that its bytes are compressed already.
    """

    name: str
    extension: str
    media_types: tuple[str, ...]
    writer: Callable[[Sequence[Column], Options], Writer]
    takes_batches: bool = False
    words: tuple[str, ...] = ()
    media_parameters: str = ""
    library: str | None = None
    is_packed: bool = False

    @property
    def is_available(self) -> bool:
        """Return whether its library is installed; nothing is imported to find out."""
        return self.library is None or is_installed(self.library)

    def content_type(self, media_type: str) -> str:
        """Return the value of the Content-Type header for one of its media types."""
        return media_type + self.media_parameters


@functools.cache
def is_installed(library: str) -> bool:
    """Return whether the library is there; asked once, because looking for one takes long."""
    return find_spec(library) is not None
