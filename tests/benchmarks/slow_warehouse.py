"""What readers see when the warehouse takes a second: with the cache as the stack sets it, with a
replica behind it, and with neither.

Run it: `make bench`. The API is assembled by its own entrypoint from the environment that the stack's plan
gives the service, over a warehouse with an injected latency. Questions are drawn by Zipf's law and sent at a
constant rate, whether or not the earlier ones were answered, by many callers. Counted is what is asked after
a warm-up; the warehouse's questions are counted where they arrive, refreshes in the background among them.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import io
import math
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import uvloop
from starlette.types import ASGIApp, Message

from benchmarks.slow_reader import Latency, SlowReader, dollars
from exposure.assembly.api import read_api
from exposure.clock import now
from exposure.contracts.catalog import CATALOG, Catalog
from exposure.contracts.model import Contract
from exposure.settings import ENVIRONMENT_PREFIX, ApiSettings
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.schema import rows_table
from load.constant_rate import Answer, Step, run_step
from load.outcome import LATE_LIMIT_MS, Times, times_of
from load.questions import Popularity, questions
from stacks.plan import record, settings_of
from stacks.platform import declare

CONTRACT = CATALOG.get("analytics_table")
GOAL_MS = 300.0
_CALLERS = 500
_SEED = 7
_WINDOW = timedelta(days=2)
_SERVICE = "gcp:cloudrunv2/service:Service"


@dataclass(frozen=True)
class Effort:
    """How much is asked: questions a second, how many different ones, seconds of warm-up and of counting."""

    stack: str
    rate: float
    different: int
    warm_up: float
    seconds: float


@dataclass(frozen=True)
class Seen:
    """One answer as its caller saw it; `age` in seconds, None where the answer says none."""

    tier: str
    age: int | None


@dataclass
class Watch:
    """Asks the API by turns as many callers and keeps what its answers said of themselves.

    There is no server between: it would add a millisecond, and the client's work would be counted as ours.
    """

    api: ASGIApp
    asked: Popularity
    callers: random.Random = field(default_factory=lambda: random.Random(_SEED))
    seen: list[Seen] = field(default_factory=list)

    async def ask(self) -> Answer:
        """Ask one question and return it as answered, or why it was not."""
        caller = self.callers.randrange(_CALLERS)
        path, _, query = self.asked.draw().partition("?")
        scope = {
            "type": "http", "method": "GET", "scheme": "http", "http_version": "1.1", "root_path": "",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": [(b"host", b"api"), (b"x-forwarded-for", b"198.18.%d.%d" % divmod(caller, 250))],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        await self.api(scope, _stay, send)
        fields = dict(sent[0]["headers"])
        if sent[0]["status"] != 200:
            return Answer("read", f"status {sent[0]['status']}")
        age = fields.get(b"age")
        self.seen.append(Seen(fields[b"x-tier"].decode(), None if age is None else int(age)))
        return Answer("read")


async def _stay() -> Message:
    """Be a client that waits for its answer."""
    never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    return await never


@dataclass(frozen=True)
class Outcome:
    """What one run came to."""

    requests: int
    times: Times
    late: Times
    failures: Mapping[str, int]
    seen: Sequence[Seen]
    calls: int
    readings: int = 0

    def lines(self, name: str) -> list[str]:
        """Return it as the lines of a report."""
        times, failed = self.times, sum(self.failures.values())
        is_met = times.p95_ms < GOAL_MS and failed < self.requests / 100
        verdict = f"goal p95 < {GOAL_MS:.0f} ms {'met' if is_met else 'MISSED'}"
        per_million = self.calls / self.requests * 1e6
        cost = f"{per_million:,.0f} warehouse calls and {dollars(per_million):.2f} USD per million GETs"
        latencies = f"p50 {times.p50_ms:.0f} ms, p95 {times.p95_ms:.0f} ms, p99 {times.p99_ms:.0f} ms"
        lines = [f"{name}: {latencies}; {verdict}", f"  {self.requests} GETs, {failed} failed; {cost}"]
        if self.late.p95_ms > LATE_LIMIT_MS:
            lines.append(
                f"  the machine was too busy: questions were sent {self.late.p95_ms:.0f} ms late (p95)"
            )
        if self.readings:
            lines.append(
                f"  the replica read what is new {self.readings} times, through the Storage Read API"
            )
        lines += [f"  {reason}: {count}" for reason, count in self.failures.items()]
        return lines + [f"  {line}" for line in tier_lines(self.seen)]


def tier_lines(seen: Sequence[Seen]) -> list[str]:
    """Return each tier's share of the answers, and how old they were."""
    ages: dict[str, list[int | None]] = defaultdict(list)
    for one in seen:
        ages[one.tier].append(one.age)
    lines = []
    for tier, all_ in sorted(ages.items(), key=lambda pair: -len(pair[1])):
        told = sorted(age for age in all_ if age is not None)
        age = (
            f"age p50 {nearest(told, 0.5)} s, p95 {nearest(told, 0.95)} s, most {told[-1]} s" if told else ""
        )
        lines.append(f"{tier:<10} {len(all_) / len(seen):>6.1%}  {age}".rstrip())
    return lines


