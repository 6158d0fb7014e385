"""Every format the API knows, in the order of preference where a request leaves the choice."""

from __future__ import annotations

from collections.abc import Sequence

from exposure.api.encode import JSON
from exposure.api.formats.arrow_formats import arrow_writer, parquet_writer
from exposure.api.formats.csv_text import csv_writer
from exposure.api.formats.format import Format
from exposure.api.formats.json_shapes import json_writer
from exposure.api.formats.ndjson import ndjson_writer
from exposure.query.grammar import BOM, CSV_SAFE, END_RECORD, SHAPE

JSON_FORMAT = Format("json", "json", (JSON,), json_writer, words=(SHAPE,))
FORMATS: Sequence[Format] = (
    JSON_FORMAT,
    Format(
        "ndjson", "ndjson", ("application/x-ndjson", "application/ndjson"), ndjson_writer, words=(END_RECORD,)
    ),
    # The header's presence is a parameter of the media type: https://www.rfc-editor.org/rfc/rfc4180#section-3
    Format(
        "csv",
        "csv",
        ("text/csv", "application/csv"),
        csv_writer,
        words=(CSV_SAFE, BOM),
        media_parameters="; charset=utf-8; header=present",
    ),
    Format(
        "arrow",
        "arrows",
        ("application/vnd.apache.arrow.stream",),
        arrow_writer,
        takes_batches=True,
        library="pyarrow",
    ),
    Format(
        "parquet",
        "parquet",
        ("application/vnd.apache.parquet",),
        parquet_writer,
        takes_batches=True,
        library="pyarrow",
        is_packed=True,
    ),
)


def format_of(media_type: str) -> Format:
    """Return the format one of whose media types this is; KeyError when there is none."""
    for one in FORMATS:
        if media_type in one.media_types:
            return one
    raise KeyError(media_type)
