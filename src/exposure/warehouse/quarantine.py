"""What is asked of a quarantine by the person who looks after it: the port, and its questions as SQL.

Ingest writes quarantine rows and never reads them; the API serves none. Adapters are `DuckDBQuarantine` and
`BigQueryQuarantine`; both may read only, and a command uses them, so they block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from exposure.contracts.model import INGEST_TIME, MESSAGE_ID, Contract
from exposure.contracts.types import Scalar
from exposure.query.model import Row
from exposure.warehouse.bindings import Bindings
from exposure.warehouse.schema import QUARANTINE_COLUMNS, quarantine_table
from exposure.warehouse.sql import Dialect, Statement


@dataclass(frozen=True)
class Quarantined:
    """One message set aside, field by column; `attributes` is the text of a JSON object."""

    reason: str
    detail: str
    data: bytes
    attributes: str
    contract_version: str
    message_id: str
    publish_time: datetime
    ingest_time: datetime

    @property
    def position(self) -> Position:
        """Return where it stands in the order in which messages are read."""
        return Position(self.ingest_time, self.message_id)


@dataclass(frozen=True)
class Position:
    """A place in the order of a quarantine: when ingest decoded the message, then its id."""

    ingest_time: datetime
    message_id: str


@dataclass(frozen=True)
class Selection:
    """Which messages are meant: all bounds hold; an empty one excludes nothing. `since` is inclusive."""

    reasons: tuple[str, ...] = ()
    contract_version: str | None = None
    message_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class QuarantineCount:
    """How many messages were set aside for one reason by one version, and when the first and the last."""

    reason: str
    contract_version: str
    messages: int
    first: datetime
    last: datetime


class QuarantineReader(Protocol):
    """Reads one warehouse's quarantines. Every method raises WarehouseError."""

    def select(
        self, contract: Contract, selection: Selection, after: Position | None = None, most: int | None = None
    ) -> Iterator[Quarantined]:
        """Yield the messages behind `after`, the earliest first, `most` at most; one per message id."""

    def count(self, contract: Contract, selection: Selection) -> Sequence[QuarantineCount]:
        """Return the counts by reason and version, the largest first."""

    def close(self) -> None:
        """Release what is open."""


def compile_selection(
    contract: Contract, selection: Selection, dialect: Dialect, after: Position | None, most: int | None
) -> Statement:
    """Return the statement whose rows are `Quarantined`, field by field."""
    conditions = _Conditions(dialect)
    source = conditions.source(contract, selection, after)
    outputs = ", ".join(dialect.output(column) for column in QUARANTINE_COLUMNS)
    order = ", ".join(dialect.identifier(column.name) for column in (INGEST_TIME, MESSAGE_ID))
    limit = "" if most is None else f"\nLIMIT {int(most)}"
    text = f"SELECT {outputs}\nFROM {source}\nORDER BY {order}{limit}"
    return Statement(text, conditions.bindings.parameters)


def compile_counts(contract: Contract, selection: Selection, dialect: Dialect) -> Statement:
    """Return the statement whose rows are `QuarantineCount`, field by field."""
    conditions = _Conditions(dialect)
    source = conditions.source(contract, selection, None)
    reason, version = dialect.identifier("reason"), dialect.identifier("contract_version")
    time = dialect.identifier(INGEST_TIME.name)
    text = (
        f"SELECT {reason}, {version}, COUNT(*), MIN({time}), MAX({time})\nFROM {source}\n"
        f"GROUP BY {reason}, {version}\nORDER BY 3 DESC, 1, 2"
    )
    return Statement(text, conditions.bindings.parameters)


def quarantined(row: Row) -> Quarantined:
    """Return the message of a row in the order of `QUARANTINE_COLUMNS`."""
    return Quarantined(*row)  # type: ignore[arg-type]  # the adapters give the columns' types


class _Conditions:
    """Writes the conditions of one statement and collects their values."""

    def __init__(self, dialect: Dialect) -> None:
        self.bindings = Bindings()
        self._dialect = dialect

    def source(self, contract: Contract, selection: Selection, after: Position | None) -> str:
        """Return what stands behind FROM, and WHERE with it."""
        inner = list(self._of_key_and_time(selection, after))
        outer = list(self._of_the_rest(selection))
        table = quarantine_table(contract)
        stored = self._dialect.stored(table, None, self.bindings)
        rows = self._dialect.one_row_per_key(stored, table, QUARANTINE_COLUMNS, " AND ".join(inner))
        return f"{rows}\nWHERE {' AND '.join(outer)}" if outer else rows

    def _of_key_and_time(self, selection: Selection, after: Position | None) -> Iterator[str]:
        time, identity = (self._dialect.identifier(column.name) for column in (INGEST_TIME, MESSAGE_ID))
        if selection.message_id is not None:
            yield f"{identity} = {self._bind('message_id', Scalar.STRING, selection.message_id)}"
        if selection.since is not None:
            yield f"{time} >= {self._bind('since', Scalar.TIMESTAMP, selection.since)}"
        if selection.until is not None:
            yield f"{time} < {self._bind('until', Scalar.TIMESTAMP, selection.until)}"
        if after is not None:
            at = self._bind("after_time", Scalar.TIMESTAMP, after.ingest_time)
            behind = self._bind("after_id", Scalar.STRING, after.message_id)
            # The first bound is implied, and prunes partitions.
            yield f"{time} >= {at} AND ({time} > {at} OR {identity} > {behind})"

    def _of_the_rest(self, selection: Selection) -> Iterator[str]:
        if selection.reasons:
            reasons = self._bind("reasons", Scalar.STRING, selection.reasons, is_array=True)
            yield self._dialect.member(self._dialect.identifier("reason"), reasons)
        if selection.contract_version is not None:
            version = self._bind("version", Scalar.STRING, selection.contract_version)
            yield f"{self._dialect.identifier('contract_version')} = {version}"

    def _bind(self, name: str, scalar: Scalar, value: object, *, is_array: bool = False) -> str:
        return self._dialect.placeholder(self.bindings.bind(scalar, value, name=name, is_array=is_array))
