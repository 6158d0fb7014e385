"""A share of ours is recorded, whatever a caller's flag or its trace's id would have."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from exposure.telemetry.sampling import RatioOfOurs

# The ratio sampler of OpenTelemetry takes the lowest ids first.
LOWEST_TRACE, SPAN = 1, 7


def decision(sampler: RatioOfOurs, *, sampled: bool, remote: bool = True) -> Decision:
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    parent = NonRecordingSpan(SpanContext(LOWEST_TRACE, SPAN, is_remote=remote, trace_flags=flags))
    return sampler.should_sample(set_span_in_context(parent), LOWEST_TRACE, "GET").decision


def drawn(value: float, *, trusts_callers: bool = False) -> RatioOfOurs:
    return RatioOfOurs(0.1, trusts_callers=trusts_callers, draw=lambda: value)


@pytest.mark.parametrize("sampled", [True, False])
def test_a_strangers_flag_neither_silences_nor_forces_us(sampled: bool) -> None:
    assert decision(drawn(0.05), sampled=sampled) is Decision.RECORD_AND_SAMPLE
    assert decision(drawn(0.5), sampled=sampled) is Decision.DROP


def test_a_publisher_who_records_has_its_message_recorded() -> None:
    assert decision(drawn(0.5, trusts_callers=True), sampled=True) is Decision.RECORD_AND_SAMPLE
    assert decision(drawn(0.5, trusts_callers=True), sampled=False) is Decision.DROP
    assert decision(drawn(0.05, trusts_callers=True), sampled=False) is Decision.RECORD_AND_SAMPLE


@pytest.mark.parametrize("sampled", [True, False])
def test_what_begins_inside_follows_what_it_is_in(sampled: bool) -> None:
    expected = Decision.RECORD_AND_SAMPLE if sampled else Decision.DROP
    for value in (0.05, 0.5):
        assert decision(drawn(value), sampled=sampled, remote=False) is expected


def test_without_a_caller_a_share_is_recorded() -> None:
    draws = iter(number / 100 for number in range(100))
    provider = TracerProvider(
        sampler=RatioOfOurs(0.1, trusts_callers=False, draw=lambda: next(draws)), shutdown_on_exit=False
    )
    tracer = provider.get_tracer("test")
    spans = [tracer.start_span("GET") for _ in range(100)]
    assert sum(span.is_recording() for span in spans) == 10


def test_a_ratio_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        RatioOfOurs(1.5, trusts_callers=False)
