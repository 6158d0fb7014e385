"""`exposure quarantine`: what could not become rows, why, and the messages themselves.

It only reads; `exposure replay` publishes messages again.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exposure.commands.console import FAILED, fail, new_table, say, show_table
from exposure.commands.contract_option import ContractName, find_contract
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
    from exposure.warehouse.quarantine import QuarantineCount, Quarantined

quarantine = typer.Typer(no_args_is_help=True, help="Look at messages that could not become rows.")
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, not a table.")]


@quarantine.command("list", epilog="Example: exposure quarantine list orders --reason WRONG_TYPE --limit 5")
def list_messages(
    name: ContractName,
    reason: Reasons = None,
    contract_version: Version = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, help="Messages to show, the earliest first.")] = 20,
    project: Project = None,
    location: Location = None,
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """List messages set aside, the earliest first; --json writes one a line, whole."""
    contract, selection = find_contract(name), selection_of(reason, contract_version, since, until)
    with QuarantineSource(project, location, data_dir).open() as reader:
        found = list(reader.select(contract, selection, most=limit))
    if as_json:
        for one in found:
            typer.echo(json.dumps(_document(one), ensure_ascii=False))
    elif found:
        _show_list(found)
    say(f"{len(found)} message{'' if len(found) == 1 else 's'}")


@quarantine.command("show", epilog="Example: exposure quarantine show orders 18446744073709551")
def show_message(
    name: ContractName,
    message_id: Annotated[str, typer.Argument(metavar="MESSAGE_ID", help="Pub/Sub's id of the message.")],
    project: Project = None,
    location: Location = None,
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show one message: why it was refused, its attributes and its bytes. Ends with 1 if there is none."""
    contract, selection = find_contract(name), selection_of(None, None, None, None)
    with QuarantineSource(project, location, data_dir).open() as reader:
        found = list(reader.select(contract, replace(selection, message_id=message_id), most=1))
    if not found:
        fail(f"there is no message '{message_id}' in the quarantine of {contract.name}", FAILED)
    document = _document(found[0])
    if as_json:
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    for field, value in document.items():
        typer.echo(
            f"{field:<17} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        )


@quarantine.command("stats", epilog="Example: exposure quarantine stats orders --since 2026-11-25T00:00:00Z")
def show_counts(
    name: ContractName,
    reason: Reasons = None,
    contract_version: Version = None,
    since: Since = None,
    until: Until = None,
    project: Project = None,
    location: Location = None,
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Count messages by reason and contract version, with the first and the last of each."""
    contract, selection = find_contract(name), selection_of(reason, contract_version, since, until)
    with QuarantineSource(project, location, data_dir).open() as reader:
        counts = reader.count(contract, selection)
    if as_json:
        typer.echo(json.dumps([_count_document(one) for one in counts], indent=2))
        return
    if counts:
        _show_counts(counts)
    total = sum(one.messages for one in counts)
    say(f"{total} message{'' if total == 1 else 's'}")


def _show_list(found: list[Quarantined]) -> None:
    from rich.text import Text

    table = new_table("message", "set aside", "reason", "version", "bytes", "detail")
    for one in found:
        instant = one.ingest_time.isoformat(timespec="seconds")
        cells = (one.message_id, instant, one.reason, one.contract_version, str(len(one.data)), one.detail)
        # Text, because a detail may look like rich's markup.
        table.add_row(*(Text(cell) for cell in cells))
    show_table(table)


def _show_counts(counts: Any) -> None:
    table = new_table("reason", "version", "messages", "first", "last")
    for one in counts:
        first, last = (instant.isoformat(timespec="seconds") for instant in (one.first, one.last))
        table.add_row(one.reason, one.contract_version, str(one.messages), first, last)
    show_table(table)


def _document(one: Quarantined) -> dict[str, object]:
    """Return the message as JSON; bytes that are no text stand in base64."""
    document: dict[str, object] = {
        "message_id": one.message_id,
        "reason": one.reason,
        "detail": one.detail,
        "contract_version": one.contract_version,
        "publish_time": one.publish_time.isoformat(),
        "ingest_time": one.ingest_time.isoformat(),
        "attributes": json.loads(one.attributes),
    }
    try:
        return document | {"data": one.data.decode()}
    except UnicodeDecodeError:
        return document | {"data_base64": base64.b64encode(one.data).decode()}


def _count_document(one: QuarantineCount) -> dict[str, object]:
    return {
        "reason": one.reason,
        "contract_version": one.contract_version,
        "messages": one.messages,
        "first": one.first.isoformat(),
        "last": one.last.isoformat(),
    }
