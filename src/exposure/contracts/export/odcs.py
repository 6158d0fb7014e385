"""A contract as a document of the Open Data Contract Standard, v3.1.0.

What the standard has no key for (clustering, granularity, goals) stands in its customProperties. Where a
contract is served is not the contract's to know: the caller tells it as a `Deployment`.
Format: https://bitol-io.github.io/open-data-contract-standard/v3.1.0/
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from exposure.contracts.access import Grant
from exposure.contracts.model import SYSTEM_COLUMNS, Column, Contract
from exposure.contracts.types import (
    DECIMAL_PRECISION,
    DECIMAL_SCALE,
    KEY_CHARACTERS,
    Array,
    LogicalType,
    Scalar,
)
from exposure.contracts.unbounded import Unbounded
from exposure.contracts.unknown_fields import UnknownFields

_API_VERSION = "v3.1.0"
# Fixed for ever: a contract's id in catalogs is derived from it and the contract's name.
_IDS = uuid.UUID("6a5b0b52-2d0c-4c55-9a5e-3c0f6f1d7e84")
_LOGICAL: dict[Scalar, str] = {
    Scalar.STRING: "string",
    Scalar.INTEGER: "integer",
    Scalar.NUMBER: "number",
    Scalar.DECIMAL: "number",
    Scalar.BOOLEAN: "boolean",
    Scalar.DATE: "date",
    Scalar.TIMESTAMP: "timestamp",
    # The standard has no type for any JSON value; this is what its BigQuery tools read for JSON.
    Scalar.JSON: "object",
}
_PHYSICAL: dict[Scalar, str] = {
    Scalar.STRING: "STRING",
    Scalar.INTEGER: "INT64",
    Scalar.NUMBER: "FLOAT64",
    Scalar.DECIMAL: "NUMERIC",
    Scalar.BOOLEAN: "BOOL",
    Scalar.DATE: "DATE",
    Scalar.TIMESTAMP: "TIMESTAMP",
    Scalar.JSON: "JSON",
}
_OPTIONS: dict[Scalar, dict[str, Any]] = {
    Scalar.INTEGER: {"format": "i64"},
    Scalar.NUMBER: {"format": "f64"},
    Scalar.DATE: {"format": "yyyy-MM-dd"},
    Scalar.TIMESTAMP: {"timezone": True, "defaultTimezone": "Etc/UTC"},
}


@dataclass(frozen=True)
class Deployment:
    """One place where contracts are served. `database` is the DuckDB file; None: BigQuery in `project`."""

    environment: str
    project: str
    api_url: str
    database: str | None = None


def contract_document(contract: Contract, deployment: Deployment) -> dict[str, Any]:
    """Return the contract as an ODCS document with the deployment as its servers."""
    return {
        "apiVersion": _API_VERSION,
        "kind": "DataContract",
        "id": str(uuid.uuid5(_IDS, contract.name)),
        "name": contract.name,
        "version": contract.version,
        "status": "active",
        "description": {
            "purpose": contract.description,
            "limitations": "Delivered at least once; at most one row per key is served.",
        },
        "team": {"name": contract.owner},
        "servers": _servers(contract, deployment),
        "schema": [_table(contract)],
        "slaProperties": _service_level(contract),
        "customProperties": [
            _custom("topic", contract.topic),
            *_unknown_fields(contract),
            *_questions(contract),
            _custom("access", [_grant(grant) for grant in contract.access.grants]),
        ],
    }


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "scope": grant.scope,
        "columns": None if grant.columns is None else list(grant.columns),
        "rows": [{"column": bound.column, "claim": bound.claim} for bound in grant.rows],
        "by": [credential.value for credential in grant.by],
    }


def _unknown_fields(contract: Contract) -> list[dict[str, Any]]:
    """Return the policy where it is not the one every contract has that says nothing."""
    policy = contract.unknown_fields
    return [] if policy is UnknownFields.KEEP else [_custom("unknownFields", policy.value)]


def _questions(contract: Contract) -> list[dict[str, Any]]:
    """Return what bounds the cost of questions and is held of rows, where the contract says any of it."""
    unbounded, most = contract.unbounded, contract.max_bytes_billed
    said = []
    if isinstance(unbounded, timedelta):
        said.append(_custom("unboundedQuestionDays", unbounded.days))
    elif unbounded is not Unbounded.ALLOW:
        said.append(_custom("unboundedQuestions", unbounded.value))
    if contract.replica is not None:
        said.append(_custom("replicaSeconds", round(contract.replica.total_seconds())))
    return said if most is None else [*said, _custom("maxBytesBilled", most)]


def _servers(contract: Contract, deployment: Deployment) -> list[dict[str, Any]]:
    environment = deployment.environment
    warehouse: dict[str, Any] = (
        {"type": "bigquery", "project": deployment.project, "dataset": contract.dataset}
        if deployment.database is None
        else {"type": "duckdb", "database": deployment.database, "schema": contract.dataset}
    )
    topic = {"type": "pubsub", "project": deployment.project}
    api = {"type": "api", "location": f"{deployment.api_url.rstrip('/')}/v1/{contract.name}"}
    return [
        {"server": f"{environment}-topic", "environment": environment, **topic}
        | {"customProperties": [_custom("topic", contract.topic)]},
        {"server": f"{environment}-warehouse", "environment": environment, **warehouse},
        {"server": f"{environment}-api", "environment": environment, **api},
    ]


def _table(contract: Contract) -> dict[str, Any]:
    table: dict[str, Any] = {
        "name": contract.name,
        "physicalName": contract.name,
        "physicalType": "table",
        "logicalType": "object",
        "description": contract.description,
        "dataGranularityDescription": f"One row per {contract.key}.",
        "properties": [_column(contract, column) for column in contract.stored_columns],
    }
    if contract.retention is not None:
        table["customProperties"] = [_custom("partitionExpirationDays", contract.retention.days)]
    return table


def _column(contract: Contract, column: Column) -> dict[str, Any]:
    written = _property(column)
    custom = written.pop("customProperties", [])
    if column.name == contract.key:
        written |= {"primaryKey": True, "primaryKeyPosition": 1, "unique": True}
        if column.type is Scalar.STRING:
            written["logicalTypeOptions"] = {"minLength": 1, "maxLength": KEY_CHARACTERS}
    if column.name == contract.event_time:
        written |= {"partitioned": True, "partitionKeyPosition": 1}
        custom = [*custom, _custom("partitionGranularity", "DAY")]
    if column.name in contract.clustered_by:
        custom = [*custom, _custom("clusterKeyPosition", contract.clustered_by.index(column.name) + 1)]
    if column in SYSTEM_COLUMNS:
        written["tags"] = ["platform"]
    return written | ({"customProperties": custom} if custom else {})


def _property(column: Column) -> dict[str, Any]:
    written = {"name": column.name, **_type(column.type), "required": not column.nullable}
    if column.description:
        written["description"] = column.description
    if column.example is not None:
        written["examples"] = [column.example]
    asked_by = (
        [_custom("members", [_property(member) for member in column.members])] if column.members else []
    )
    asked_by += [_custom("matchable", value=True)] if column.matchable else []
    if asked_by:
        written["customProperties"] = [*written.get("customProperties", []), *asked_by]
    return written


def _type(logical_type: LogicalType) -> dict[str, Any]:
    physical = _physical(logical_type)
    if isinstance(logical_type, Array):
        return {"logicalType": "array", "physicalType": physical, "items": _type(logical_type.of)}
    if not isinstance(logical_type, Scalar):
        fields = [_property(field) for field in logical_type.fields]
        return {"logicalType": "object", "physicalType": physical, "properties": fields}
    written: dict[str, Any] = {"logicalType": _LOGICAL[logical_type], "physicalType": physical}
    if logical_type in _OPTIONS:
        written["logicalTypeOptions"] = dict(_OPTIONS[logical_type])
    if logical_type is Scalar.DECIMAL:
        written["customProperties"] = [
            _custom("precision", DECIMAL_PRECISION),
            _custom("scale", DECIMAL_SCALE),
        ]
    return written


def _physical(logical_type: LogicalType) -> str:
    if isinstance(logical_type, Scalar):
        return _PHYSICAL[logical_type]
    if isinstance(logical_type, Array):
        return f"ARRAY<{_physical(logical_type.of)}>"
    fields = ", ".join(f"{field.name} {_physical(field.type)}" for field in logical_type.fields)
    return f"STRUCT<{fields}>"


def _service_level(contract: Contract) -> list[dict[str, Any]]:
    level, element = contract.service_level, f"{contract.name}.{contract.event_time}"
    promises: list[dict[str, Any]] = [
        {"property": "availability", "value": _percent(level.availability_goal), "unit": "percent"},
        {"property": "responseTime", "value": level.latency / timedelta(milliseconds=1), "unit": "ms"}
        | {"description": "Time to answer one GET.", "customProperties": [_goal(level.latency_goal)]},
        {"property": "latency", "value": level.freshness.total_seconds(), "unit": "s", "element": element}
        | {"description": "Published to visible.", "customProperties": [_goal(level.freshness_goal)]},
    ]
    if contract.retention is not None:
        days = contract.retention.days
        promises.append({"property": "retention", "value": days, "unit": "d", "element": element})
    return [promise | {"driver": "operational"} for promise in promises]


def _goal(share: float) -> dict[str, Any]:
    return _custom("goal", share)


def _percent(share: float) -> float:
    # 0.999 * 100 is 99.90000000000001 or so
    return round(share * 100, 9)


def _custom(name: str, value: object) -> dict[str, Any]:
    return {"property": name, "value": value}
