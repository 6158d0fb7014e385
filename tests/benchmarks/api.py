"""This API beside ROAPI, Datasette and routes over an indexed PostgreSQL: one machine, one data set, one run.

Run it: `make bench-api` (needs Debian's wrk and postgresql). A million rows are served by everybody at once,
each answer is compared before anything is measured, and rounds go through all of them in turn, so that what
disturbs the machine disturbs all. Access control and rate limits are on here and nowhere else. Only ratios of
one run mean anything; the load comes from the same processors. A figure with a star was measured with fewer
connections.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contest import Contest, Figures, Measured, figures
from benchmarks.goals import API, CACHED, DATASETTE, EMPTY, POSTGRES, ROAPI, UNCHANGED, Cell, judge
from benchmarks.peers import servers
from benchmarks.peers.data import TABLE, Files, event_id, write_files
from benchmarks.peers.ours import issue_key
from benchmarks.peers.postgres import NotInstalled, running_postgres
from benchmarks.peers.questions import (
    DEEP,
    FIRST,
    GROUPS,
    PAGE,
    PAGE_ROWS,
    POINT,
    ROAPI_GROUPS,
    Asked,
    Words,
    api_words,
    datasette_words,
    deep_pages,
    postgres_words,
    roapi_words,
)
from benchmarks.peers.servers import Server
from benchmarks.wrk import find_wrk

CONNECTIONS = (1, 16, 64)
_KINDS = (POINT, PAGE, FIRST, DEEP, GROUPS, CACHED, UNCHANGED)
_HOT_PAGES = 100
_LARGEST_PAGE = 1000
_LOAD_SECONDS = 120.0


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rows: int
    rounds: int
    seconds: int


def contests(files: Files, peers: Path, rows: int, running: ExitStack) -> Iterator[Contest]:
    """Start everybody, and yield what each is asked."""
    key = issue_key(files.folder)
    fresh = running.enter_context(servers.ours("replicated", files.folder))
    # Before the first page: a walk goes on where it began, at a moment only its own tier knows.
    _await_replica(fresh, key)
    words = api_words(key, deep_tokens(fresh, key, rows))
    yield from _fresh(API, fresh, words, rows)
    yield from _cached(running.enter_context(servers.ours("cached", files.folder)), words, rows)
    yield from _fresh(ROAPI, running.enter_context(servers.roapi(peers, files)), roapi_words(), rows)
    database = running.enter_context(servers.datasette(peers, files))
    yield from _fresh(DATASETTE, database, datasette_words(rows), rows)
    postgres = running.enter_context(running_postgres(files.folder, files.csv))
    routes = running.enter_context(servers.postgres_route(peers, postgres))
    yield from _fresh(POSTGRES, routes, postgres_words(rows), rows)
    ceiling = running.enter_context(servers.served(sys.executable, "benchmarks.peers.empty:app"))
    yield Contest(EMPTY, EMPTY, ceiling, [Asked("/", ())])


def _fresh(name: str, server: Server, words: Words, rows: int) -> Iterator[Contest]:
    for kind, asked in words.questions(rows).items():
        body = ROAPI_GROUPS if name == ROAPI and kind == GROUPS else None
        yield Contest(name, kind, server, asked, body=body, tier="replica" if name == API else None)


def _cached(server: Server, words: Words, rows: int) -> Iterator[Contest]:
    pages = words.questions(rows)[PAGE][:_HOT_PAGES]
    # All of them are kept before anything is measured.
    for one in pages:
        server.get(one.path, one.headers)
    yield Contest(API, CACHED, server, pages)
    first = pages[0]
    fields = {**first.headers, "If-None-Match": server.get(first.path, first.headers).fields["ETag"]}
    yield Contest(API, UNCHANGED, server, [Asked(first.path, (), fields)], status=304)


def _await_replica(server: Server, key: str) -> None:
    """Return when the replica answers: it begins to load with the first question."""
    deadline, path = time.monotonic() + _LOAD_SECONDS, f"/v1/{TABLE}/{event_id(0)}"
    while server.get(path, {"X-API-Key": key}).fields["X-Tier"] != "replica":
        if time.monotonic() > deadline:
            raise RuntimeError(f"the replica did not load within {_LOAD_SECONDS:.0f} s")
        time.sleep(0.5)


def deep_tokens(server: Server, key: str, rows: int) -> dict[int, str]:
    """Walk to the deep pages, by the largest pages as far as they go, and return what leads to each."""
    wanted, token = deep_pages(rows), ""
    tokens: dict[int, str] = {}
    left = (wanted[0] - 1) * PAGE_ROWS
    while len(tokens) < len(wanted):
        size = min(left, _LARGEST_PAGE) or PAGE_ROWS
        path = f"/v1/{TABLE}?page_size={size}{token and f'&page_token={token}'}"
        token = json.loads(server.get(path, {"X-API-Key": key}).body)["next_page_token"]
        left = max(0, left - size)
        if not left:
            tokens[wanted[len(tokens)]] = token
    return tokens


def measure(contests: Sequence[Contest], effort: Effort, folder: Path) -> dict[int, dict[Cell, Figures]]:
    """Return what was measured, by connections and by who answers what."""
    found: dict[int, dict[Cell, Figures]] = {}
    fewer: dict[Cell, Figures] = {}
    for connections in CONNECTIONS:
        # Who cannot answer each connection once would be measured by chance; what it did with fewer stays.
        slow = {cell for cell, one in fewer.items() if one.rate * effort.seconds < connections}
        loads: dict[Cell, list[Measured]] = defaultdict(list)
        for one in (one for _ in range(effort.rounds) for one in contests if one.cell not in slow):
            loads[one.cell].append(one.measure(connections, effort.seconds, folder))
        fewer = {cell: fewer[cell] for cell in slow} | {cell: figures(all_) for cell, all_ in loads.items()}
        found[connections] = fewer
    return found


def report(connections: int, found: Mapping[Cell, Figures]) -> None:
    """Print the rates, the latencies and the verdicts at so many connections."""
    names, empty = (API, ROAPI, DATASETTE, POSTGRES), found[EMPTY, EMPTY]
    print(
        f"\n{connections} connections: answers a second (p50/p95 ms); an empty one {empty.line(connections)}"
    )
    print(f"{'':<15}" + "".join(f"{name:>24}" for name in names))
    for kind in _KINDS:
        cells = [found.get((name, kind)) for name in names]
        print(f"{kind:<15}" + "".join(f"{one.line(connections) if one else '-':>24}" for one in cells))
    print(f"  {'goals':<80}by processor time")
    by_processor = {cell: one.per_processor_second for cell, one in found.items()}
    for verdict in judge({cell: one.rate for cell, one in found.items()}, by_processor):
        print(f"  {verdict.line()}")


def _weigh(all_contests: Sequence[Contest], when: str) -> None:
    weights = {(one.name, one.server.address): one.server.memory_mib for one in all_contests}
    print(f"memory {when}, MiB: " + ", ".join(f"{name} {mib:.0f}" for (name, _), mib in weights.items()))


def main(effort: Effort, peers: Path) -> None:
    """Write the files, start and check everybody, measure, print."""
    find_wrk()
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        files, started = Files(Path(name)), time.monotonic()
        write_files(files, effort.rows)
        all_contests = list(contests(files, peers, effort.rows, running))
        for one in all_contests:
            one.check()
        print(f"{effort.rows:,} rows written, served and compared in {time.monotonic() - started:.0f} s")
        print(f"the machine's load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        _weigh(all_contests, "before")
        found = measure(all_contests, effort, files.folder)
        for connections, cells in found.items():
            report(connections, cells)
        _weigh(all_contests, "after")


def options(arguments: Sequence[str]) -> tuple[Effort, Path]:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", type=Path, required=True, help="bin folder with roapi and datasette")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=2, help="of every cell in every round")
    asked = parser.parse_args(arguments)
    return Effort(asked.rows, asked.rounds, asked.seconds), asked.peers


if __name__ == "__main__":
    try:
        main(*options(sys.argv[1:]))
    except NotInstalled as missing:
        sys.exit(str(missing))
