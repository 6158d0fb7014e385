"""The slow second look at a message: fields named twice, text no column can hold, fields nobody declared.

Taken only when the typed pass could not account for every quote in the message, or met an escaped NUL. It
is linear in the message's size, which is bounded before.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import cast

import msgspec

from exposure.contracts.types import JSON_DEPTH, Object
from exposure.ingest.document import is_null, json_text
from exposure.ingest.rejection import Reason, Rejected
from exposure.ingest.shape import Shape

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_NAME_CHARACTERS = 100
Extra = dict[str, "msgspec.Raw | Extra"]


def check_text(data: bytes) -> None:
    """Raise Rejected when a field is named twice or a string holds NUL. `data` is valid JSON."""
    # Numbers stay text: their value is not asked here, and Python refuses to parse very long ones.
    level: list[object] = [
        json.loads(data, object_pairs_hook=_unique, parse_int=str, parse_float=str),
    ]
    while level:
        if any(isinstance(value, str) and "\0" in value for value in level):
            raise Rejected(Reason.INVALID_TEXT, "a string holds the character NUL (U+0000)")
        objects = [value for value in level if isinstance(value, dict)]
        lists = [value for value in level if isinstance(value, list)]
        level = [inner for one in objects for pair in one.items() for inner in pair]
        level += [inner for one in lists for inner in one]


def holds_lone_surrogate(data: bytes) -> bool:
    """Tell whether bytes that were refused as JSON are refused for half a UTF-16 pair only."""
    try:
        json.dumps(json.loads(data), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def undeclared(data: bytes, shape: Shape) -> str | None:
    """Return the fields the shape does not declare, as the text of one JSON object, or None.

    Values are kept as published, each under its path; elements of an array under their index. Raises
    Rejected when the object would be nested deeper than a JSON column can hold.
    """
    extra = _undeclared(data, shape, JSON_DEPTH - 1)
    return msgspec.json.encode(extra).decode() if extra else None


def check_declared(data: bytes, shape: Shape) -> None:
    """Raise Rejected for the first field the shape does not declare."""
    extra = _undeclared(data, shape, JSON_DEPTH - 1)
    if extra:
        raise Rejected(Reason.UNKNOWN_FIELD, "is not declared by the contract").under(_first(extra, shape))


def _first(extra: Extra, shape: Shape) -> str:
    """Return the path of the first field in it."""
    name, found = next(iter(extra.items()))
    if not isinstance(found, dict):
        return f".{name[:_NAME_CHARACTERS]}"
    index = next(at for at, column in enumerate(shape.columns) if column.name == name)
    if isinstance(shape.columns[index].type, Object):
        return f".{name}{_first(found, shape.nested[index])}"
    at, element = next(iter(found.items()))
    return f".{name}[{at}]{_first(cast('Extra', element), shape.nested[index])}"


def _undeclared(data: bytes | msgspec.Raw, shape: Shape, depth: int) -> Extra:
    columns = {column.name: index for index, column in enumerate(shape.columns)}
    extra: Extra = {}
    for name, raw in _FIELDS.decode(data).items():
        try:
            if name in columns:
                nested = _inside(raw, shape, columns[name], depth)
                if nested:
                    extra[name] = nested
            else:
                json_text(raw, depth)
                extra[name] = raw
        except Rejected as rejected:
            raise rejected.under(f".{name[:_NAME_CHARACTERS]}") from rejected.__cause__
    return extra


def _inside(raw: msgspec.Raw, shape: Shape, index: int, depth: int) -> Extra:
    logical_type, inner = shape.columns[index].type, shape.nested.get(index)
    if inner is None or is_null(raw):
        return {}
    if isinstance(logical_type, Object):
        return _undeclared(raw, inner, depth - 1)
    found = {
        str(at): _undeclared(element, inner, depth - 2) for at, element in enumerate(_ELEMENTS.decode(raw))
    }
    return {at: extra for at, extra in found.items() if extra}


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        name = json.dumps(twice[:_NAME_CHARACTERS])
        raise Rejected(Reason.DUPLICATE_FIELD, f"the field {name} is given twice in one object")
    return fields
