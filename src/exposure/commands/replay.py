"""`exposure replay`: quarantined messages published again, to the topic they came from."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exposure.commands.console import MISUSED, fail, say
from exposure.commands.contract_option import ContractName, find_contract
from exposure.commands.emulator_option import Emulator
from exposure.commands.local_addresses import LOCAL_PROJECT, LOCAL_PUBSUB
from exposure.commands.quarantine_source import (
    DATA_DIR,
    DataDir,
    Location,
    Project,
    QuarantineSource,
    Reasons,
    Since,
    Until,
    Version,
    selection_of,
)

if TYPE_CHECKING:
    from exposure.commands.batch_publisher import BatchPublisher
    from exposure.contracts.model import Contract
    from exposure.ingest.replay import ReplayReport
    from exposure.ingest.replay_cursor import ReplayCursor
    from exposure.warehouse.quarantine import Selection


CursorFile = Annotated[
    Path | None, typer.Option(help="File that keeps the place; the same command goes on from there.")
]


@dataclass(frozen=True)
class _Wish:
    """What is to be replayed, and from where to where."""

    contract: Contract
    selection: Selection
    source: QuarantineSource
    emulator: str | None
    cursor: ReplayCursor | None


def replay(
    name: ContractName,
    reason: Reasons = None,
    contract_version: Version = None,
    since: Since = None,
    until: Until = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge and count; publish nothing.")] = False,
    rate: Annotated[float, typer.Option(min=0.01, help="Messages a second, at most.")] = 100.0,
    cursor: CursorFile = None,
    force: Annotated[
        bool, typer.Option("--force", help="Publish what today's contract rejects, too.")
    ] = False,
    project: Project = None,
    location: Location = None,
    data_dir: DataDir = DATA_DIR,
    emulator: Emulator = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the report as JSON.")] = False,
) -> None:
    """Publish quarantined messages again, each once, with their own bytes and attributes.

    What the contract would reject again stays where it is and is counted. A row that comes twice is served
    once. Ends with 1 when it could not go on; with --cursor the same command continues.
    """
    contract, source = find_contract(name), QuarantineSource(project, location, data_dir)
    selection = selection_of(reason, contract_version, since, until)
    if project is None:
        emulator = emulator or LOCAL_PUBSUB
    if cursor is not None and dry_run:
        fail("a dry run keeps no place; leave out --cursor or --dry-run", MISUSED)
    wish = _Wish(contract, selection, source, emulator, _cursor(cursor, contract, source, selection))
    report = _replay(wish, rate, dry_run=dry_run, force=force)
    _write(report, as_json=as_json, dry_run=dry_run)


def _cursor(
    path: Path | None, contract: Contract, source: QuarantineSource, selection: Selection
) -> ReplayCursor | None:
    from exposure.ingest.replay_cursor import ReplayCursor

    return None if path is None else ReplayCursor(path, contract, source.name, selection)


def _replay(wish: _Wish, rate: float, *, dry_run: bool, force: bool) -> ReplayReport:
    from exposure.commands.pubsub_connection import PublishFailed
    from exposure.ingest.replay import Replay, ReplayPlan
    from exposure.ingest.replay_cursor import CursorMismatch

    try:
        after = wish.cursor.load() if wish.cursor else None
        with wish.source.open() as reader, ExitStack() as opened:
            publisher = None if dry_run else opened.enter_context(closing(_publisher(wish)))
            settled = opened.enter_context(_progress(wish))
            replaying = Replay(wish.contract, publisher, ReplayPlan(rate, is_forced=force), settled)
            return replaying.run(reader.select(wish.contract, wish.selection, after))
    except CursorMismatch as error:
        fail(str(error), MISUSED)
    except PublishFailed as error:
        fail(f"{error}; {_continuation(wish)}")
    except KeyboardInterrupt:
        fail(f"interrupted; {_continuation(wish)}")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")


def _publisher(wish: _Wish) -> BatchPublisher:
    from exposure.commands.batch_publisher import BatchPublisher

    return BatchPublisher(wish.source.project or LOCAL_PROJECT, wish.contract.topic, wish.emulator)


def _continuation(wish: _Wish) -> str:
    if wish.cursor is None:
        return "messages published before that are published; --cursor would keep the place"
    return "the same command goes on from here"


@contextmanager
def _progress(wish: _Wish) -> Iterator[Callable[[ReplayReport], None]]:
    """Give a function that keeps the place and, on a terminal, shows how far the replay is."""
    is_shown = sys.stderr.isatty()

    def settled(report: ReplayReport) -> None:
        if wish.cursor is not None and report.position is not None:
            wish.cursor.save(report.position)
        if is_shown:
            sys.stderr.write(f"\r{report.seen} read, {report.published} published ")
            sys.stderr.flush()

    yield settled
    if is_shown:
        say("")


def _write(report: ReplayReport, *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        summary = {
            "dry_run": dry_run,
            "read": report.seen,
            "published": 0 if dry_run else report.published,
            "publishable": report.published,
            "repeated": report.repeated,
            "still_rejected": dict(report.still_rejected),
        }
        typer.echo(json.dumps(summary))
        return
    verb = "would be published" if dry_run else "published"
    rejected = ", ".join(f"{count} {reason}" for reason, count in report.still_rejected.most_common())
    typer.echo(f"{report.seen} read, {report.published} {verb}, {report.repeated} already among them")
    if rejected:
        typer.echo(f"{report.still_rejected.total()} would be rejected again and stay: {rejected}")
