"""The values of many messages at once, column by column, when nothing about any of them is odd.

What is odd is not judged here: an absent field, an escape that is no quote, a quote too many, an instant of
another zone, and the whole batch is left to `validate`, which looks at each message and has the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from operator import attrgetter
from types import NoneType
from typing import Any

import msgspec
from msgspec.structs import astuple

from exposure.contracts.canary import CANARY_PREFIX, reserved_keys
from exposure.contracts.model import Contract
from exposure.contracts.types import KEY_CHARACTERS
from exposure.ingest.shape import Shape

_ZONE = attrgetter("tzinfo")
_NO_VALUES = frozenset({NoneType, msgspec.UnsetType})
_QUOTE, _ESCAPE, _ESCAPED_QUOTE = b'"', b"\\", b'\\"'
_CANARY = CANARY_PREFIX.encode()
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class PlainMessages:
    """Reads messages of one contract; `shape` is that of its columns."""

    def __init__(self, contract: Contract, shape: Shape) -> None:
        self._decode = msgspec.json.Decoder(shape.struct).decode
        self._quotes = shape.quotes
        self._instants = shape.instants
        names = [column.name for column in contract.columns]
        self._key, self._event_time = names.index(contract.key), names.index(contract.event_time)
        # What has to be converted is converted message by message.
        self._is_readable = not (shape.converters or shape.nested)
        self._is_reserved = reserved_keys(contract)

    def columns(
        self, data: Sequence[bytes], bounds: tuple[datetime, datetime]
    ) -> Sequence[Sequence[Any]] | None:
        """Return the values of each column, or None when a message is odd or its event time out of bounds."""
        together = b"".join(data)
        if not (self._is_readable and data and self._may_be_plain(together, len(data))):
            return None
        try:
            decoded = list(map(self._decode, data))
        except _UNREADABLE:
            return None
        columns = list(zip(*map(astuple, decoded), strict=True))
        if not (self._has_all_values(columns) and self._has_right_keys(columns[self._key])):
            return None
        times = columns[self._event_time]
        return columns if bounds[0] <= min(times) <= max(times) <= bounds[1] else None

    def _may_be_plain(self, together: bytes, messages: int) -> bool:
        """Tell whether all have the quotes their fields take, no escapes but of quotes, and no canary's key.

        One that has the values of all fields has no fewer; so when all have them, none holds any more.
        """
        quotes = len(together) - len(together.translate(None, _QUOTE))
        if _ESCAPE in together:
            escaped = together.count(_ESCAPED_QUOTE)
            if escaped != together.count(_ESCAPE):
                return False
            quotes -= escaped
        return quotes == self._quotes * messages and _CANARY not in together

    def _has_all_values(self, columns: Sequence[Sequence[Any]]) -> bool:
        return all(_NO_VALUES.isdisjoint(map(type, column)) for column in columns) and all(
            set(map(_ZONE, columns[index])) == {UTC} for index in self._instants
        )

    def _has_right_keys(self, keys: Sequence[Any]) -> bool:
        """Tell whether all are of a right length, and none is a canary's, which must be marked.

        Of texts the latter is known already: nothing in the messages looks like one.
        """
        if isinstance(keys[0], str):
            return all(keys) and max(map(len, keys)) <= KEY_CHARACTERS
        return not self._is_reserved(min(keys))
