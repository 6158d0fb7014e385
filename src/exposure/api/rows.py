"""The answers about one contract: a page of rows, one row, its schema. Free of routing."""

from __future__ import annotations

import time
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from exposure.api.describe import describe_contract
from exposure.api.encode import JSON, NDJSON, NDJSON_ALIAS, RowEncoder, dumps, instant
from exposure.api.problems import NOT_FOUND, Problem
from exposure.api.request import negotiated, next_url, parameters, refuse_parameters
from exposure.api.seal import TokenSealer
from exposure.contracts.model import Column, Contract
from exposure.query.errors import shown
from exposure.query.filters import parse_column_value
from exposure.query.model import Filter, Operator, Order, Query
from exposure.query.page_token import write_position
from exposure.query.parse import parse_query, parse_selection
from exposure.warehouse.port import Page, Reader

_ROWS = (JSON, NDJSON, NDJSON_ALIAS)
_TIER = "warehouse"


@dataclass(frozen=True)
class _Read:
    """A page, the columns asked for, and how long the reader took."""

    columns: tuple[Column, ...]
    page: Page
    elapsed_ms: float


class ContractRows:
    """Answers requests about one contract from one reader."""

    def __init__(self, contract: Contract, reader: Reader, sealer: TokenSealer) -> None:
        self._contract = contract
        self._reader = reader
        self._sealer = sealer
        self._description = dumps(describe_contract(contract))

    async def page(self, request: Request) -> Response:
        """Answer with one page of rows, whether it is complete, and where it goes on."""
        media_type = negotiated(request, _ROWS)
        query = parse_query(self._contract, parameters(request), self._sealer.open)
        read = await self._read(query)
        token, headers = None, _headers(read.page)
        if read.page.last is not None:
            token = self._sealer.seal(write_position(query, read.page.last))
            headers["Link"] = f'<{next_url(request, token)}>; rel="next"'
        if media_type != JSON:
            return _lines(read, headers, media_type)
        more = {"complete": read.page.complete, "next_page_token": token}
        return _envelope({"data": RowEncoder(read.columns).objects(read.page.rows), **more}, read, headers)

    async def row(self, request: Request) -> Response:
        """Answer with the one row that has the key."""
        key = request.path_params["key"]
        if not key:
            raise Problem(NOT_FOUND, f"a row of {self._contract.name} is asked for by its key")
        media_type = negotiated(request, _ROWS)
        columns = parse_selection(self._contract, parameters(request))
        read = await self._read(self._by_key(columns, key))
        if not read.page.rows:
            raise Problem(NOT_FOUND, f"{self._contract.name} has no row with the key '{shown(key)}'")
        headers = _headers(read.page)
        if media_type != JSON:
            return _lines(read, headers, media_type)
        return _envelope({"data": RowEncoder(columns).objects(read.page.rows)[0]}, read, headers)

    async def schema(self, request: Request) -> Response:
        """Answer with what a row looks like and what can be asked of it."""
        negotiated(request, (JSON,))
        refuse_parameters(request)
        return Response(self._description, 200, media_type=JSON)

    async def _read(self, query: Query) -> _Read:
        started = time.perf_counter()
        page = await self._reader.select(query)
        return _Read(query.columns, page, round((time.perf_counter() - started) * 1000, 3))

    def _by_key(self, columns: tuple[Column, ...], text: str) -> Query:
        key = self._contract.key_column
        return Query(
            contract=self._contract,
            columns=columns,
            filters=(Filter(key, Operator.EQ, parse_column_value("key", key, text)),),
            order=(Order(key),),
            page_size=1,
        )


def _envelope(answer: dict[str, object], read: _Read, headers: dict[str, str]) -> Response:
    stats = {"tier": _TIER, "elapsed_ms": read.elapsed_ms, "bytes_billed": read.page.bytes_billed}
    return Response(dumps({**answer, "as_of": read.page.as_of, "stats": stats}), 200, headers, JSON)


def _lines(read: _Read, headers: dict[str, str], media_type: str) -> Response:
    return Response(RowEncoder(read.columns).lines(read.page.rows), 200, headers, media_type)


def _headers(page: Page) -> dict[str, str]:
    return {
        "Cache-Control": "no-store",
        "Vary": "Accept",
        "X-Complete": "true" if page.complete else "false",
        "X-As-Of": instant(page.as_of),
        "X-Bytes-Billed": str(page.bytes_billed),
    }
