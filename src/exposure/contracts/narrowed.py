"""A contract as it is for somebody who may not see all of it: the hidden columns do not exist there.

Everything that follows from a contract (grammar, description, documentation, encoding) follows from a
narrowed one as well, so nothing behind it has to know of access. Who may see what is said in `access`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields

from exposure.contracts.access import CLOSED
from exposure.contracts.model import SYSTEM_COLUMNS, Column, Contract


@dataclass(frozen=True)
class NarrowedContract(Contract):
    """A contract with some of its own columns and some of the system columns."""

    system_columns: tuple[Column, ...] = SYSTEM_COLUMNS

    # Which a dataclass would make anew of all that it holds.
    __hash__ = Contract.__hash__

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """Return the visible columns in the order rows are stored."""
        return (*self.columns, *self.system_columns)


def narrow(contract: Contract, visible: Collection[str]) -> NarrowedContract:
    """Return the contract with these columns alone, the key and the event time among them."""
    whole = {field.name: getattr(contract, field.name) for field in fields(Contract)}
    changes = {
        "columns": tuple(column for column in contract.columns if column.name in visible),
        "system_columns": tuple(column for column in SYSTEM_COLUMNS if column.name in visible),
        "clustered_by": tuple(name for name in contract.clustered_by if name in visible),
        # Its grants name columns that are not there any more, and nobody asks it for them.
        "access": CLOSED,
    }
    return NarrowedContract(**(whole | changes))
