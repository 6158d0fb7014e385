"""Every metric of the platform's own: its name, kind, unit, labels, and the log it is read from.

Whoever writes, charts or alerts takes the name from here. Nothing is written here, and no third party is
imported. What Google measures by itself is not listed.

Alerts and objectives wait for no process to push: CPU is taken away after each answer, so a timer is late.
Google reads each metric from a log that is written anyway: Cloud Run's own of requests, or a JSON line of
ours. Such a metric also exists before its first value, without which no objective could be declared on it.
There are counters and histograms only; a level is no line. What a process says at `GET /metrics` or sends to
a collector, where it is asked to, is counted by `counts` from the same lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

CONTRACT, KIND, REASON, RESULT, SERVICE, TIER = (
    "contract", "kind", "reason", "result", "service", "tier"
)  # fmt: skip
# The value of a canary's result that others than its writer read.
VISIBLE = "visible"
# A JSON line on standard output that is read as a metric names its event here, and has a field for each
# label and value. Ingest writes the first three, the API the answers, the canary the last two.
EVENT_FIELD = "event"
APPEND_EVENT, APPEND_FAILED_EVENT, QUARANTINE_EVENT = "append", "append_failed", "quarantine"
ANSWER_EVENT = "answer"
CANARY_EVENT, UNACCOUNTED_EVENT = "canary", "unaccounted"

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
# None at all is a bucket of its own.
_MESSAGES_EDGES = (1.0, 2.0, 5.0, 10.0, 100.0, 1000.0, 10_000.0)


class Kind(StrEnum):
    """How values of a metric combine."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"


