"""What makes a declaration wrong, each with a sentence that says what to do about it.

Only what the platform could not store or serve is refused; style is left to the reader.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from exposure.contracts.types import Array, LogicalType, Object, Scalar, describe
from exposure.contracts.unknown_fields import UnknownFields

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exposure.contracts.model import Column, Contract, ServiceLevel

# BigQuery takes 300 characters, Avro and most clients only plain identifiers.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")
_CONTRACT_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
# https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names
_TOPIC = re.compile(r"(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,229}")
# What the platform puts behind a name to name what it adds: no contract may bear such a name itself.
QUARANTINE_SUFFIX, SERVED_SUFFIX, DEAD_LETTER_TABLE_SUFFIX = "_quarantine", "_served", "_dead_letters"
_TABLE_SUFFIXES = (QUARANTINE_SUFFIX, SERVED_SUFFIX, DEAD_LETTER_TABLE_SUFFIX)
DEAD_LETTERS_SUFFIX = "-dead-letters"
_KEY_TYPES = (Scalar.STRING, Scalar.INTEGER)
# https://cloud.google.com/bigquery/docs/clustered-tables#limitations
_CLUSTER_TYPES = (
    Scalar.STRING, Scalar.INTEGER, Scalar.DECIMAL, Scalar.BOOLEAN, Scalar.DATE, Scalar.TIMESTAMP,
)  # fmt: skip
_CLUSTER_COLUMNS = 4
_NESTING = 15
# By it a page walk in the embedded warehouse tells later rows from earlier ones.
_ROW_NUMBER = "rowid"
_PARTITIONS = 10_000


class WrongDeclaration(ValueError):
    """A contract, column or service level that cannot be; the author of the declaration must change it."""


def check_column(column: Column) -> None:
    """Raise WrongDeclaration when the column's name or type cannot be stored."""
    _refuse_reserved(column.name)
    if isinstance(column.type, Array) and column.nullable:
        raise WrongDeclaration(
            f"column '{column.name}': an array cannot be nullable, BigQuery stores no NULL array; "
            "drop nullable=True, an absent array is the empty one"
        )
    if isinstance(column.type, Array):
        _check_element(column.name, column.type.of)
    if isinstance(column.type, Object):
        _check_fields(column.name, column.type)
    _check_depth(column.name, column.type, 1)
    _check_members(column)
    if column.matchable and column.type is not Scalar.STRING:
        raise WrongDeclaration(
            f"column '{column.name}': only a string can be matchable, it is {describe(column.type)}"
        )


def check_service_level(level: ServiceLevel) -> None:
    """Raise WrongDeclaration when a goal is no share or a bound is not positive."""
    for name in ("availability_goal", "latency_goal", "freshness_goal"):
        goal = getattr(level, name)
        if not 0 < goal < 1:
            raise WrongDeclaration(
                f"service level: {name} is {goal}; a goal is a share between 0 and 1, for example 0.999"
            )
    for name in ("latency", "freshness"):
        if getattr(level, name) <= timedelta(0):
            raise WrongDeclaration(f"service level: {name} must be longer than nothing")


def check_contract(contract: Contract) -> None:
    """Raise WrongDeclaration when the contract names what it does not declare, or cannot be exposed."""
    if not _CONTRACT_NAME.fullmatch(contract.name):
        raise WrongDeclaration(
            f"contract '{contract.name}': the name becomes a table and a path; use lower-case letters, "
            "digits and _, a letter first, 63 characters at most"
        )
    if contract.name.endswith(_TABLE_SUFFIXES):
        raise _wrong(
            contract, f"names that end with {', '.join(_TABLE_SUFFIXES)} are the platform's; rename it"
        )
    if not _VERSION.fullmatch(contract.version):
        raise _wrong(contract, f"version '{contract.version}' is not MAJOR.MINOR.PATCH, for example 1.0.0")
    if not isinstance(contract.unknown_fields, UnknownFields):
        raise _wrong(
            contract,
            f"unknown_fields is {contract.unknown_fields!r}; choose UnknownFields.KEEP, .DROP or .REJECT",
        )
    _check_topic(contract)
    if not re.fullmatch(r"[A-Za-z0-9_]{1,1024}", contract.dataset):
        raise _wrong(contract, f"dataset '{contract.dataset}' may hold letters, digits and _ only")
    _check_columns(contract)
    _check_key(contract)
    _check_event_time(contract)
    _check_clustering(contract)


def _check_topic(contract: Contract) -> None:
    if not _TOPIC.fullmatch(contract.topic):
        raise _wrong(
            contract,
            f"topic '{contract.topic}' is no Pub/Sub topic id: 3 to 230 characters, a letter first, "
            "then letters, digits and ._~+%-, not beginning with goog",
        )
    if contract.topic.endswith(DEAD_LETTERS_SUFFIX):
        raise _wrong(
            contract,
            f"topics that end with {DEAD_LETTERS_SUFFIX} hold what could not be delivered; rename it",
        )


def _wrong(contract: Contract, what: str) -> WrongDeclaration:
    return WrongDeclaration(f"contract '{contract.name}': {what}")


def _refuse_reserved(name: str) -> None:
    if name.startswith("_"):
        # The four system columns are declared in this package; anything else would collide with them
        # or with BigQuery's own pseudo columns.
        if name in {"_message_id", "_publish_time", "_ingest_time", "_extra"}:
            return
        raise WrongDeclaration(
            f"column '{name}': names that begin with _ are reserved for the platform; rename the column"
        )
    if not _NAME.fullmatch(name):
        raise WrongDeclaration(
            f"column '{name}': use letters, digits and _, a letter first, 128 characters at most"
        )


