"""The argument CONTRACT, the same in every command that needs a contract this installation declares."""

from __future__ import annotations

from typing import Annotated

import typer

from exposure.commands.console import MISUSED, fail
from exposure.contracts.catalog import CATALOG, UnknownContract
from exposure.contracts.model import Contract


def _complete(incomplete: str) -> list[str]:
    return [contract.name for contract in CATALOG if contract.name.startswith(incomplete)]


ContractName = Annotated[
    str,
    typer.Argument(
        metavar="CONTRACT",
        help="Name of a contract; `exposure contract list` shows them.",
        autocompletion=_complete,
        show_default=False,
    ),
]


def find_contract(name: str) -> Contract:
    """Return the contract of that name, or end the command with the nearest name."""
    try:
        return CATALOG.get(name)
    except UnknownContract as error:
        fail(str(error), MISUSED)
