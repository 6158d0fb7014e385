"""Every metric of the platform's own: its name, kind, unit, labels, and the road by which it is known.

Whoever records, charts or alerts takes the name from here. Nothing is recorded or sent here, and no third
party is imported. What Google measures by itself is not listed.

Two roads. Metrics pushed over OTLP are counted in the process and appear as Managed Prometheus data:
https://cloud.google.com/stackdriver/docs/reference/telemetry/v1.metrics. Metrics of the log are read by
Google from lines that are written anyway. The log's road is taken where an objective stands on the metric,
since an objective can only be declared on a metric that exists before its first value, and where CPU is
taken away after each answer, so that a timer would not fire.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, StrEnum

CONTRACT, OUTCOME, REASON, RESULT, SERVICE, TIER = (
    "contract", "outcome", "reason", "result", "service", "tier"
)  # fmt: skip
# Values of labels that others than their writers read.
QUARANTINED, VISIBLE = "quarantined", "visible"
# A JSON line on standard output that is read as a metric names its event here, and has a field for each
# label and value.
EVENT_FIELD = "event"
APPEND_EVENT, ANSWER_EVENT = "append", "answer"

# An edge at every bound a contract promises: shares below it are then exact.
LATENCY_EDGES = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.15,
    0.2,
    0.25,
    0.3,
    0.4,
    0.5,
    0.75,
    1.0,
    2.0,
    5.0,
    10.0,
    30.0,
)
AGE_EDGES = (0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 300.0, 900.0, 3600.0)
_ROWS_EDGES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)
_MEBI = 2**20
_BYTES_EDGES = tuple(float(_MEBI * size) for size in (1, 10, 20, 50, 100, 1024, 10 * 1024, 100 * 1024))


class Kind(StrEnum):
    """How values of a metric combine; also the last part of a Managed Prometheus type."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Source(Enum):
    """How a metric comes to be known."""

    OTLP = "pushed by the process that counts"
    REQUEST_LOG = "read from Cloud Run's own log of requests"
    LINE = "read from a JSON line the process logs"


