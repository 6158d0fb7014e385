"""Which traces are recorded: a share of ours, drawn here, whatever the caller's flag says.

Cloud Run marks nearly every request as not sampled, which OpenTelemetry's usual sampler obeys: nothing would
ever be recorded. Nor is the trace's id asked, as its ratio sampler does: strangers choose it, and could have
every request recorded at our cost.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes


class RatioOfOurs(Sampler):
    """Draws once a trace enters the process; what begins inside it follows.

    `trusts_callers` also records every trace that its caller records: right for publishers, whom we know,
    wrong for a public API.
    """

    def __init__(
        self, ratio: float, *, trusts_callers: bool, draw: Callable[[], float] = random.random
    ) -> None:
        if not 0 <= ratio <= 1:
            raise ValueError(f"a ratio is from 0 to 1, not {ratio}")
        self._ratio = ratio
        self._trusts_callers = trusts_callers
        self._draw = draw

    def should_sample(  # noqa: PLR0913, PLR0917  # the signature is the library's
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Return whether the span is recorded."""
        if self._is_recorded(parent_context):
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        return SamplingResult(Decision.DROP)

    def get_description(self) -> str:
        """Return what it is, as the library's own samplers do."""
        return f"RatioOfOurs{{{self._ratio}}}"

    def _is_recorded(self, parent_context: Context | None) -> bool:
        parent = get_current_span(parent_context).get_span_context()
        if parent.is_valid and not parent.is_remote:
            return parent.trace_flags.sampled
        if parent.is_valid and parent.trace_flags.sampled and self._trusts_callers:
            return True
        return self._draw() < self._ratio
