"""The tables a contract becomes: its rows and its quarantine. Described, not created.

Adapters and the infrastructure program derive their physical schemas from these descriptions; no
physical type is named here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from exposure.contracts.model import INGEST_TIME, MESSAGE_ID, PUBLISH_TIME, Column, Contract
from exposure.contracts.types import Scalar


@dataclass(frozen=True)
class Table:
    """One table: day-partitioned by `partitioned_by`, clustered by `clustered_by`.

    `key` names the column that identifies a row: rows may be stored twice, one per key is read.
    """

    dataset: str
    name: str
    description: str
    columns: tuple[Column, ...]
    key: str
    partitioned_by: str
    clustered_by: tuple[str, ...] = ()
    retention: timedelta | None = None


QUARANTINE_COLUMNS = (
    Column("reason", Scalar.STRING, "Why the message could not become a row; one of a closed set."),
    Column("detail", Scalar.STRING, "What exactly was wrong, and where in the message."),
    Column("data", Scalar.BYTES, "The message's bytes, untouched."),
    Column("attributes", Scalar.JSON, "The message's attributes, untouched."),
    Column("contract_version", Scalar.STRING, "Version of the contract that refused it."),
    MESSAGE_ID,
    PUBLISH_TIME,
    INGEST_TIME,
)
_QUARANTINE_RETENTION = timedelta(days=90)


def rows_table(contract: Contract) -> Table:
    """Return the table that holds the contract's rows."""
    return Table(
        dataset=contract.dataset,
        name=contract.name,
        description=contract.description,
        columns=contract.stored_columns,
        key=contract.key,
        partitioned_by=contract.event_time,
        clustered_by=contract.clustered_by,
        retention=contract.retention,
    )


def quarantine_table(contract: Contract) -> Table:
    """Return the table that keeps the messages of the contract that could not become rows."""
    return Table(
        dataset=contract.dataset,
        name=contract.quarantine_table,
        description=f"Messages refused for {contract.name}, with their reasons.",
        columns=QUARANTINE_COLUMNS,
        key=MESSAGE_ID.name,
        partitioned_by=INGEST_TIME.name,
        clustered_by=("reason",),
        retention=_QUARANTINE_RETENTION,
    )
