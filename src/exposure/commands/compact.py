"""`exposure compact`: each row of a BigQuery table's old days stored once. Nothing that is served changes.

What the embedded platform stores it stores once; there is nothing to do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from exposure.clock import now
from exposure.commands.bigquery_connection import open_bigquery
from exposure.commands.console import MISUSED, fail, new_table, say, show_table
from exposure.commands.contract_option import ContractName, find_contract

if TYPE_CHECKING:
    from exposure.contracts.model import Contract
    from exposure.warehouse.bigquery_compaction import BigQueryCompaction, StoredDay

# The stacks let Pub/Sub keep messages, which may come again, for a week.
_CLOSED_AFTER = timedelta(days=8)
# A day that is rewritten costs as much as a new one, and half only 90 days later: the sooner the better.
# https://cloud.google.com/bigquery/docs/storage_overview#storage_billing
_BEGINS = timedelta(days=30)


def compact(
    name: ContractName,
    project: Annotated[str, typer.Option(help="Google Cloud project.")],
    location: Annotated[str, typer.Option(help="BigQuery location of the dataset.")],
    since: Annotated[str | None, typer.Option(help="First day; 30 days ago, unless it is said.")] = None,
    until: Annotated[
        str | None, typer.Option(help="Day to stop before; 8 days ago, unless it is said.")
    ] = None,
    at_least: Annotated[
        float, typer.Option(min=0, max=100, help="Leave days of which fewer percent of the rows are repeats.")
    ] = 5.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count; change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the report as JSON.")] = False,
) -> None:
    """Store each row of old days once, where many are stored more often. Answers stay the same.

    A day is rewritten whole: that is billed, and its storage then costs as much as a new day's. Days are of
    the event time, in UTC. Ends with 1 when it could not go on; what is done by then is done.
    """
    from exposure.warehouse.bigquery_compaction import BigQueryCompaction
    from exposure.warehouse.port import WarehouseError

    contract, today = find_contract(name), now().date()
    begin = _day("--since", since) or today - _BEGINS
    end = _day("--until", until) or today - _CLOSED_AFTER
    if begin >= end:
        fail(f"no day is at or after {begin} and before {end}", MISUSED)
    with closing(BigQueryCompaction(open_bigquery(project, location))) as compaction:
        try:
            days = compaction.days(contract, begin, end)
            found = [one for one in days if one.repeats and one.repeats * 100 >= at_least * one.rows]
            if not dry_run:
                _compact(compaction, contract, found)
        except WarehouseError as error:
            fail(str(error))
        billed = compaction.bytes_billed
    _write(found, billed, as_json=as_json, dry_run=dry_run)


def _compact(compaction: BigQueryCompaction, contract: Contract, found: Sequence[StoredDay]) -> None:
    for before in found:
        compaction.compact(contract, before.day)
        after = compaction.days(contract, before.day, before.day + timedelta(days=1))
        different = sum(one.different for one in after)
        # More may have come meanwhile. Of a day that has just expired there is nothing.
        if after and different < before.different:
            held = f"{before.day} held {before.different} different rows before, and holds {different} now"
            fail(f"{held}; BigQuery keeps the table as it was for 7 days")


def _day(option: str, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        fail(f"{option}: '{text}' is no day; write it like 2026-11-25", MISUSED)


def _write(found: Sequence[StoredDay], billed: int, *, as_json: bool, dry_run: bool) -> None:
    repeats = sum(one.repeats for one in found)
    if as_json:
        days = [{"day": str(one.day), "rows": one.rows, "repeats": one.repeats} for one in found]
        removed = 0 if dry_run else repeats
        report = {"dry_run": dry_run, "days": days, "repeats": repeats, "removed": removed}
        typer.echo(json.dumps(report | {"bytes_billed": billed}))
        return
    if found:
        table = new_table("day", "rows", "repeats")
        for one in found:
            table.add_row(str(one.day), str(one.rows), str(one.repeats))
        show_table(table)
    verb = "would be taken out" if dry_run else "taken out"
    say(f"{repeats} repeats {verb} of {len(found)} days, {billed / 2**20:,.0f} MiB billed")
