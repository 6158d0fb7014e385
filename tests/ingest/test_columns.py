"""Many messages at once are what each of them is alone, whatever is odd about one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.contracts import analytics_table, orders
from exposure.contracts.canary import CANARY_PREFIX
from exposure.contracts.types import KEY_CHARACTERS
from exposure.ingest.message import Message
from exposure.ingest.validate import MAX_DATA_BYTES, MessageValidator
from fakes.messages import NOON, event, message, order

_PLAIN = [json.dumps(event(id=f"evt-{number}")).encode() for number in range(3)]
_ODD = {
    "an absent field": event(data=None),
    "a null": {**event(), "data": None},
    "a key that is absent": event(id=None),
    "an empty key": event(id=""),
    "a key that is too long": event(id="k" * (KEY_CHARACTERS + 1)),
    "a key of a canary": event(id=f"{CANARY_PREFIX}1"),
    "an escaped quote": event(data='say "yes"'),
    "an escaped NUL": event(data="\0"),
    "an escaped backslash": event(data="a\\"),
    "escaped backslashes and quotes": event(data='\\"\\\\""'),
    "an escaped quote and another escape": event(data='a "\n'),
    "an escaped quote in a key": event(id='a"b'),
    "another field": event(more="x"),
    "another field in place of a declared one": {"id": "a", "timestamp": event()["timestamp"], "other": "b"},
    "another zone": event(timestamp="2026-11-25T13:00:00+01:00"),
    "no zone": event(timestamp="2026-11-25T13:00:00"),
    "a time long past": event(timestamp="2016-01-01T00:00:00Z"),
    "a time far ahead": event(timestamp="2028-01-01T00:00:00Z"),
    "a wrong type": event(id=7),
    "no object": [],
}


def assert_all_as_each(contract: Any, payloads: list[bytes], ingest_time: Any = NOON) -> None:
    validator = MessageValidator(contract)
    messages = [message(one, str(number)) for number, one in enumerate(payloads)]
    alone = [validator.validate(one, ingest_time) for one in messages]
    # By their text: instants of two zones are equal, and are not the same row.
    assert repr(list(validator.validate_all(messages, ingest_time))) == repr(alone)


@pytest.mark.parametrize("odd", _ODD.values(), ids=_ODD.keys())
@pytest.mark.parametrize("at", [0, 1, 3])
def test_one_odd_message_among_plain_ones_changes_nothing(odd: object, at: int) -> None:
    payloads = [*_PLAIN[:at], json.dumps(odd).encode(), *_PLAIN[at:]]
    assert_all_as_each(analytics_table.CONTRACT, payloads)


@pytest.mark.parametrize("fewer", [[event(data=None)], [{**event(), "data": None}] * 2])
def test_quotes_too_few_in_one_message_do_not_hide_those_too_many_in_another(
    fewer: list[dict[str, Any]],
) -> None:
    payloads = [json.dumps(one).encode() for one in (event(more="x"), *fewer)]
    assert_all_as_each(analytics_table.CONTRACT, [*_PLAIN, *payloads])


@pytest.mark.parametrize("odd", [b"", b"not json", b"\xff", b"[" * 5000, b'{"id":"a","id":"b"}', b" " * 9])
def test_one_unreadable_message_among_plain_ones_changes_nothing(odd: bytes) -> None:
    assert_all_as_each(analytics_table.CONTRACT, [*_PLAIN, odd])


def test_a_message_too_large_for_an_append_is_rejected_among_others_too() -> None:
    large = json.dumps(event(data="x" * MAX_DATA_BYTES)).encode()
    assert_all_as_each(analytics_table.CONTRACT, [*_PLAIN, large])


def test_the_marked_message_of_a_canary_is_a_row_among_others_too() -> None:
    data = json.dumps(event(id=f"{CANARY_PREFIX}1")).encode()
    marked = Message("1", data, {"exposure-canary": f"{CANARY_PREFIX}1"}, NOON)
    validator = MessageValidator(analytics_table.CONTRACT)
    both = [message(_PLAIN[0], "0"), marked]
    assert list(validator.validate_all(both, NOON)) == [validator.validate(one, NOON) for one in both]
    assert isinstance(validator.validate_all(both, NOON)[1], tuple)


def test_no_messages_are_no_rows() -> None:
    assert list(MessageValidator(analytics_table.CONTRACT).validate_all([], NOON)) == []


@pytest.mark.parametrize("zone", [ZoneInfo("Europe/Berlin"), timezone(timedelta(hours=-11))])
@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_the_bounds_of_the_event_time_are_the_same_to_the_second_in_every_zone_of_the_clock(
    zone: Any, seconds: int
) -> None:
    # Winter here, and summer at the bound in the past.
    arrived = datetime(2027, 3, 27, 12, tzinfo=UTC).astimezone(zone)
    for bound in (-timedelta(days=3650), timedelta(days=365)):
        at = arrived.astimezone(UTC) + bound + timedelta(seconds=seconds)
        payload = json.dumps(event(timestamp=at.isoformat().replace("+00:00", "Z"))).encode()
        assert_all_as_each(analytics_table.CONTRACT, [*_PLAIN, payload], arrived)


_VALUES = st.one_of(st.none(), st.text(max_size=4), st.integers(), st.just("2026-11-25T12:00:00Z"))
_NAMES = st.sampled_from(["id", "timestamp", "data", "more"])
_LIKE_EVENTS = st.one_of(
    st.dictionaries(_NAMES, _VALUES, max_size=4),
    st.builds(event, id=st.text(min_size=1, max_size=3), data=st.none() | st.text(max_size=3)),
    st.builds(event, data=st.text('a"\\\n', max_size=5)),
)


@settings(max_examples=300, deadline=None)
@given(published=st.lists(_LIKE_EVENTS, min_size=1, max_size=4), ascii_only=st.booleans())
def test_any_messages_at_once_are_what_each_of_them_is_alone(
    published: list[dict[str, Any]], ascii_only: bool
) -> None:
    payloads = [json.dumps(one, ensure_ascii=ascii_only).encode() for one in published]
    assert_all_as_each(analytics_table.CONTRACT, payloads)


def test_messages_of_a_contract_with_values_to_convert_are_read_one_by_one() -> None:
    payloads = [json.dumps(order(order_id=f"ord-{number}")).encode() for number in range(3)]
    assert_all_as_each(orders.CONTRACT, payloads)
