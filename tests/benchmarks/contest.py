"""One contestant's answers to questions of one kind: compared, then driven, and what that came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.goals import Cell
from benchmarks.peers.questions import Asked, held
from benchmarks.peers.servers import Server
from benchmarks.wrk import Drive, Load, run_wrk

_COMPARED = 20


@dataclass(frozen=True)
class Measured:
    """One run, and the time on the processor it took the server."""

    connections: int
    load: Load
    processor_seconds: float


@dataclass(frozen=True)
class Figures:
    """What the runs of one cell came to: rates of them together, percentiles of the median one."""

    connections: int
    rate: float
    per_processor_second: float
    p50_ms: float
    p95_ms: float

    def line(self, connections: int) -> str:
        """Return it for the report of so many connections, marked where it was measured with fewer."""
        mark = "" if self.connections == connections else "*"
        return f"{self.rate:,.0f}{mark} ({self.p50_ms:.2f}/{self.p95_ms:.2f})"


def figures(runs: Sequence[Measured]) -> Figures:
    """Return what the runs of one cell came to."""
    answers = sum(one.load.requests for one in runs)
    return Figures(
        connections=runs[0].connections,
        rate=answers / sum(one.load.seconds for one in runs),
        per_processor_second=answers / max(sum(one.processor_seconds for one in runs), 0.01),
        p50_ms=median(one.load.p50_ms for one in runs),
        p95_ms=median(one.load.p95_ms for one in runs),
    )


@dataclass(frozen=True)
class Contest:
    """One line of the measurement: who answers which questions.

    With a `body` they are POSTed; where a `tier` is named, this API's answers must be of it.
    """

    name: str
    kind: str
    server: Server
    asked: Sequence[Asked]
    status: int = 200
    body: str | None = None
    tier: str | None = None

    def check(self) -> None:
        """Ask some of the questions once; raise AssertionError when an answer is not the right one."""
        for one in self.asked[:_COMPARED]:
            got = self.server.get(one.path, one.headers, self.body)
            assert got.status == self.status, (self.cell, one.path, got)
            assert self.tier in (None, got.fields.get("X-Tier")), (self.cell, one.path, got.fields)
            found = held(got.body) if self.status == 200 and one.holds else list(one.holds)
            assert found == list(one.holds), (self.name, self.kind, one.path, found[:3], one.holds[:3])

    @property
    def cell(self) -> Cell:
        """Return its place in the report."""
        return self.name, self.kind

    def measure(self, connections: int, seconds: int, folder: Path) -> Measured:
        """Drive the server and return what that took; raise AssertionError when it refused something."""
        worked = self.server.processor_seconds
        paths = [one.path for one in self.asked]
        drive = Drive(paths, self.asked[0].headers, connections, seconds, self.body)
        load = run_wrk(self.server.address, drive, folder)
        assert load.refused == 0, (self.cell, load)
        took = self.server.processor_seconds - worked
        # Whoever is measured next has the machine to itself.
        self.server.settle()
        return Measured(connections, load, took)
