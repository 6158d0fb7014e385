"""Which messages become rows, and what is said of the others."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from exposure.contracts.analytics_table import CONTRACT
from exposure.contracts.orders import CONTRACT as ORDERS
from exposure.ingest.rejection import Reason, Rejection
from exposure.ingest.validate import MAX_DATA_BYTES, MessageValidator
from fakes.messages import NOON, event, message, order
from fakes.validated import ARRIVED, rejection_of, row_of, short

AT = b'"timestamp":"2026-11-25T12:00:00Z"'


def test_a_row_has_the_columns_of_the_table_in_their_order() -> None:
    row = MessageValidator(CONTRACT).validate(message(event(), "77"), ARRIVED)
    assert row == ("evt-1", NOON, "hello", "77", NOON, ARRIVED, None)


@pytest.mark.parametrize(
    ("data", "reason", "place"),
    [
        (b"", Reason.NOT_JSON, "no data"),
        (b"not json", Reason.NOT_JSON, "byte"),
        (b'{"id": "a"', Reason.NOT_JSON, "truncated"),
        (b'{"id": NaN, ' + AT + b"}", Reason.NOT_JSON, "byte 7"),
        (b'{"id": "a", ' + AT + b', "data": Infinity}', Reason.NOT_JSON, "byte"),
        (b"\xef\xbb\xbf{}", Reason.NOT_JSON, "byte 0"),
        (b"[]", Reason.WRONG_TYPE, "`object`"),
        (b"null", Reason.WRONG_TYPE, "`object`"),
        (b'{"id": 1, ' + AT + b"}", Reason.WRONG_TYPE, "$.id"),
        (b'{"id": null, ' + AT + b"}", Reason.WRONG_TYPE, "$.id"),
        (b'{"id": "a", "timestamp": "noon"}', Reason.WRONG_TYPE, "$.timestamp"),
        (b'{"id": "a", "timestamp": "2026-11-25T12:00:00"}', Reason.WRONG_TYPE, "timezone"),
        (b'{"id": "a", "timestamp": 1764072000}', Reason.WRONG_TYPE, "$.timestamp"),
        (b'{"id": "a"}', Reason.MISSING_FIELD, "`$.timestamp` is required"),
        (b"{}", Reason.MISSING_FIELD, "`$.id` is required"),
        (b'{"id": "", ' + AT + b"}", Reason.MISSING_FIELD, "`$.id` is the key and empty"),
        (b'{"id": "' + b"k" * 257 + b'", ' + AT + b"}", Reason.OUT_OF_RANGE, "longer than 256 characters"),
        (b'{"id": "\xff", ' + AT + b"}", Reason.INVALID_TEXT, "UTF-8"),
        (b'{"id": "\xed\xa0\x80", ' + AT + b"}", Reason.INVALID_TEXT, "UTF-8"),
        (b'{"id": "\\ud800", ' + AT + b"}", Reason.INVALID_TEXT, "surrogate"),
        (b'{"id": "a\\u0000b", ' + AT + b"}", Reason.INVALID_TEXT, "NUL"),
        (b'{"id": "a\x00b", ' + AT + b"}", Reason.NOT_JSON, "byte"),
        (b'{"id": "a", "id": "b", ' + AT + b"}", Reason.DUPLICATE_FIELD, '"id"'),
        (b'{"id": "a", "\\u0069d": "b", ' + AT + b"}", Reason.DUPLICATE_FIELD, '"id"'),
        (b'{"id": "a", "x": 1, "x": 2, ' + AT + b"}", Reason.DUPLICATE_FIELD, '"x"'),
        (b'{"id": "a", "x": "\\ud800", ' + AT + b"}", Reason.INVALID_TEXT, "surrogate"),
        (b'{"id": "a", "x": "\xff", ' + AT + b"}", Reason.INVALID_TEXT, "UTF-8"),
        (b'{"id": "a", "x": "\xed\xa0\x80", ' + AT + b"}", Reason.INVALID_TEXT, "UTF-8"),
        (b'{"id": "a", "x": {"y": ["\\u0000"]}, ' + AT + b"}", Reason.INVALID_TEXT, "NUL"),
        (b'{"id": "a", "\\u0000": 1, ' + AT + b"}", Reason.INVALID_TEXT, "NUL"),
        (b'{"id": "a", "x": ' + b"[" * 500 + b"]" * 500 + b", " + AT + b"}", Reason.TOO_DEEP, "`$.x`"),
        (b'{"id": "a", "x": ' + b"[" * 10_000 + b"]" * 10_000 + b", " + AT + b"}", Reason.TOO_DEEP, ""),
        (b"[" * 10_000 + b"]" * 10_000, Reason.WRONG_TYPE, "`object`"),
        (b'{"id": "a", "timestamp": "2016-01-01T00:00:00Z"}', Reason.OUT_OF_RANGE, "`$.timestamp`"),
        (b'{"id": "a", "timestamp": "2027-12-01T00:00:00Z"}', Reason.OUT_OF_RANGE, "`$.timestamp`"),
        (b'{"id": "a", "timestamp": "0001-01-01T00:00:00+14:00"}', Reason.OUT_OF_RANGE, "`$.timestamp`"),
    ],
    ids=short,
)  # fmt: skip
def test_a_bad_message_is_rejected_with_its_reason_and_place(data: bytes, reason: Reason, place: str) -> None:
    rejection = rejection_of(data)
    assert (rejection.reason, place in rejection.detail) == (reason, True), rejection


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert row_of(event(data="\\u0000"))["data"] == "\\u0000"


@pytest.mark.parametrize(
    "data",
    [
        '": {"',
        '\\": ',
        'a": 1, "b',
        '{"id": "x"}',
        "back\\",
        '\\\\"',
        'tab\t"quote"',
        'ñ "ü" €',
        '"',
        '""',
        ":",
        '","',
    ],
)
def test_quotes_and_escapes_in_a_text_are_only_text(data: str) -> None:
    for ensure_ascii in (True, False):
        payload = json.dumps(event(data=data), ensure_ascii=ensure_ascii).encode()
        row = row_of(payload)
        assert (row["data"], row["_extra"]) == (data, None)


@pytest.mark.parametrize("separators", [(",", ":"), (" ,  ", " \t\r\n: ")])
def test_whitespace_between_the_parts_of_a_message_means_nothing(separators: tuple[str, str]) -> None:
    payload = json.dumps(event(), separators=separators, indent=1).encode()
    assert row_of(payload)["_extra"] is None


def test_the_event_time_may_be_ten_years_old_and_a_year_ahead_to_the_second() -> None:
    oldest, newest = ARRIVED - timedelta(days=3650), ARRIVED + timedelta(days=365)
    for moment in (oldest, newest):
        assert row_of(event(timestamp=moment.isoformat()))["timestamp"] == moment
    for moment in (oldest - timedelta(seconds=1), newest + timedelta(seconds=1)):
        assert rejection_of(event(timestamp=moment.isoformat())).reason is Reason.OUT_OF_RANGE


def test_a_message_too_large_for_an_append_is_rejected_and_one_byte_less_is_not() -> None:
    frame = len(json.dumps(event(data="")).encode())
    fits = event(data="x" * (MAX_DATA_BYTES - frame))
    assert row_of(fits)["id"] == "evt-1"
    assert rejection_of(event(data=fits["data"] + "x")).reason is Reason.TOO_LARGE


def test_a_detail_does_not_quote_values() -> None:
    secret = "4111-1111"
    bad: list[dict[str, Any]] = [
        order(customer_id=secret), order(placed_at=secret), order(total=secret), order(deliver_on=secret),
        order(items=secret), order(order_id="", context=secret),
    ]  # fmt: skip
    for published in bad:
        assert secret not in rejection_of(published, ORDERS).detail


def test_a_local_time_zone_of_the_clock_changes_nothing() -> None:
    arrived = ARRIVED.astimezone(timezone(timedelta(hours=9)))
    row = MessageValidator(CONTRACT).validate(message(event()), arrived)
    assert not isinstance(row, Rejection)
    assert row[5] == datetime(2026, 11, 25, 12, 0, 5, tzinfo=UTC)
