"""A JSON value that is kept as published: measured, never rebuilt.

Its text stays as it is, so no number loses a digit. Whether a name is given twice inside it is not judged
here: `validate` sees that the bytes hold more quotes than were found, and `careful` then looks.
"""

from __future__ import annotations

import json

import msgspec

from exposure.contracts.types import JSON_DEPTH
from exposure.ingest.rejection import Reason, Rejected

_NULL = b"null"
# Numbers are not looked at: only that they are no text matters, and msgspec refuses those beyond its own.
_VALUES = msgspec.json.Decoder(float_hook=bool)


def is_null(raw: msgspec.Raw) -> bool:
    """Tell whether the value is JSON's null."""
    return bytes(raw) == _NULL


def json_text(raw: msgspec.Raw, depth: int = JSON_DEPTH) -> tuple[str, int]:
    """Return the value's text and how many quotes its names and texts need.

    Raises Rejected when it is nested deeper than `depth` or is not UTF-8.
    """
    try:
        text = bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise Rejected(Reason.INVALID_TEXT, f"is not UTF-8: {error.reason}") from error
    if text.startswith(("{", "[")):
        return text, _quotes(_value(text), depth)
    return text, 2 if text.startswith('"') else 0


def _value(text: str) -> object:
    try:
        return _VALUES.decode(text)
    except msgspec.ValidationError:  # an integer of thousands of digits
        value: object = json.loads(text, parse_int=bool, parse_float=bool)
        return value


def _quotes(value: object, depth: int) -> int:
    """Count level by level: recursion would be deeper than Python's own limit allows."""
    quotes, level = 0, [value]
    while level:
        if depth <= 0:
            raise Rejected(Reason.TOO_DEEP, f"is nested deeper than {JSON_DEPTH} levels")
        depth -= 1
        inner: list[object] = []
        for one in level:
            if isinstance(one, dict):
                quotes += 2 * len(one)
                inner += one.values()
            elif isinstance(one, list):
                inner += one
        quotes += 2 * sum(isinstance(one, str) for one in inner)
        level = [one for one in inner if isinstance(one, dict | list)]
    return quotes
