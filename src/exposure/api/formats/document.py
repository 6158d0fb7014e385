"""The formats as OpenAPI describes them: the parameters that choose one, and their media types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from exposure.api.encode import JSON
from exposure.api.formats.format import Shape
from exposure.api.formats.offered import FORMATS
from exposure.query.grammar import (
    BOM,
    CSV_SAFE,
    END_RECORD,
    EXPORT_PARAMETERS,
    FORMAT,
    SHAPE,
    SYSTEM_PARAMETERS,
)

Document = dict[str, Any]
_ABOUT = {
    "ndjson": "One row as a JSON object per line.",
    "csv": "RFC 4180, with a line of names.",
    "arrow": "Arrow IPC stream.",
    "parquet": "Parquet file.",
}
_TRUTHS = {
    END_RECORD: 'NDJSON only: end with `{"_end": …}`, which counts the rows and seals the bytes before it.',
    CSV_SAFE: "CSV only: put an apostrophe before texts that a spreadsheet would run as formulas.",
    BOM: "CSV only: begin with a byte order mark, by which spreadsheets recognize UTF-8.",
}


def row_words() -> list[Document]:
    """Return the parameters that choose how one row is written."""
    names = [one.name for one in FORMATS if one.is_available]
    description = "The format, before whatever the Accept header says."
    return [_query(FORMAT, description, {"type": "string", "enum": names}, names[0])]


def page_words() -> list[Document]:
    """Return the parameters that choose how a page is written."""
    return [*row_words(), *_words(tuple(Shape))]


def export_parameters(of_pages: Iterable[Document]) -> list[Document]:
    """Return the parameters of an export, given those of a page."""
    paging = set(SYSTEM_PARAMETERS) - set(EXPORT_PARAMETERS)
    kept = [one for one in of_pages if one["name"] not in paging]
    return [*kept, *row_words(), *_words((Shape.OBJECTS, Shape.ARRAYS))]


def media_types(schema: Document) -> Document:
    """Return the content of an answer that has this schema as JSON objects."""
    content: Document = {JSON: {"schema": schema}}
    for one in FORMATS:
        if one.name in _ABOUT and one.is_available:
            about = {"schema": {"type": "string", "description": _ABOUT[one.name]}}
            content |= dict.fromkeys(one.media_types, about)
    return content


def _words(shapes: tuple[Shape, ...]) -> list[Document]:
    layout = "JSON only: an object a row, an array a row, or an array a column. The schema shows objects."
    shape = {"type": "string", "enum": [one.value for one in shapes], "default": Shape.OBJECTS.value}
    return [
        _query(SHAPE, layout, shape, Shape.OBJECTS.value),
        *(
            _query(name, about, {"type": "boolean", "default": False}, example=False)
            for name, about in _TRUTHS.items()
        ),
    ]


def _query(name: str, description: str, schema: Document, example: object = None) -> Document:
    parameter = {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
    return parameter if example is None else parameter | {"example": example}