def nearest(ordered: Sequence[int], share: float) -> int:
    """Return a percentile by nearest rank of figures in their order."""
    return ordered[math.ceil(len(ordered) * share) - 1]


def stack_environment(stack: str) -> dict[str, str]:
    """Return the plain variables that the stack's plan gives the API."""
    settings = settings_of(stack)
    declared = record(stack, lambda: declare(settings))
    [service] = [one for one in declared if one.type == _SERVICE and one.name.startswith("api")]
    [container] = service.inputs["template"]["containers"]
    return {one["name"]: one["value"] for one in container["envs"] if one.get("value") is not None}


def api_settings_of(environment: Mapping[str, str]) -> ApiSettings:
    """Return the settings the service has in that environment; secrets are not the plan's to know."""
    said: dict[str, Any] = {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): value for name, value in environment.items()
    }
    # Nobody collects spans or metrics here.
    nowhere = {"traces": None, "metrics_collector": None}
    return ApiSettings(**{**said, **nowhere, "page_token_keys": base64.b64encode(bytes(32)).decode()})


async def run(settings: ApiSettings, effort: Effort, contract: Contract = CONTRACT) -> Outcome:
    """Serve the contract, warm up, measure."""
    table = rows_table(CONTRACT)
    connection = open_duckdb(None, [table])
    keys = [f"evt-{number:06}" for number in range(effort.different)]
    writer, begun = DuckDBWriter(connection), now()
    instants = [begun - timedelta(days=1) * (number / len(keys)) for number in range(len(keys))]
    rows = zip(keys, instants, strict=True)
    await writer.append(table, [(key, at, "x" * 50, key, at, at, None) for key, at in rows])
    slow = SlowReader(DuckDBReader(connection), Latency(), _SEED)
    # The lines of its answers go to the output there is when it is made.
    with contextlib.redirect_stdout(io.StringIO()):
        api = read_api(settings, slow, Catalog((contract,)))
    paths = questions(CONTRACT, keys, begun)[: effort.different]
    outcome = await _measured(Watch(api, Popularity(paths, _SEED)), slow, effort)
    await slow.close()
    await writer.close()
    connection.close()
    return outcome


async def _measured(watch: Watch, slow: SlowReader, effort: Effort) -> Outcome:
    await run_step(watch.ask, Step(effort.rate, effort.warm_up))
    watch.seen.clear()
    calls, readings = slow.calls, slow.readings
    samples = await run_step(watch.ask, Step(effort.rate, effort.seconds))
    failures = Counter(one.answer.failure for one in samples if one.answer.failure is not None)
    return Outcome(
        requests=len(samples),
        times=times_of([one.seconds for one in samples if one.answer.failure is None]),
        late=times_of([one.late_seconds for one in samples]),
        failures=failures,
        seen=watch.seen,
        calls=slow.calls - calls,
        readings=slow.readings - readings,
    )


def main(effort: Effort) -> None:
    """Print what readers see with the cache and without it."""
    settings = api_settings_of(stack_environment(effort.stack))
    print(
        f"{effort.rate:g} GETs/s of {effort.different} different ones by Zipf's law, {_CALLERS} callers, "
        f"the stack {effort.stack}; the warehouse: median {Latency().median} s, p95 {Latency().p95} s"
    )
    print("\n".join(uvloop.run(run(settings, effort)).lines("as the stack has it")), flush=True)
    copied = replace(CONTRACT, replica=_WINDOW)
    print(
        "\n".join(uvloop.run(run(settings, effort, copied)).lines("with a replica of two days")), flush=True
    )
    # What keeps nothing needs no time to become as it will be.
    brief = replace(effort, warm_up=effort.warm_up / 10, seconds=effort.seconds / 2)
    print("\n".join(uvloop.run(run(without_cache(settings), brief)).lines("with the cache off")))


def without_cache(settings: ApiSettings) -> ApiSettings:
    """Return the same settings with nothing kept."""
    return settings.model_copy(update={"cache_lifetime": timedelta(0)})


def options(arguments: Sequence[str]) -> Effort:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stack", choices=("dev", "prod"), default="prod")
    parser.add_argument("--rate", type=float, default=20, help="GETs a second")
    parser.add_argument("--different", type=int, default=100, help="different questions")
    parser.add_argument("--warm-up", type=float, default=60, help="seconds before anything is counted")
    parser.add_argument("--seconds", type=float, default=60)
    return Effort(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    main(options(sys.argv[1:]))