_NAME = re.compile(r"exposure_[a-z][a-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric. `unit` is UCUM: https://ucum.org/ucum; `edges` are a histogram's bucket bounds in it.

    `event` names the log line it is read from and `field` the line's number, for a histogram.
    """

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    description: str
    source: Source = Source.OTLP
    event: str = ""
    field: str = ""
    edges: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse, with ValueError, a declaration that one of the two roads could not carry."""
        is_histogram, is_line = self.kind is Kind.HISTOGRAM, self.source is Source.LINE
        has_value = is_line and is_histogram
        is_counter, is_duration = self.kind is Kind.COUNTER, self.unit == "s"
        for is_wrong, sentence in (
            (not _NAME.fullmatch(self.name), "its name is not exposure_ and lower-case words"),
            # Exporters to Prometheus add such endings themselves where they are missing.
            (is_counter != self.name.endswith("_total"), "counters, and only they, end with _total"),
            (is_duration != self.name.endswith("_seconds"), "durations, and only they, end with _seconds"),
            (is_histogram != bool(self.edges), "histograms, and only they, have edges"),
            (list(self.edges) != sorted(set(self.edges)), "its edges do not rise"),
            (is_line != bool(self.event), "metrics of a line, and only they, name its event"),
            (has_value != bool(self.field), "histograms of a line, and only they, name a field"),
            (self.kind is Kind.GAUGE and self.source is not Source.OTLP, "a log holds no gauges"),
        ):  # fmt: skip
            if is_wrong:
                raise ValueError(f"{self.name}: {sentence}")

    @property
    def type(self) -> str:
        """Return the type under which Cloud Monitoring has the metric."""
        if self.source is Source.OTLP:
            return f"prometheus.googleapis.com/{self.name}/{self.kind}"
        return f"logging.googleapis.com/user/{self.name}"

    @property
    def promql(self) -> str:
        """Return the metric's name in PromQL, without a histogram's endings."""
        return self.name if self.source is Source.OTLP else f"logging_googleapis_com:user_{self.name}"


MESSAGES = Metric(
    name="exposure_messages_total",
    kind=Kind.COUNTER,
    unit="{message}",
    labels=(CONTRACT, OUTCOME),
    description="Deliveries by what became of them; stored and quarantined ones are acknowledged.",
)
QUARANTINE = Metric(
    name="exposure_quarantined_total",
    kind=Kind.COUNTER,
    unit="{message}",
    labels=(CONTRACT, REASON),
    description="Messages set aside because they can never be rows, by reason.",
)
APPENDS = Metric(
    name="exposure_appends_total",
    kind=Kind.COUNTER,
    unit="{append}",
    labels=(CONTRACT, OUTCOME),
    description="Appends to the warehouse by outcome.",
)
APPEND_DURATION = Metric(
    name="exposure_append_seconds",
    kind=Kind.HISTOGRAM,
    unit="s",
    labels=(CONTRACT,),
    description="How long an append took.",
    edges=LATENCY_EDGES,
)
BATCH_ROWS = Metric(
    name="exposure_batch_rows",
    kind=Kind.HISTOGRAM,
    unit="{row}",
    labels=(CONTRACT,),
    description="Rows per append.",
    edges=_ROWS_EDGES,
)
HELD_ROWS = Metric(
    name="exposure_held_rows",
    kind=Kind.GAUGE,
    unit="{row}",
    labels=(CONTRACT,),
    description="Rows in memory that wait for their append.",
)
DUPLICATES = Metric(
    name="exposure_duplicates_total",
    kind=Kind.COUNTER,
    unit="{message}",
    labels=(CONTRACT,),
    description="Deliveries of a key that was already stored or on its way.",
)
FRESHNESS = Metric(
    name="exposure_freshness_seconds",
    kind=Kind.HISTOGRAM,
    unit="s",
    labels=(CONTRACT,),
    description=(
        "From publish to visible, of the oldest row of each append: until durable, and the longest a cache "
        "may answer without it on top."
    ),
    source=Source.LINE,
    event=APPEND_EVENT,
    field="freshness_seconds",
    edges=AGE_EDGES,
)
CANARIES = Metric(
    name="exposure_canaries_total",
    kind=Kind.COUNTER,
    unit="{message}",
    labels=(CONTRACT, RESULT),
    description="Canaries by result: visible means read back through the API in time, equal and once.",
)
CANARY_AGE = Metric(
    name="exposure_canary_seconds",
    kind=Kind.HISTOGRAM,
    unit="s",
    labels=(CONTRACT,),
    description="From a canary's publish until the API showed it.",
    edges=AGE_EDGES,
)
UNACCOUNTED = Metric(
    name="exposure_unaccounted_messages",
    kind=Kind.GAUGE,
    unit="{message}",
    labels=(CONTRACT,),
    description="Published messages of the reconciled span that are neither stored nor quarantined.",
)
REQUESTS = Metric(
    name="exposure_requests_total",
    kind=Kind.COUNTER,
    unit="{request}",
    labels=(CONTRACT,),
    description="Requests for a contract's rows that we answered or should have; callers' errors left out.",
    source=Source.REQUEST_LOG,
)
FAILURES = Metric(
    name="exposure_failures_total",
    kind=Kind.COUNTER,
    unit="{request}",
    labels=(CONTRACT,),
    description="Those of the requests that got a 5xx, or found no instance.",
    source=Source.REQUEST_LOG,
)
LATENCY = Metric(
    name="exposure_latency_seconds",
    kind=Kind.HISTOGRAM,
    unit="s",
    labels=(CONTRACT,),
    description="How long answers with rows took at Cloud Run's edge, waiting and cold starts included.",
    source=Source.REQUEST_LOG,
    edges=LATENCY_EDGES,
)
NO_INSTANCE = Metric(
    name="exposure_no_instance_total",
    kind=Kind.COUNTER,
    unit="{request}",
    labels=(SERVICE,),
    description="Requests the platform refused because it had no instance for them.",
    source=Source.REQUEST_LOG,
)
ANSWERS = Metric(
    name="exposure_answers_total",
    kind=Kind.COUNTER,
    unit="{request}",
    labels=(CONTRACT, TIER),
    description="Answers by the tier they came from.",
    source=Source.LINE,
    event=ANSWER_EVENT,
)
BYTES_BILLED = Metric(
    name="exposure_billed_bytes",
    kind=Kind.HISTOGRAM,
    unit="By",
    labels=(CONTRACT,),
    description="What an answer made BigQuery bill.",
    source=Source.LINE,
    event=ANSWER_EVENT,
    field="billed_bytes",
    edges=_BYTES_EDGES,
)

METRICS = (
    MESSAGES, QUARANTINE, APPENDS, APPEND_DURATION, BATCH_ROWS, HELD_ROWS, DUPLICATES, FRESHNESS, CANARIES,
    CANARY_AGE, UNACCOUNTED, REQUESTS, FAILURES, LATENCY, NO_INSTANCE, ANSWERS, BYTES_BILLED,
)  # fmt: skip