_NAME = re.compile(r"exposure_[a-z][a-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric. `unit` is UCUM: https://ucum.org/ucum; `edges` are a histogram's bucket bounds in it.

    `event` names the line it is read from, and `field` the line's number for a histogram; without an event it
    is read from Cloud Run's log of requests.
    """

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    description: str
    event: str = ""
    field: str = ""
    edges: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse, with ValueError, a declaration that no log could carry."""
        is_histogram, is_counter = self.kind is Kind.HISTOGRAM, self.kind is Kind.COUNTER
        is_duration, has_value = self.unit == "s", bool(self.event) and is_histogram
        for is_wrong, sentence in (
            (not _NAME.fullmatch(self.name), "its name is not exposure_ and lower-case words"),
            (is_counter != self.name.endswith("_total"), "counters, and only they, end with _total"),
            (is_duration != self.name.endswith("_seconds"), "durations, and only they, end with _seconds"),
            (is_histogram != bool(self.edges), "histograms, and only they, have edges"),
            (list(self.edges) != sorted(set(self.edges)), "its edges do not rise"),
            (has_value != bool(self.field), "histograms of a line, and only they, name a field"),
        ):  # fmt: skip
            if is_wrong:
                raise ValueError(f"{self.name}: {sentence}")

    @property
    def type(self) -> str:
        """Return the type under which Cloud Monitoring has the metric."""
        return f"logging.googleapis.com/user/{self.name}"

    @property
    def promql(self) -> str:
        """Return the metric's name in PromQL, without a histogram's endings."""
        return f"logging_googleapis_com:user_{self.name}"


APPENDED_ROWS = Metric(
    name="exposure_appended_rows",
    kind=Kind.HISTOGRAM,
    unit="{row}",
    labels=(CONTRACT,),
    description="Rows that each append stored; their sum is the rows stored, each as often as it was.",
    event=APPEND_EVENT,
    field="rows",
    edges=_ROWS_EDGES,
)
APPEND_DURATION = Metric(
    name="exposure_append_seconds",
    kind=Kind.HISTOGRAM,
    unit="s",
    labels=(CONTRACT,),
    description="How long an append took that stored rows.",
    event=APPEND_EVENT,
    field="append_seconds",
    edges=LATENCY_EDGES,
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
    event=APPEND_EVENT,
    field="freshness_seconds",
    edges=AGE_EDGES,
)
FAILED_APPENDS = Metric(
    name="exposure_failed_appends_total",
    kind=Kind.COUNTER,
    unit="{append}",
    labels=(CONTRACT, KIND),
    description="Appends of rows or to quarantine that stored nothing, by the kind of failure.",
    event=APPEND_FAILED_EVENT,
)
QUARANTINED = Metric(
    name="exposure_quarantined_total",
    kind=Kind.COUNTER,
    unit="{message}",
    labels=(CONTRACT, REASON),
    description="Messages set aside because they can never be rows, by reason.",
    event=QUARANTINE_EVENT,
)
CANARIES = Metric(
    name="exposure_canaries_total",
    kind=Kind.COUNTER,
    unit="{message}",
    labels=(CONTRACT, RESULT),
    description="Canaries by result: visible means read back through the API in time, equal and once.",
    event=CANARY_EVENT,
)
CANARY_AGE = Metric(
    name="exposure_canary_seconds",
    kind=Kind.HISTOGRAM,
    unit="s",
    labels=(CONTRACT, RESULT),
    description="From a canary's publish until the API showed it, or until it was given up.",
    event=CANARY_EVENT,
    field="age_seconds",
    edges=AGE_EDGES,
)
UNACCOUNTED = Metric(
    name="exposure_unaccounted_messages",
    kind=Kind.HISTOGRAM,
    unit="{message}",
    labels=(CONTRACT,),
    description="Published canaries, past their time, that one round found neither served nor in quarantine.",
    event=UNACCOUNTED_EVENT,
    field="messages",
    edges=_MESSAGES_EDGES,
)
REQUESTS = Metric(
    name="exposure_requests_total",
    kind=Kind.COUNTER,
    unit="{request}",
    labels=(CONTRACT,),
    description="Requests for a contract's rows that we answered or should have; callers' errors left out.",
)
FAILURES = Metric(
    name="exposure_failures_total",
    kind=Kind.COUNTER,
    unit="{request}",
    labels=(CONTRACT,),
    description="Those of the requests that got a 5xx, or found no instance.",
)
LATENCY = Metric(
    name="exposure_latency_seconds",
    kind=Kind.HISTOGRAM,
    unit="s",
    labels=(CONTRACT,),
    description="How long answers with rows took at Cloud Run's edge, waiting and cold starts included.",
    edges=LATENCY_EDGES,
)
NO_INSTANCE = Metric(
    name="exposure_no_instance_total",
    kind=Kind.COUNTER,
    unit="{request}",
    labels=(SERVICE,),
    description="Requests the platform refused because it had no instance for them.",
)
ANSWERS = Metric(
    name="exposure_answers_total",
    kind=Kind.COUNTER,
    unit="{request}",
    labels=(CONTRACT, TIER),
    description="Answers by the tier they came from.",
    event=ANSWER_EVENT,
)
BYTES_BILLED = Metric(
    name="exposure_billed_bytes",
    kind=Kind.HISTOGRAM,
    unit="By",
    labels=(CONTRACT,),
    description="What an answer made BigQuery bill.",
    event=ANSWER_EVENT,
    field="billed_bytes",
    edges=_BYTES_EDGES,
)

DELIVERIES = Metric(
    name="exposure_deliveries_total",
    kind=Kind.COUNTER,
    unit="{message}",
    labels=(CONTRACT, RESULT),
    description="Pushes answered: acknowledged, or left with Pub/Sub to come again.",
)

# Read from logs, each of them.
METRICS = (
    APPENDED_ROWS, APPEND_DURATION, FRESHNESS, FAILED_APPENDS, QUARANTINED, CANARIES, CANARY_AGE, UNACCOUNTED,
    REQUESTS, FAILURES, LATENCY, NO_INSTANCE, ANSWERS, BYTES_BILLED,
)  # fmt: skip
# Counted only by a process that is asked for its metrics, or sends them: Google measures the same by itself.
COUNTED_METRICS = (DELIVERIES,)
# Levels, which only the embedded Pub/Sub can tell; Google's own of the same meaning are in `stacks.metrics`.
BACKLOG_LEVEL, OLDEST_LEVEL = "exposure_backlog_messages", "exposure_oldest_message_age"
