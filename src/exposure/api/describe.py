"""What a reader needs to know of a contract: for `GET /v1` in short, for its `:schema` in full."""

from __future__ import annotations

from datetime import timedelta

from exposure.api.aggregate_openapi import aggregate_examples, facets_examples
from exposure.api.formats.offered import FORMATS
from exposure.contracts.export.jsonschema import row_schema
from exposure.contracts.model import INGEST_TIME, Column, Contract, ServiceLevel
from exposure.contracts.types import describe
from exposure.contracts.unbounded import UnboundedQuestions
from exposure.query.aggregate import grouped_places, groups_of, measures_of
from exposure.query.aggregate_grammar import (
    DEFAULT_TOP,
    MAX_FACET_TOP,
    MAX_FACETS,
    MAX_FILLED,
    MAX_GROUPS,
    MAX_MEASURES,
    MAX_TOP,
)
from exposure.query.grammar import (
    DEFAULT_PAGE_SIZE,
    MAX_FILTERS,
    MAX_IN_VALUES,
    MAX_LIKE_WILDCARDS,
    MAX_ORDER_COLUMNS,
    MAX_PAGE_SIZE,
    MAX_WHERE_BYTES,
    MAX_WHERE_DEPTH,
    column_operators,
    places,
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
        "aggregate": f"{path}:aggregate",
        "facets": f"{path}:facets",
        "export": f"{path}:export",
    }


def describe_contract(contract: Contract) -> dict[str, object]:
    """Return everything that is promised of a contract and can be asked of it."""
    return summarize(contract) | {
        "owner": contract.owner,
        "key": contract.key,
        "event_time": contract.event_time,
        "default_order": [f"-{contract.event_time}", f"-{contract.key}"],
        "retention_days": contract.retention.days if contract.retention else None,
        "unbounded": _describe_unbounded(contract.unbounded),
        "max_bytes_billed": contract.max_bytes_billed,
        "replica_seconds": contract.replica.total_seconds() if contract.replica else None,
        "columns": [_describe_column(contract, column) for column in contract.stored_columns],
        "row": row_schema(contract.columns),
        "formats": [one.name for one in FORMATS if one.is_available],
        "limits": {
            "default_page_size": DEFAULT_PAGE_SIZE,
            "max_page_size": MAX_PAGE_SIZE,
            "max_filters": MAX_FILTERS,
            "max_in_values": MAX_IN_VALUES,
            "max_order_columns": MAX_ORDER_COLUMNS,
            "max_where_bytes": MAX_WHERE_BYTES,
            "max_where_depth": MAX_WHERE_DEPTH,
            "max_like_wildcards": MAX_LIKE_WILDCARDS,
            "default_top": DEFAULT_TOP,
            "max_top": MAX_TOP,
            "max_groups": MAX_GROUPS,
            "max_measures": MAX_MEASURES,
            "max_filled_buckets": MAX_FILLED,
            "max_facets": MAX_FACETS,
            "max_facet_top": MAX_FACET_TOP,
        },
        "service_level": _describe_service_level(contract.service_level),
        "examples": _examples(contract),
    }


def _describe_service_level(level: ServiceLevel) -> dict[str, object]:
    return {
        "availability_goal": level.availability_goal,
        "latency_ms": round(level.latency.total_seconds() * 1000),
        "latency_goal": level.latency_goal,
        "freshness_seconds": level.freshness.total_seconds(),
        "freshness_goal": level.freshness_goal,
    }


def _describe_unbounded(unbounded: UnboundedQuestions) -> dict[str, object]:
    """Return what becomes of a question that bounds the event time by nothing."""
    if isinstance(unbounded, timedelta):
        return {"policy": "window", "days": unbounded.days}
    return {"policy": unbounded.value, "days": None}


def _describe_column(contract: Contract, column: Column) -> dict[str, object]:
    grouped = [place for place in grouped_places(contract) if place.column == column]
    return {
        "name": column.name,
        "type": describe(column.type),
        "nullable": column.nullable,
        "description": column.description,
        "operators": column_operators(column),
        "groups": [group.name for place in grouped for group in groups_of(place)],
        "measures": [measure.name for place in grouped for measure in measures_of(place)],
        "selected_by_default": column in contract.columns,
        **({"fields": fields} if (fields := _describe_fields(contract, column)) else {}),
    }


def _describe_fields(contract: Contract, column: Column) -> list[dict[str, object]]:
    """Return what can be filtered by inside a column, named as filters name it."""
    return [
        {"name": place.name, "type": describe(place.leaf.type), "operators": place.operators}
        for place in places(contract)
        if place.column == column and place.within
    ]


def _examples(contract: Contract) -> list[str]:
    ingested = INGEST_TIME.name
    is_shown = INGEST_TIME in contract.stored_columns
    rows, since = f"/v1/{contract.name}", f"{contract.event_time}.gte=2026-01-01T00:00:00Z"
    return [
        rows,
        f"{rows}?page_size=10&order={contract.key}",
        f"{rows}?{since}&select={contract.key},{contract.event_time}",
        *([f"{rows}?{since}&order=-{ingested}&select={contract.key},{ingested}"] if is_shown else []),
        f"{rows}:export?{since}&order={contract.key}",
        *aggregate_examples(contract),
        *facets_examples(contract),
    ]
