"""`exposure contract diff`: what changed between two declarations, and whether it may be released."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from exposure.commands.console import FAILED, MISUSED, fail, new_table, say, show_table
from exposure.commands.contract_option import find_contract
from exposure.contracts.diff import Diff, Impact, compare
from exposure.contracts.export.odcs_reader import UnreadableContract, read_contract
from exposure.contracts.model import Contract
from exposure.contracts.rules import WrongDeclaration

_STANDARD_INPUT = "-"


def diff_contracts(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD", help="An exported ODCS file, - for standard input, or a contract's name."
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The same; usually the contract's name.")],
    as_json: Annotated[bool, typer.Option("--json", help="Write the changes as JSON.")] = False,
) -> None:
    """Tell compatible changes from breaking ones.

    Ends with 1 when NEW must not take OLD's place: a breaking change without a new major version, another
    change without a later version, or an older version. Ends with 2 when a declaration cannot be read.
    """
    found = compare(_declaration(old), _declaration(new))
    _write_json(found) if as_json else _write_text(found)
    if found.refusal is not None:
        fail(found.refusal, FAILED)


def _declaration(argument: str) -> Contract:
    is_file = argument == _STANDARD_INPUT or argument.endswith(".json") or Path(argument).is_file()
    if not is_file:
        return find_contract(argument)
    try:
        text = sys.stdin.read() if argument == _STANDARD_INPUT else Path(argument).read_text("utf-8")
        return read_contract(json.loads(text))
    except OSError as error:
        fail(f"cannot read {argument}: {error.strerror}", MISUSED)
    except (ValueError, RecursionError) as error:
        is_ours = isinstance(error, UnreadableContract | WrongDeclaration)
        fail(f"{argument}: {error}" if is_ours else f"{argument} is no JSON: {error}", MISUSED)


def _write_json(found: Diff) -> None:
    document = {
        "old_version": found.old_version,
        "new_version": found.new_version,
        "impact": found.impact.name.lower(),
        "refusal": found.refusal,
        "changes": [
            {"impact": change.impact.name.lower(), "path": change.path, "what": change.what}
            for change in found.changes
        ],
    }
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _write_text(found: Diff) -> None:
    if not found.changes:
        typer.echo("no difference")
        return
    table = new_table("impact", "what", "how")
    for change in found.changes:
        table.add_row(change.impact.name.lower(), change.path, change.what)
    show_table(table)
    if found.refusal is None and found.impact is Impact.BREAKING:
        say(f"breaking, and version {found.new_version} after {found.old_version} says so")
