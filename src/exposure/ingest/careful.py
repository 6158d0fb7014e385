"""The slow second look at a message: fields named twice, text no column can hold, fields nobody declared.

Taken only when the fast pass counted more keys than it knows, or met an escape it cannot judge.
"""

from __future__ import annotations

import json

import msgspec

from exposure.contracts.types import Object
from exposure.ingest.rejection import Reason, Rejected
from exposure.ingest.shape import Shape

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
Extra = dict[str, "msgspec.Raw | Extra"]


def check_text(data: bytes) -> None:
    """Raise Rejected when a field is named twice or a string holds NUL. `data` is valid JSON."""
    # Numbers stay text: their value is not asked here, and Python refuses to parse very long ones.
    value = json.loads(data, object_pairs_hook=_unique, parse_int=str, parse_float=str)
    _refuse_nul(value)


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

    Values are kept as published, each under its path; elements of an array under their index.
    """
    extra = _undeclared(data, shape)
    return msgspec.json.encode(extra).decode() if extra else None


def _undeclared(data: bytes | msgspec.Raw, shape: Shape) -> Extra:
    columns = {column.name: index for index, column in enumerate(shape.columns)}
    extra: Extra = {}
    for name, raw in _FIELDS.decode(data).items():
        if name not in columns:
            extra[name] = raw
            continue
        nested = _inside(raw, shape, columns[name])
        if nested:
            extra[name] = nested
    return extra


def _inside(raw: msgspec.Raw, shape: Shape, index: int) -> Extra:
    logical_type, inner = shape.columns[index].type, shape.nested.get(index)
    if inner is None or bytes(raw) == b"null":
        return {}
    if isinstance(logical_type, Object):
        return _undeclared(raw, inner)
    found = {str(at): _undeclared(element, inner) for at, element in enumerate(_ELEMENTS.decode(raw))}
    return {at: extra for at, extra in found.items() if extra}


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Rejected(
            Reason.DUPLICATE_FIELD, f"the field {json.dumps(twice[:100])} is given twice in one object"
        )
    return fields


def _refuse_nul(value: object) -> None:
    if isinstance(value, str) and "\0" in value:
        raise Rejected(Reason.INVALID_TEXT, "a string holds the character NUL (U+0000)")
    if isinstance(value, dict):
        for name, one in value.items():
            _refuse_nul(name)
            _refuse_nul(one)
    if isinstance(value, list):
        for one in value:
            _refuse_nul(one)
