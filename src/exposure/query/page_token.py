"""Where a page walk stands: the position behind the last row and the snapshot, bound to their question.

The bytes made here are sealed by the caller: a reader cannot look into a token, change it, or use it
for another question. What is sealed is trusted; nothing here tells a forged position from a true one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from exposure.contracts.types import Scalar
from exposure.query.model import Condition, Filter, Not, Or, Order, Query, Row, Snapshot

# Raised whenever what is written changes, so that a token of another release is refused, not misread.
_FORM = 3


class BadPageToken(ValueError):
    """The token cannot be used: it was changed, it is of another key, or of another question."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def invalid_token() -> BadPageToken:
    """Return the error of a token that was not made here or was changed since."""
    return BadPageToken(
        "INVALID_PAGE_TOKEN", "this page_token was not made by this API; take next_page_token as it is"
    )


def write_position(query: Query, position: Row, snapshot: Snapshot) -> bytes:
    """Return the bytes of a position in the query's order, exact for every type, and of the snapshot."""
    content = [fingerprint(query), _written(position), [_written(snapshot.at), snapshot.rows]]
    return json.dumps(content, separators=(",", ":")).encode()


def continue_query(query: Query, content: bytes) -> Query:
    """Return the query of the next page; raises BadPageToken when the position is another question's."""
    try:
        mark, values, moment = json.loads(content)
    except (ValueError, TypeError) as error:
        # Sealed with one of our keys and yet not of this form: another release's.
        raise invalid_token() from error
    if mark != fingerprint(query):
        raise BadPageToken(
            "PAGE_TOKEN_MISMATCH",
            "this page_token belongs to another question; keep filters and order for the whole walk, and "
            "begin again when the contract has a new version",
        )
    after = tuple(_read(order, value) for order, value in zip(query.order, values, strict=True))
    at, rows = moment
    return replace(query, after=after, snapshot=Snapshot(_instant(at), rows))


def fingerprint(query: Query) -> str:
    """Return what makes two pages parts of one walk: contract, filters and order, not size or columns."""
    filters = [_condition(one) for one in query.filters]
    parts = [
        _FORM,
        query.contract.name,
        query.contract.version,
        # All of them hold, so their order says nothing.
        sorted(filters, key=repr),
        [[order.column.name, order.descending, order.nulls_first] for order in query.order],
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _condition(one: Condition) -> list[object]:
    """Return a condition so that no two that differ are written alike."""
    if isinstance(one, Filter):
        return [one.name, one.operator, _written(one.value)]
    if isinstance(one, Not):
        return ["not", _condition(one.condition)]
    word = "or" if isinstance(one, Or) else "and"
    return [word, *(_condition(inner) for inner in one.conditions)]


def _written(value: object) -> object:
    if isinstance(value, tuple):
        return [_written(one) for one in value]
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date | datetime) else value


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _read(order: Order, value: Any) -> object:
    if value is None:
        return None
    scalar = order.column.type
    return _READERS[scalar](value) if isinstance(scalar, Scalar) and scalar in _READERS else value


_READERS: dict[Scalar, Callable[[Any], object]] = {
    Scalar.NUMBER: float.fromhex,
    Scalar.DECIMAL: Decimal,
    Scalar.DATE: date.fromisoformat,
    Scalar.TIMESTAMP: _instant,
}
