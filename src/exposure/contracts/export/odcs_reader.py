"""A contract out of the document it was exported as: the way back from `odcs`.

Only documents this platform wrote are read; what the standard allows beyond them is refused, not guessed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from exposure.contracts.access import Access, Bound, Credential, Grant
from exposure.contracts.model import SYSTEM_COLUMNS, Column, Contract, ServiceLevel
from exposure.contracts.types import Array, LogicalType, Object, Scalar
from exposure.contracts.unbounded import Unbounded, UnboundedQuestions
from exposure.contracts.unknown_fields import UnknownFields

_SYSTEM_NAMES = {column.name for column in SYSTEM_COLUMNS}
_SCALARS = {
    "STRING": Scalar.STRING,
    "INT64": Scalar.INTEGER,
    "FLOAT64": Scalar.NUMBER,
    "NUMERIC": Scalar.DECIMAL,
    "BOOL": Scalar.BOOLEAN,
    "DATE": Scalar.DATE,
    "TIMESTAMP": Scalar.TIMESTAMP,
    "JSON": Scalar.JSON,
}


class UnreadableContract(ValueError):
    """The document is no contract as this platform exports one; the sentence says what it lacks."""


def read_contract(document: object) -> Contract:
    """Return the contract of an ODCS document.

    Raises UnreadableContract, and WrongDeclaration for a declaration that today's rules refuse.
    """
    try:
        return _contract(document)
    except (KeyError, IndexError, TypeError, AttributeError, StopIteration) as error:
        detail = f"{type(error).__name__} {error}".strip()
        raise UnreadableContract(
            f"no contract as `exposure contract export --format odcs` writes it: {detail}"
        ) from error


def _contract(document: Any) -> Contract:
    if len(document["schema"]) != 1:
        raise UnreadableContract(f"a contract has one table, this document {len(document['schema'])}")
    table = document["schema"][0]
    properties = [one for one in table["properties"] if one["name"] not in _SYSTEM_NAMES]
    promises = {one["property"]: one for one in document["slaProperties"]}
    custom = _custom(document)
    return Contract(
        name=document["name"],
        version=document["version"],
        description=document["description"]["purpose"],
        owner=document["team"]["name"],
        topic=custom["topic"],
        dataset=_dataset(document),
        columns=tuple(_column(one) for one in properties),
        key=next(one["name"] for one in properties if one.get("primaryKey")),
        event_time=next(one["name"] for one in properties if one.get("partitioned")),
        clustered_by=_clustering(properties),
        retention=timedelta(days=promises["retention"]["value"]) if "retention" in promises else None,
        service_level=_service_level(promises),
        unknown_fields=_policy(custom.get("unknownFields", UnknownFields.KEEP.value)),
        unbounded=_unbounded(custom),
        max_bytes_billed=custom.get("maxBytesBilled"),
        replica=timedelta(seconds=custom["replicaSeconds"]) if "replicaSeconds" in custom else None,
        access=Access(tuple(_grant(one) for one in custom.get("access", []))),
    )


def _grant(one: Any) -> Grant:
    return Grant(
        scope=one["scope"],
        columns=None if one["columns"] is None else tuple(one["columns"]),
        rows=tuple(Bound(row["column"], row["claim"]) for row in one["rows"]),
        by=tuple(Credential(credential) for credential in one["by"]),
    )


def _policy(name: str) -> UnknownFields:
    if name not in set(UnknownFields):
        raise UnreadableContract(f"there is no policy for unknown fields called '{name}'")
    return UnknownFields(name)


def _unbounded(custom: dict[str, Any]) -> UnboundedQuestions:
    if "unboundedQuestionDays" in custom:
        return timedelta(days=custom["unboundedQuestionDays"])
    name = custom.get("unboundedQuestions", Unbounded.ALLOW.value)
    if name not in set(Unbounded):
        raise UnreadableContract(f"there is no policy for unbounded questions called '{name}'")
    return Unbounded(name)


def _dataset(document: Any) -> str:
    server = next(one for one in document["servers"] if one["type"] in {"bigquery", "duckdb"})
    dataset: str = server["dataset"] if server["type"] == "bigquery" else server["schema"]
    return dataset


def _clustering(properties: list[Any]) -> tuple[str, ...]:
    positions = {
        custom["clusterKeyPosition"]: one["name"]
        for one in properties
        if "clusterKeyPosition" in (custom := _custom(one))
    }
    return tuple(positions[position] for position in sorted(positions))


def _service_level(promises: dict[str, Any]) -> ServiceLevel:
    latency, freshness = promises["responseTime"], promises["latency"]
    return ServiceLevel(
        # Written as a percentage, rounded to the same digits.
        availability_goal=round(promises["availability"]["value"] / 100, 11),
        latency=timedelta(milliseconds=latency["value"]),
        latency_goal=_custom(latency)["goal"],
        freshness=timedelta(seconds=freshness["value"]),
        freshness_goal=_custom(freshness)["goal"],
    )


def _column(one: Any) -> Column:
    custom = _custom(one)
    return Column(
        name=one["name"],
        type=_type(one),
        description=one.get("description", ""),
        nullable=not one["required"],
        example=one.get("examples", [None])[0],
        members=tuple(_column(member) for member in custom.get("members", [])),
        matchable=custom.get("matchable", False),
    )


def _type(one: Any) -> LogicalType:
    physical = one["physicalType"]
    if physical in _SCALARS:
        return _SCALARS[physical]
    if physical.startswith("ARRAY<"):
        element = _type(one["items"])
        if isinstance(element, Array):
            raise UnreadableContract("an array of arrays is no type of this platform")
        return Array(element)
    if physical.startswith("STRUCT<"):
        return Object(tuple(_column(field) for field in one["properties"]))
    raise UnreadableContract(f"'{physical}' is no type of this platform")


def _custom(one: Any) -> dict[str, Any]:
    return {custom["property"]: custom["value"] for custom in one.get("customProperties", [])}
