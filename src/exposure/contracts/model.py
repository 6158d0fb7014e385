"""What a contract is: the one declaration from which table, endpoint, decoder and stack resources follow.

It deliberately knows no SQL, no HTTP and no cloud resource. A wrong declaration is refused when it is made,
that is at import, by `exposure.contracts.rules`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from exposure.contracts import rules
from exposure.contracts.access import CLOSED, Access, check_access
from exposure.contracts.hot_window import check_window
from exposure.contracts.types import LogicalType, Scalar
from exposure.contracts.unbounded import Unbounded, UnboundedQuestions, check_questions
from exposure.contracts.unknown_fields import UnknownFields


@dataclass(frozen=True)
class Column:
    """One named value of a row, or one named field of an object.

    `example` is a JSON value (as `json.loads` returns it) used in documentation and generated samples.
    `members`, of a JSON column alone, are the members of its objects that can be filtered by. They bind no
    producer: a value that is not of its member's type is a missing one to a filter. `matchable`, of a string
    alone, lets readers filter by regular expressions, which no order of the rows can help with.
    """

    name: str
    type: LogicalType
    description: str = ""
    nullable: bool = False
    # Left out of the hash: it may be a list.
    example: object = field(default=None, hash=False)
    members: tuple[Column, ...] = ()
    matchable: bool = False

    def __post_init__(self) -> None:
        """Refuse a column no warehouse could hold, with `WrongDeclaration`."""
        rules.check_column(self)


@dataclass(frozen=True)
class ServiceLevel:
    """The promises of one exposed dataset. Goals are shares between 0 and 1, exclusive.

    `latency` bounds the share `latency_goal` of requests; `freshness` bounds publish-to-visible for the
    share `freshness_goal` of rows.
    """

    availability_goal: float = 0.999
    latency: timedelta = timedelta(milliseconds=300)
    latency_goal: float = 0.95
    freshness: timedelta = timedelta(seconds=60)
    freshness_goal: float = 0.99

    def __post_init__(self) -> None:
        """Refuse a goal that is no share and a bound that is not positive, with `WrongDeclaration`."""
        rules.check_service_level(self)


# Every stored row carries these beside the contract's own columns.
MESSAGE_ID = Column("_message_id", Scalar.STRING, "Pub/Sub's id of the message the row came in.")
PUBLISH_TIME = Column("_publish_time", Scalar.TIMESTAMP, "When Pub/Sub accepted the message.")
INGEST_TIME = Column("_ingest_time", Scalar.TIMESTAMP, "When ingest decoded the message.")
EXTRA = Column("_extra", Scalar.JSON, "Published fields the contract does not declare.", nullable=True)
SYSTEM_COLUMNS = (MESSAGE_ID, PUBLISH_TIME, INGEST_TIME, EXTRA)


@dataclass(frozen=True)
class Contract:
    """One exposed dataset: published on `topic`, stored in `dataset`.`name`, served at `/v1/{name}`.

    `key` names the column that identifies a row (at most one row per key is served); `event_time` names
    the timestamp the table is partitioned by. `retention` is how long after its event time a row is kept,
    None for ever. `access` says who may read it: nobody, unless it grants something. `unknown_fields` says
    what becomes of published fields that are not declared here, `unbounded` what a question means that bounds
    the event time by nothing: a number of days, all rows, or nothing. `max_bytes_billed` is the most one
    question may bill where that is less than what the deployment allows. `replica` is how far back the API
    keeps rows in memory, None for no rows.
    """

    name: str
    version: str
    description: str
    owner: str
    topic: str
    dataset: str
    columns: tuple[Column, ...]
    key: str
    event_time: str
    clustered_by: tuple[str, ...] = ()
    retention: timedelta | None = None
    service_level: ServiceLevel = field(default_factory=ServiceLevel)
    access: Access = CLOSED
    unknown_fields: UnknownFields = UnknownFields.KEEP
    unbounded: UnboundedQuestions = Unbounded.ALLOW
    max_bytes_billed: int | None = None
    replica: timedelta | None = None

    def __post_init__(self) -> None:
        """Refuse a declaration that cannot be stored or served, with `WrongDeclaration`."""
        rules.check_contract(self)
        check_access(self)
        check_questions(self)
        check_window(self)

    def __hash__(self) -> int:
        """Return the hash of the name alone: it is asked for with each request, and names seldom agree."""
        return hash((self.name, self.version))

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """Return the declared columns and then the system columns, in the order rows are stored."""
        return (*self.columns, *SYSTEM_COLUMNS)

    @property
    def subscription(self) -> str:
        """Return the id of the Pub/Sub subscription that ingest reads, be it pushed or pulled."""
        return f"{self.topic}-ingest"

    @property
    def dead_letter_topic(self) -> str:
        """Return the id of the Pub/Sub topic for what could not be delivered."""
        return f"{self.topic}{rules.DEAD_LETTERS_SUFFIX}"

    @property
    def dead_letter_archive(self) -> str:
        """Return the id of the Pub/Sub subscription that writes dead letters to their table."""
        return f"{self.dead_letter_topic}-archive"

    @property
    def dead_letter_table(self) -> str:
        """Return the name of the table of dead letters."""
        return f"{self.name}{rules.DEAD_LETTER_TABLE_SUFFIX}"

    @property
    def quarantine_table(self) -> str:
        """Return the name of the table of messages that could not become rows."""
        return f"{self.name}{rules.QUARANTINE_SUFFIX}"

    @property
    def served_view(self) -> str:
        """Return the name of the view that shows one row per key."""
        return f"{self.name}{rules.SERVED_SUFFIX}"

    @property
    def key_column(self) -> Column:
        """Return the column named by `key`."""
        return self.column(self.key)

    def column(self, name: str) -> Column:
        """Return the stored column of that name; KeyError when there is none."""
        for column in self.stored_columns:
            if column.name == name:
                return column
        raise KeyError(name)