def _check_element(name: str, element: Scalar | Object) -> None:
    if not isinstance(element, Scalar | Object):
        raise WrongDeclaration(
            f"column '{name}': an array holds scalars or objects, BigQuery has no array of arrays; "
            "wrap the inner array in an object"
        )
    if isinstance(element, Object):
        _check_fields(name, element)


def _check_fields(name: str, nested: Object) -> None:
    if not nested.fields:
        raise WrongDeclaration(f"column '{name}': an object needs at least one field; use json instead")
    _refuse_twins(f"column '{name}'", (field.name for field in nested.fields))
    for field in nested.fields:
        if field.name.startswith("_"):
            raise WrongDeclaration(f"column '{name}': field '{field.name}' begins with _; rename it")


def _check_members(column: Column) -> None:
    if column.members and column.type is not Scalar.JSON:
        raise WrongDeclaration(
            f"column '{column.name}': only json has members, it is {describe(column.type)}; declare fields"
        )
    _refuse_twins(f"column '{column.name}'", (member.name for member in column.members))
    for member in column.members:
        if not _is_askable(member.type):
            raise WrongDeclaration(
                f"column '{column.name}': member '{member.name}' is {describe(member.type)}; a member is a "
                "scalar, or an object of scalars"
            )


def _is_askable(logical_type: LogicalType) -> bool:
    if isinstance(logical_type, Object):
        return all(_is_askable(field.type) for field in logical_type.fields)
    return not isinstance(logical_type, Array) and logical_type not in (Scalar.JSON, Scalar.BYTES)


def _check_depth(name: str, logical_type: LogicalType, depth: int) -> None:
    if isinstance(logical_type, Array):
        _check_depth(name, logical_type.of, depth)
    if isinstance(logical_type, Object):
        if depth > _NESTING:
            raise WrongDeclaration(
                f"column '{name}': objects are nested deeper than BigQuery's {_NESTING} levels; use json"
            )
        for field in logical_type.fields:
            _check_depth(name, field.type, depth + 1)


def _refuse_twins(where: str, names: Iterable[str]) -> None:
    """Refuse two names that differ by case at most: BigQuery's column names ignore case."""
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.get(name.casefold())
        if twin is not None:
            raise WrongDeclaration(f"{where}: '{twin}' and '{name}' are one name to BigQuery; rename one")
        seen[name.casefold()] = name


def _check_columns(contract: Contract) -> None:
    if not contract.columns:
        raise _wrong(contract, "declares no columns; add at least the key and the event time")
    for column in contract.columns:
        if column.name.startswith("_"):
            raise _wrong(contract, f"column '{column.name}' is added by the platform; remove it")
        if column.name.lower() == _ROW_NUMBER:
            raise _wrong(contract, f"column '{column.name}': DuckDB numbers rows under this name; rename it")
        if _uses_bytes(column.type):
            raise _wrong(contract, f"column '{column.name}': JSON has no bytes; declare a string of base64")
    _refuse_twins(f"contract '{contract.name}'", (column.name for column in contract.columns))


def _uses_bytes(logical_type: LogicalType) -> bool:
    if isinstance(logical_type, Array):
        return _uses_bytes(logical_type.of)
    if isinstance(logical_type, Object):
        return any(_uses_bytes(field.type) for field in logical_type.fields)
    return logical_type is Scalar.BYTES


def _declared(contract: Contract, role: str, name: str) -> Column:
    for column in contract.columns:
        if column.name == name:
            return column
    declared = ", ".join(column.name for column in contract.columns)
    raise _wrong(contract, f"{role} '{name}' is not a declared column; choose one of: {declared}")


def _check_key(contract: Contract) -> None:
    key = _declared(contract, "key", contract.key)
    if key.type not in _KEY_TYPES:
        raise _wrong(contract, f"key '{key.name}' is {describe(key.type)}; a key is a string or an integer")
    if key.nullable:
        raise _wrong(contract, f"key '{key.name}' is nullable; a row without a key cannot be served")


def _check_event_time(contract: Contract) -> None:
    event_time = _declared(contract, "event time", contract.event_time)
    if event_time.type is not Scalar.TIMESTAMP:
        raise _wrong(
            contract,
            f"event time '{event_time.name}' is {describe(event_time.type)}; declare it a timestamp, "
            "the table is partitioned by it",
        )
    if event_time.nullable:
        raise _wrong(contract, f"event time '{event_time.name}' is nullable; every row needs a partition")
    if contract.retention is None:
        return
    days = contract.retention / timedelta(days=1)
    if not 1 <= days <= _PARTITIONS or days != int(days):
        raise _wrong(
            contract, f"retention must be whole days between 1 and {_PARTITIONS}, a partition is one day"
        )


def _check_clustering(contract: Contract) -> None:
    if len(contract.clustered_by) > _CLUSTER_COLUMNS:
        raise _wrong(contract, f"is clustered by more than BigQuery's {_CLUSTER_COLUMNS} columns")
    if len(set(contract.clustered_by)) < len(contract.clustered_by):
        raise _wrong(contract, "is clustered by the same column twice; name it once")
    for name in contract.clustered_by:
        column = _declared(contract, "clustering column", name)
        if column.type not in _CLUSTER_TYPES:
            raise _wrong(contract, f"cannot be clustered by '{name}', a column of {describe(column.type)}")
