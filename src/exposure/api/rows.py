"""The answers about one contract: a page of rows, one row, its schema. Free of routing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response

from exposure.api.encode import JSON, NDJSON, RowEncoder, dumps
from exposure.api.negotiate import choose
from exposure.api.problems import INVALID_PARAMETER, NOT_ACCEPTABLE, NOT_FOUND, Problem
from exposure.api.seal import TokenSealer
from exposure.contracts.export.jsonschema import row_schema
from exposure.contracts.model import Column, Contract
from exposure.contracts.types import describe
from exposure.query.errors import ParameterError
from exposure.query.grammar import (
    MAX_FILTERS,
    MAX_IN_VALUES,
    MAX_PAGE_SIZE,
    PAGE_TOKEN,
    operators_of,
    scalar_of,
)
from exposure.query.model import Filter, Operator, Order, Query
from exposure.query.page_token import write_position
from exposure.query.parse import parse_query, parse_selection
from exposure.query.values import parse_value
from exposure.warehouse.port import Page, Reader

_OFFERED = (JSON, NDJSON)
_TIER = "warehouse"


class ContractRows:
    """Answers requests about one contract from one reader."""

    def __init__(self, contract: Contract, reader: Reader, sealer: TokenSealer) -> None:
        self._contract = contract
        self._reader = reader
        self._sealer = sealer

    async def page(self, request: Request) -> Response:
        """Answer `GET /v1/{contract}`: one page of rows, and where it goes on."""
        media_type = _negotiated(request, _OFFERED)
        query = parse_query(self._contract, _parameters(request), self._sealer.open)
        started = time.perf_counter()
        page = await self._reader.select(query)
        token = self._token(query, page)
        headers = _headers(page)
        if token is not None:
            headers["Link"] = f'<{_next_url(request, token)}>; rel="next"'
        if media_type == NDJSON:
            return Response(RowEncoder(query.columns).lines(page.rows), 200, headers, NDJSON)
        body = {
            "data": RowEncoder(query.columns).objects(page.rows),
            "complete": page.complete,
            "next_page_token": token,
            "as_of": page.as_of,
            "stats": _stats(page, started),
        }
        return Response(dumps(body), 200, headers, JSON)

    async def row(self, request: Request) -> Response:
        """Answer `GET /v1/{contract}/{key}`: the one row with that key."""
        _negotiated(request, (JSON,))
        key = request.path_params["key"]
        columns = parse_selection(self._contract, _parameters(request))
        query = self._by_key(columns, key)
        started = time.perf_counter()
        page = await self._reader.select(query)
        if not page.rows:
            raise Problem(NOT_FOUND, f"{self._contract.name} has no row with the key {key[:100]!r}")
        body = {
            "data": RowEncoder(columns).objects(page.rows)[0],
            "as_of": page.as_of,
            "stats": _stats(page, started),
        }
        return Response(dumps(body), 200, _headers(page), JSON)

    async def schema(self, request: Request) -> Response:
        """Answer `GET /v1/{contract}:schema`: what a row looks like and what can be asked of it."""
        _negotiated(request, (JSON,))
        return Response(dumps(describe_contract(self._contract)), 200, media_type=JSON)

    def _token(self, query: Query, page: Page) -> str | None:
        return None if page.last is None else self._sealer.seal(write_position(query, page.last))

    def _by_key(self, columns: tuple[Column, ...], text: str) -> Query:
        key = self._contract.key_column
        try:
            value = parse_value(scalar_of(key), text)
        except ValueError as error:
            message = f"the key of {self._contract.name} is {describe(key.type)}"
            wrong = ParameterError("key", "WRONG_VALUE", message)
            raise Problem(INVALID_PARAMETER, message, (wrong,)) from error
        return Query(
            contract=self._contract,
            columns=columns,
            filters=(Filter(key, Operator.EQ, value),),
            order=(Order(key),),
            page_size=1,
        )


def describe_contract(contract: Contract) -> dict[str, object]:
    """Return what a reader needs to know of a contract, as JSON."""
    base = f"/v1/{contract.name}"
    level = contract.service_level
    return {
        "name": contract.name,
        "version": contract.version,
        "description": contract.description,
        "owner": contract.owner,
        "key": contract.key,
        "event_time": contract.event_time,
        "retention_days": contract.retention.days if contract.retention else None,
        "columns": [_describe_column(column) for column in contract.stored_columns],
        "row": row_schema(contract.columns),
        "limits": {
            "max_page_size": MAX_PAGE_SIZE, "max_filters": MAX_FILTERS, "max_in_values": MAX_IN_VALUES,
        },
        "service_level": {
            "availability": level.availability_goal,
            "latency_ms": level.latency.total_seconds() * 1000,
            "latency_goal": level.latency_goal,
            "freshness_seconds": level.freshness.total_seconds(),
            "freshness_goal": level.freshness_goal,
        },
        "examples": [
            base,
            f"{base}?page_size=10&order={contract.key}",
            f"{base}?{contract.event_time}.gte=2026-01-01T00:00:00Z&select={contract.key}",
        ],
    }  # fmt: skip


def _describe_column(column: Column) -> dict[str, object]:
    return {
        "name": column.name,
        "type": describe(column.type),
        "nullable": column.nullable,
        "description": column.description,
        "operators": operators_of(column.type),
    }


def _parameters(request: Request) -> list[tuple[str, str]]:
    # Bytes that are no UTF-8 become lone surrogates, which no value accepts.
    query = request.scope["query_string"].decode("latin-1")
    return parse_qsl(query, keep_blank_values=True, errors="surrogateescape")


def _negotiated(request: Request, offered: Sequence[str]) -> str:
    media_type = choose(request.headers.get("accept"), offered)
    if media_type is None:
        raise Problem(NOT_ACCEPTABLE, f"this resource is served as {' or '.join(offered)}")
    return media_type


def _headers(page: Page) -> dict[str, str]:
    return {
        "Cache-Control": "no-store",
        "Vary": "Accept",
        "X-Complete": "true" if page.complete else "false",
        "X-As-Of": page.as_of.isoformat(),
        "X-Bytes-Billed": str(page.bytes_billed),
    }


def _stats(page: Page, started: float) -> dict[str, object]:
    elapsed = round((time.perf_counter() - started) * 1000, 3)
    return {"tier": _TIER, "elapsed_ms": elapsed, "bytes_billed": page.bytes_billed}


def _next_url(request: Request, token: str) -> str:
    """Return this request's URL, relative to the host, with the token of the next page."""
    kept = [(name, value) for name, value in _parameters(request) if name != PAGE_TOKEN]
    return f"{request.url.path}?{urlencode([*kept, (PAGE_TOKEN, token)])}"
