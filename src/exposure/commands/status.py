"""`exposure status`: how the running platform stands, live on a terminal, or once as JSON.

It asks both services for their metrics and knows nothing else; `status.schema.json` beside it says what the
JSON holds.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from exposure.clock import now
from exposure.commands.console import fail, new_table, show_table
from exposure.commands.local_addresses import LOCAL_API, LOCAL_INGEST
from exposure.contracts.catalog import CATALOG

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from exposure.commands.metrics_text import MetricsText
    from exposure.commands.standing import Budget, ContractStanding, Spread

_SECONDS = 10.0
_PATH = "/metrics"


@dataclass(frozen=True)
class _Status:
    """What one look found. `as_of` is RFC 3339."""

    as_of: str
    api: str
    ingest: str
    contracts: list[ContractStanding]


def status(
    api: Annotated[str, typer.Option(help="Address of the API.")] = LOCAL_API,
    ingest: Annotated[str, typer.Option(help="Address of ingest.")] = LOCAL_INGEST,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and end.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Look once, as where no terminal is.")] = False,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between looks.")] = 2.0,
) -> None:
    """Show what came in, was stored and quarantined, how fresh and how fast, and what of the budgets is left.

    Counts are since each service started. A deployed service answers with EXPOSURE_METRICS=true.
    """
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(_look(api, ingest)), indent=2))
    elif once or not sys.stdout.isatty():
        found = _look(api, ingest)
        typer.echo(_head(found))
        for table in (_messages(found.contracts), _reads(found.contracts)):
            show_table(table)
    else:
        _watch(api, ingest, every)


def _look(api: str, ingest: str) -> _Status:
    from exposure.commands.standing import standings

    found = standings(CATALOG, _metrics(api), _metrics(ingest))
    return _Status(now().isoformat(timespec="seconds").replace("+00:00", "Z"), api, ingest, found)


def _metrics(address: str) -> MetricsText:
    import httpx2

    from exposure.commands.metrics_text import MetricsText, NotMetrics

    try:
        answer = httpx2.get(f"{address.rstrip('/')}{_PATH}", timeout=_SECONDS)
        if answer.status_code != 200:
            fail(f"{address}{_PATH} answers {answer.status_code}; start it with EXPOSURE_METRICS=true")
        return MetricsText(answer.text)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        fail(f"nothing answers at {address}; start the platform with `exposure local` ({error})")
    except NotMetrics as error:
        fail(f"{address} is no service of this platform: {error}")


def _watch(api: str, ingest: str, every: float) -> None:
    from rich.live import Live

    with Live(_shown(_look(api, ingest)), screen=True, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(every)
                live.update(_shown(_look(api, ingest)), refresh=True)
        except KeyboardInterrupt:
            return


def _shown(status: _Status) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    return Group(Text(_head(status), "dim"), _messages(status.contracts), _reads(status.contracts))


def _head(status: _Status) -> str:
    return f"api {status.api}   ingest {status.ingest}   {status.as_of}   (since each began)"


def _messages(contracts: list[ContractStanding]) -> Table:
    table = new_table(
        "contract", "received", "stored", "quarantined", "left", "backlog", "oldest", "fresh p50 / p95"
    )
    for one in contracts:
        backlog, oldest = "-", "-"
        if one.backlog is not None:
            backlog, oldest = f"{one.backlog.messages:,}", f"{one.backlog.oldest_seconds:.1f} s"
        counts = (one.received, one.stored, one.quarantined, one.left)
        table.add_row(one.name, *(f"{count:,}" for count in counts), backlog, oldest, _spread(one.freshness))
    return table


def _reads(contracts: list[ContractStanding]) -> Table:
    table = new_table(
        "contract", "requests", "answers by tier", "latency p50 / p95", "availability", "latency", "freshness"
    )
    for one in contracts:
        tiers = ", ".join(f"{tier} {count:,}" for tier, count in one.answers.items()) or "-"
        budgets = one.budgets
        left = (_left(budget) for budget in (budgets.availability, budgets.latency, budgets.freshness))
        table.add_row(one.name, f"{one.requests:,}", tiers, _spread(one.latency), *left)
    return table


def _spread(spread: Spread) -> str:
    if spread.p50_seconds is None or spread.p95_seconds is None:
        return "-"
    return f"{_duration(spread.p50_seconds)} / {_duration(spread.p95_seconds)}"


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _left(budget: Budget) -> str:
    """Return what is left of a budget, and of which goal; nothing without an event."""
    if budget.left is None:
        return f"- of {budget.goal * 100:.4g} %"
    colour = "green" if budget.left > 0.5 else "yellow" if budget.left > 0 else "red"
    return f"[{colour}]{budget.left:.0%} left[/] of {budget.goal * 100:.4g} %"
