"""From a message to a row of its contract, or to the reason why it can never be one.

One typed pass in C over well-formed messages; a second, careful look only at messages that need it. Quotes
tell which: a JSON text has two for each name and each string, and one for each escaped quote. If the bytes
hold as many as the typed pass accounts for, no field is there twice and none is undeclared, for either
would bring more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import repeat

import msgspec

from exposure.contracts.canary import CANARY_MARK, reserved_keys
from exposure.contracts.model import Contract
from exposure.contracts.types import KEY_CHARACTERS, Scalar
from exposure.contracts.unknown_fields import UnknownFields
from exposure.ingest.careful import check_declared, check_text, holds_lone_surrogate, undeclared
from exposure.ingest.columns import PlainMessages
from exposure.ingest.message import Message
from exposure.ingest.rejection import Reason, Rejected, Rejection
from exposure.ingest.shape import compile_shape
from exposure.query.model import Row

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
        self._decode, self._values = msgspec.json.Decoder(self._shape.struct).decode, self._shape.values
        names = [column.name for column in contract.columns]
        self._key, self._event_time = names.index(contract.key), names.index(contract.event_time)
        self._is_reserved = reserved_keys(contract)
        self._key_is_text = contract.key_column.type is Scalar.STRING
        self._contract = contract
        self._plain = PlainMessages(contract, self._shape)

    def validate_all(self, messages: Sequence[Message], ingest_time: datetime) -> Sequence[Row | Rejection]:
        """Return what `validate` would of each; in a third of the time when all of them are plain."""
        data = [message.data for message in messages]
        if max(map(len, data), default=0) <= MAX_DATA_BYTES:
            at = ingest_time.astimezone(UTC)
            columns = self._plain.columns(data, (at - _PAST, at + _FUTURE))
            if columns is not None:
                ids = [message.id for message in messages]
                published = [message.publish_time for message in messages]
                # Those that repeat have no end of their own.
                return list(zip(*columns, ids, published, repeat(ingest_time), repeat(None), strict=False))
        return [self.validate(message, ingest_time) for message in messages]

    def validate(self, message: Message, ingest_time: datetime) -> Row | Rejection:
        """Return the row, one value per stored column, or why there is none; bad data raises nothing."""
        data = message.data
        if len(data) > MAX_DATA_BYTES:
            return Rejection(Reason.TOO_LARGE, f"{len(data)} bytes; a row may have {MAX_DATA_BYTES}")
        try:
            values, quotes = self._values(self._decode(data))
            extra = None if is_accounted_for(data, quotes) else self._extra(data)
            if self._key_is_text and not 0 < len(values[self._key]) <= KEY_CHARACTERS:
                raise self._wrong_key(values[self._key])
            if self._is_reserved(values[self._key]) and CANARY_MARK not in message.attributes:
                raise Rejected(
                    Reason.RESERVED_KEY, "is a key that only the platform's own canaries have"
                ).under(f".{self._contract.key}")
            if not -_FUTURE <= ingest_time - values[self._event_time] <= _PAST:
                raise Rejected(
                    Reason.OUT_OF_RANGE, "is more than 10 years past or 1 year ahead of its arrival"
                ).under(f".{self._contract.event_time}")
        except Rejected as rejected:
            return rejected.rejection
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _rejection_of(error, data)
        return (*values, message.id, message.publish_time, ingest_time, extra)

    def _wrong_key(self, key: str) -> Rejected:
        if not key:
            rejected = Rejected(Reason.MISSING_FIELD, "is the key and empty")
        else:
            rejected = Rejected(
                Reason.OUT_OF_RANGE, f"is the key and longer than {KEY_CHARACTERS} characters"
            )
        return rejected.under(f".{self._contract.key}")

    def _extra(self, data: bytes) -> str | None:
        check_text(data)
        if self._contract.unknown_fields is UnknownFields.KEEP:
            return undeclared(data, self._shape)
        if self._contract.unknown_fields is UnknownFields.REJECT:
            check_declared(data, self._shape)
        return None


def is_accounted_for(data: bytes, quotes: int) -> bool:
    """Tell whether valid JSON surely holds no more than the names and strings that need so many quotes.

    Never true when a string holds NUL, which the typed pass takes.
    """
    surplus = data.count(b'"') - quotes
    if surplus:
        return _escaped_quotes(data) == surplus
    return data.find(b"\\") < 0 or data.find(b"\\u0000") < 0


def _escaped_quotes(data: bytes) -> int | None:
    """Return how many quotes valid JSON escapes, or None when a string may hold NUL."""
    found = data.count(b'\\"')
    if found == data.count(b"\\"):
        return found
    # Without escaped backslashes, a quote behind a backslash is an escaped one, and only that.
    unpaired = data.replace(b"\\\\", b"")
    return None if unpaired.find(b"\\u0000") >= 0 else unpaired.count(b'\\"')


def _rejection_of(error: Exception, data: bytes) -> Rejection:
    if isinstance(error, RecursionError):
        return Rejection(Reason.TOO_DEEP, "the message is nested too deeply to be read")
    if isinstance(error, UnicodeDecodeError):
        return Rejection(Reason.INVALID_TEXT, f"the message is not UTF-8: {error.reason}")
    if isinstance(error, msgspec.ValidationError):
        return Rejection(_reason_of(str(error)), str(error))
    if holds_lone_surrogate(data):
        return Rejection(Reason.INVALID_TEXT, "a string holds a lone UTF-16 surrogate")
    return Rejection(Reason.NOT_JSON, str(error) if data else "the message has no data")


def _reason_of(complaint: str) -> Reason:
    """Return whose kind msgspec's complaint is: a value beyond its type's bounds, or of another type."""
    beyond = "out of range" in complaint or "<=" in complaint or ">=" in complaint
    return Reason.OUT_OF_RANGE if beyond else Reason.WRONG_TYPE
