"""From a message to a row of its contract, or to the reason why it can never be one.

One typed pass in C over well-formed messages; a second, careful look only at messages that need it. The
count of keys tells which: if the bytes hold as many keys as the pass found fields, then no field is there
twice and none is undeclared. Keys are counted without parsing: inside a string a quote stands behind a
backslash, so `":` without one closes a key (unless an escaped backslash ends it: looked at with care).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from exposure.contracts.model import Contract
from exposure.ingest.careful import check_text, holds_lone_surrogate, undeclared
from exposure.ingest.message import Message
from exposure.ingest.rejection import Reason, Rejected, Rejection
from exposure.ingest.shape import compile_shape
from exposure.query.model import Row

_WHITESPACE = b" \t\r\n"
_ESCAPED_NUL = b"\\u0000"
_ESCAPED_BACKSLASH_LAST = b'\\\\"'
# A row must fit one append of 10 MB beside its metadata; what does not fit is still quarantined whole.
MAX_DATA_BYTES = 9_000_000
# The window in which BigQuery takes streamed rows of a partitioned table.
# https://cloud.google.com/bigquery/docs/write-api-streaming#work_with_partitioned_tables
_PAST = timedelta(days=3650)
_FUTURE = timedelta(days=365)


class MessageValidator:
    """Makes rows of one contract's messages; compiled once, then used for every message."""

    def __init__(self, contract: Contract) -> None:
        self._shape = compile_shape(contract.name, contract.columns)
        self._decoder = msgspec.json.Decoder(self._shape.struct)
        names = [column.name for column in contract.columns]
        self._key, self._event_time = names.index(contract.key), names.index(contract.event_time)
        self._contract = contract

    def validate(self, message: Message, ingest_time: datetime) -> Row | Rejection:
        """Return the row, one value per stored column, or why there is none; bad data raises nothing."""
        try:
            return self._row(message, ingest_time)
        except Rejected as rejected:
            return rejected.rejection
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _rejection_of(error, message.data)

    def _row(self, message: Message, ingest_time: datetime) -> Row:
        data = message.data
        if len(data) > MAX_DATA_BYTES:
            raise Rejected(Reason.TOO_LARGE, f"{len(data)} bytes; a row may have {MAX_DATA_BYTES}")
        values, fields = self._shape.values(self._decoder.decode(data), "$")
        extra = None
        if not _is_plain(data, fields):
            check_text(data)
            extra = undeclared(data, self._shape)
        self._check_key(values[self._key])
        self._check_event_time(values[self._event_time], ingest_time)
        return (*values, message.id, message.publish_time, ingest_time, extra)

    def _check_key(self, key: object) -> None:
        if key == "":
            raise Rejected(Reason.MISSING_FIELD, f"`$.{self._contract.key}` is the key and empty")

    def _check_event_time(self, event_time: Any, ingest_time: datetime) -> None:
        if not ingest_time - _PAST <= event_time <= ingest_time + _FUTURE:
            raise Rejected(
                Reason.OUT_OF_RANGE,
                f"`$.{self._contract.event_time}` is more than 10 years past or 1 year ahead of its arrival",
            )


def _is_plain(data: bytes, fields: int) -> bool:
    """Tell whether valid JSON surely has that many keys and no NUL; `count` is the fastest search."""
    compact = data.translate(None, _WHITESPACE)
    if not compact.count(b"\\"):
        return compact.count(b'":') == fields
    if compact.count(_ESCAPED_NUL) or compact.count(_ESCAPED_BACKSLASH_LAST):
        return False
    return compact.count(b'":') - compact.count(b'\\":') == fields


def _rejection_of(error: Exception, data: bytes) -> Rejection:
    if isinstance(error, RecursionError):
        return Rejection(Reason.TOO_DEEP, "the message is nested too deeply to be read")
    if isinstance(error, UnicodeDecodeError):
        return Rejection(Reason.INVALID_TEXT, f"not UTF-8: {error.reason} at byte {error.start}")
    if isinstance(error, msgspec.ValidationError):
        return Rejection(_reason_of(str(error)), str(error))
    if holds_lone_surrogate(data):
        return Rejection(Reason.INVALID_TEXT, "a string holds a lone UTF-16 surrogate")
    return Rejection(Reason.NOT_JSON, str(error) if data else "the message has no data")


def _reason_of(complaint: str) -> Reason:
    """Return whose kind msgspec's complaint is: a value beyond its type's bounds, or of another type."""
    beyond = "out of range" in complaint or "<=" in complaint or ">=" in complaint
    return Reason.OUT_OF_RANGE if beyond else Reason.WRONG_TYPE
