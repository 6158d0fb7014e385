"""Whether a served row says what was published, whichever of its spellings JSON has for a value.

Written apart from what decodes and encodes rows, so that a fault of theirs is not repeated here. What the
platform adds to a row is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from exposure.contracts.model import Column
from exposure.contracts.types import Array, LogicalType, Object, Scalar

_READ: dict[LogicalType, Callable[[Any], object]] = {
    Scalar.DECIMAL: lambda value: Decimal(str(value)),
    Scalar.NUMBER: float,
    Scalar.TIMESTAMP: datetime.fromisoformat,
}
# Like no value, null among them.
_ABSENT = object()


def first_difference(
    columns: Sequence[Column], published: Mapping[str, object], served: Mapping[str, object]
) -> str | None:
    """Return the name of the first column whose served value is not the published one; None for none."""
    for column in columns:
        if not _is_same(column.type, published.get(column.name), served.get(column.name, _ABSENT)):
            return column.name
    return None


def _is_same(logical_type: LogicalType, published: Any, served: Any) -> bool:
    """Compare one value; what was left out is null, and a list that was left out is an empty one."""
    if isinstance(logical_type, Array):
        return _is_same_list(logical_type, published or [], served)
    if published is None or served is None:
        return published is served
    if isinstance(logical_type, Object):
        return isinstance(served, dict) and first_difference(logical_type.fields, published, served) is None
    if logical_type not in _READ:
        # To Python, true is 1.
        return bool(published == served) and isinstance(published, bool) is isinstance(served, bool)
    read = _READ[logical_type]
    try:
        return read(published) == read(served)
    except (ArithmeticError, TypeError, ValueError):
        return False


def _is_same_list(logical_type: Array, published: list[Any], served: Any) -> bool:
    if not isinstance(served, list) or len(served) != len(published):
        return False
    pairs = zip(published, served, strict=True)
    return all(_is_same(logical_type.of, one, other) for one, other in pairs)
