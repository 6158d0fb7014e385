"""How much of a contract's recent past each instance of the API keeps in memory, if it does.

What is declared here is only which rows: how they are held and what is answered from them is for
`exposure.warehouse.replica`. The rows of one key should bear one event time: when a key is published again
with one more than an hour later, and its first row lies before the window, the later is answered by key.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from exposure.contracts.rules import WrongDeclaration

if TYPE_CHECKING:
    from exposure.contracts.model import Contract

# Longer than any table has partitions: every row, whatever its event time.
WHOLE_TABLE = timedelta(days=10_000)
_SHORTEST = timedelta(hours=2)
# A partition is dropped when its first row is too old, up to a day before its last one is.
_BEFORE_EXPIRY = timedelta(days=2)


def check_window(contract: Contract) -> None:
    """Raise WrongDeclaration when the replica's window cannot be kept as the table is."""
    window, where = contract.replica, f"contract '{contract.name}'"
    if window is None:
        return
    if not isinstance(window, timedelta):
        raise WrongDeclaration(f"{where}: replica is {window!r}; choose a timedelta, or None for no replica")
    if window % timedelta(seconds=1):
        raise WrongDeclaration(f"{where}: replica is {window}; choose whole seconds")
    if not _SHORTEST <= window <= WHOLE_TABLE:
        raise WrongDeclaration(
            f"{where}: replica is {window}; choose at least two hours, and WHOLE_TABLE for all rows"
        )
    if contract.retention is not None and window > contract.retention - _BEFORE_EXPIRY:
        raise WrongDeclaration(
            f"{where}: replica must be two days shorter than the retention, {contract.retention.days} days: "
            "it would show rows that the table has dropped"
        )
