"""How commands speak: results to standard output, talk and complaints to standard error, one line each."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from rich.table import Table

FAILED = 1
MISUSED = 2
# A table in a pipe is as wide as its content; nothing reads it on a screen of 80 columns.
_UNBOUNDED_WIDTH = 10_000


def say(line: str) -> None:
    """Write a line of talk to standard error."""
    typer.echo(line, err=True)


def fail(line: str, code: int = FAILED) -> NoReturn:
    """Say why and end the command: FAILED for the world's fault, MISUSED for the caller's."""
    say(f"exposure: {line}")
    raise typer.Exit(code)


def show_table(table: Table) -> None:
    """Write a table to standard output; colours only on a terminal, and none under NO_COLOR."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _UNBOUNDED_WIDTH
    Console(width=width).print(table)


def new_table(*headings: str) -> Table:
    """Return an empty table whose cells are folded, never cut."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
