"""What a reader needs to know of a contract: for `GET /v1` in short, for its `:schema` in full."""

from __future__ import annotations

from exposure.contracts.export.jsonschema import row_schema
from exposure.contracts.model import Column, Contract
from exposure.contracts.types import describe
from exposure.query.grammar import (
    DEFAULT_PAGE_SIZE,
    MAX_FILTERS,
    MAX_IN_VALUES,
    MAX_ORDER_COLUMNS,
    MAX_PAGE_SIZE,
    operators_of,
)


def summarize(contract: Contract) -> dict[str, object]:
    """Return a contract's line in the catalog."""
    path = f"/v1/{contract.name}"
    return {
        "name": contract.name,
        "version": contract.version,
        "description": contract.description,
        "rows": path,
        "schema": f"{path}:schema",
    }


def describe_contract(contract: Contract) -> dict[str, object]:
    """Return everything that is promised of a contract and can be asked of it."""
    level = contract.service_level
    return summarize(contract) | {
        "owner": contract.owner,
        "key": contract.key,
        "event_time": contract.event_time,
        "default_order": [f"-{contract.event_time}", f"-{contract.key}"],
        "retention_days": contract.retention.days if contract.retention else None,
        "columns": [_describe_column(contract, column) for column in contract.stored_columns],
        "row": row_schema(contract.columns),
        "limits": {
            "default_page_size": DEFAULT_PAGE_SIZE,
            "max_page_size": MAX_PAGE_SIZE,
            "max_filters": MAX_FILTERS,
            "max_in_values": MAX_IN_VALUES,
            "max_order_columns": MAX_ORDER_COLUMNS,
        },
        "service_level": {
            "availability_goal": level.availability_goal,
            "latency_ms": round(level.latency.total_seconds() * 1000),
            "latency_goal": level.latency_goal,
            "freshness_seconds": level.freshness.total_seconds(),
            "freshness_goal": level.freshness_goal,
        },
        "examples": _examples(contract),
    }


def _describe_column(contract: Contract, column: Column) -> dict[str, object]:
    return {
        "name": column.name,
        "type": describe(column.type),
        "nullable": column.nullable,
        "description": column.description,
        "operators": operators_of(column.type),
        "selected_by_default": column in contract.columns,
    }


def _examples(contract: Contract) -> list[str]:
    rows, since = f"/v1/{contract.name}", f"{contract.event_time}.gte=2026-01-01T00:00:00Z"
    return [
        rows,
        f"{rows}?page_size=10&order={contract.key}",
        f"{rows}?{since}&select={contract.key},{contract.event_time}",
        f"{rows}?{since}&order=-_ingest_time&select={contract.key},_ingest_time",
    ]
