"""What a question means that bounds the event time by nothing. Carried out by `exposure.query.time_bound`.

The table is partitioned by days of the event time: without a lower bound every partition is read, and billed.
A window answers cheaply what most readers mean and says so in each answer; where rows may be old and still be
wanted, let them be asked for, or insist that readers say which.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from exposure.contracts.rules import WrongDeclaration

if TYPE_CHECKING:
    from exposure.contracts.model import Contract

# https://cloud.google.com/bigquery/pricing: each table a query reads bills so much at least.
_LEAST_BILLED = 10 * 2**20
# https://cloud.google.com/bigquery/quotas#partitioned_tables
_PARTITIONS = 10_000


class Unbounded(StrEnum):
    """ALLOW reads all rows, within the cap of bytes; REFUSE none, and says which parameter is missing."""

    ALLOW = "allow"
    REFUSE = "refuse"


# Or the window that is meant: rows of so many days before the day the question is asked on.
UnboundedQuestions: TypeAlias = Unbounded | timedelta


def check_questions(contract: Contract) -> None:
    """Raise WrongDeclaration when what is declared of questions bounds none of them."""
    where, most = f"contract '{contract.name}'", contract.max_bytes_billed
    if most is not None and most < _LEAST_BILLED:
        raise WrongDeclaration(
            f"{where}: max_bytes_billed is below {_LEAST_BILLED}, which every question bills"
        )
    unbounded = contract.unbounded
    if isinstance(unbounded, Unbounded):
        return
    if not isinstance(unbounded, timedelta):
        raise WrongDeclaration(
            f"{where}: unbounded is {unbounded!r}; choose Unbounded.ALLOW, Unbounded.REFUSE or a timedelta"
        )
    days = unbounded / timedelta(days=1)
    longest = _PARTITIONS if contract.retention is None else contract.retention.days
    if not 1 <= days <= longest or days != int(days):
        raise WrongDeclaration(
            f"{where}: unbounded must be whole days between 1 and {longest}: a partition is one day, and no "
            "row is kept longer"
        )
