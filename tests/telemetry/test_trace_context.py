"""What headers and attributes say of a trace, and that nothing else is taken for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.telemetry.trace_context import (
    TraceContext,
    context_of_attributes,
    context_of_headers,
    parse_cloud_trace,
    parse_traceparent,
)

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEX = "0123456789abcdef"


@given(st.text(HEX, min_size=32, max_size=32), st.text(HEX, min_size=16, max_size=16), st.booleans())
def test_a_traceparent_that_is_written_is_read_back(trace_id: str, span_id: str, is_sampled: bool) -> None:
    context = TraceContext(trace_id, span_id, is_sampled)
    is_something = int(trace_id, 16) > 0 and int(span_id, 16) > 0
    written = f"00-{trace_id}-{span_id}-{'01' if is_sampled else '00'}"
    assert parse_traceparent(written) == (context if is_something else None)


@given(st.text())
def test_no_text_of_a_stranger_raises(text: str) -> None:
    assert parse_traceparent(text) is None or len(text) >= 55
    assert parse_cloud_trace(text) is None or "/" in text


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"00-{TRACE}-{SPAN}",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"01-{TRACE}-{SPAN}-01-{'x' * 200}",
    ],
)
def test_what_is_not_of_the_form_is_as_if_it_were_not_there(text: str) -> None:
    assert parse_traceparent(text) is None


def test_a_later_version_may_say_more() -> None:
    assert parse_traceparent(f"cc-{TRACE}-{SPAN}-01-more") == TraceContext(TRACE, SPAN, is_sampled=True)


@pytest.mark.parametrize(
    ("text", "is_sampled"),
    [(f"{TRACE}/{int(SPAN, 16)};o=1", True), (f"{TRACE.upper()}/{int(SPAN, 16)}", False)],
)
def test_googles_older_header_is_read_with_its_decimal_span(text: str, is_sampled: bool) -> None:
    assert parse_cloud_trace(text) == TraceContext(TRACE, SPAN, is_sampled)


@pytest.mark.parametrize("text", [TRACE, f"{TRACE}/0;o=1", f"{TRACE}/{2**64};o=1", f"{TRACE}/12;o=x"])
def test_an_older_header_without_a_span_is_as_if_it_were_not_there(text: str) -> None:
    assert parse_cloud_trace(text) is None


def test_the_standards_header_comes_before_googles() -> None:
    other = "1" * 32
    headers = [
        (b"x-cloud-trace-context", f"{other}/1;o=1".encode()),
        (b"traceparent", f"00-{TRACE}-{SPAN}-00".encode()),
    ]
    assert context_of_headers(headers) == TraceContext(TRACE, SPAN, is_sampled=False)
    assert context_of_headers(headers[:1]) == TraceContext(other, f"{1:016x}", is_sampled=True)
    assert context_of_headers([(b"accept", b"*/*")]) is None


def test_the_official_publishers_attribute_comes_before_a_plain_one() -> None:
    other = "2" * 32
    attributes = {
        "traceparent": f"00-{other}-{SPAN}-01",
        "googclient_traceparent": f"00-{TRACE}-{SPAN}-01",
    }
    found = context_of_attributes(attributes)
    assert found is not None
    assert found.trace_id == TRACE
    assert context_of_attributes({"traceparent": attributes["traceparent"]}) is not None
    assert context_of_attributes({"googclient_traceparent": "?"}) is None
