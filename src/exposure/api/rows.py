"""The answers about one contract: a page of rows, one row, its schema. Free of routing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response

from exposure.api.abreast import abreast
from exposure.api.describe import describe_contract
from exposure.api.encode import JSON, RowEncoder, dumps
from exposure.api.explain import explained
from exposure.api.facts import fact_headers, ms_since, written_facts
from exposure.api.formats.choice import Choice, choose_format
from exposure.api.formats.format import Envelope
from exposure.api.formats.offered import JSON_FORMAT
from exposure.api.problems import NOT_FOUND, Problem
from exposure.api.request import (
    accept,
    both,
    negotiated,
    next_url,
    parameters,
    parameters_of,
    refuse_parameters,
)
from exposure.api.seal import TokenSealer
from exposure.api.time_window import Meant, meant
from exposure.api.totals import Total, count_all, total_of
from exposure.clock import now
from exposure.contracts.model import Column, Contract
from exposure.query.asides import Count, parse_count, parse_explain
from exposure.query.errors import shown
from exposure.query.filters import parse_column_value
from exposure.query.model import Filter, Operator, Order, Query
from exposure.query.page_token import write_position
from exposure.query.parse import parse_query, parse_selection
from exposure.telemetry.spans import span
from exposure.warehouse.port import Page, Reader

_KEPT_WORDS = 256


@dataclass(frozen=True)
class _Read:
    """A page, the columns asked for, and how long the reader took."""

    columns: tuple[Column, ...]
    page: Page
    elapsed_ms: float
    total: Total | None = None

    @property
    def bytes_billed(self) -> int:
        """Return what the page and the total cost."""
        return self.page.bytes_billed + (self.total.bytes_billed if self.total else 0)


@dataclass(frozen=True)
class _AskedRow:
    """How a row is to be answered, whichever it is."""

    choice: Choice
    columns: tuple[Column, ...]
    encoder: RowEncoder


class ContractRows:
    """Answers requests about one contract from one reader."""

    def __init__(
        self,
        contract: Contract,
        reader: Reader,
        sealer: TokenSealer,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._contract = contract
        self._reader = reader
        self._sealer = sealer
        self._clock = clock
        # Many ask for other rows in the same words.
        self._asked = lru_cache(_KEPT_WORDS)(self._parsed)
        self._description = dumps(describe_contract(contract))

    async def page(self, request: Request) -> Response:
        """Answer with one page of rows, whether it is complete, and where it goes on."""
        asked = parameters(request)
        with span("parse"):
            choice, (query, (count, is_explained)) = both(
                lambda: choose_format(accept(request), asked),
                lambda: both(
                    lambda: parse_query(self._contract, asked, self._sealer.open),
                    lambda: both(lambda: parse_count(asked), lambda: parse_explain(asked)),
                ),
            )
        asked_for = meant(query, query.snapshot.at if query.snapshot else self._clock())
        if is_explained:
            return await explained(self._reader, asked_for.question)
        asked_for, read = await self._read_meant(query, asked_for, count)
        token, headers = None, _headers(read) | asked_for.headers
        if read.page.last is not None:
            token = self._sealer.seal(write_position(query, read.page.last, read.page.snapshot))
            headers["Link"] = f'<{next_url(request, token)}>; rel="next"'
        envelope = {
            "complete": read.page.complete,
            "next_page_token": token,
            **_facts(read),
            **asked_for.written,
        }
        return await _written(read, choice, envelope, headers)

    async def row(self, request: Request) -> Response:
        """Answer with the one row that has the key."""
        key = request.path_params["key"]
        if not key:
            raise Problem(NOT_FOUND, f"a row of {self._contract.name} is asked for by its key")
        with span("parse"):
            asked = self._asked(request.scope["query_string"], accept(request))
            query = self._by_key(asked.columns, key)
        read = await self._read(query)
        if not read.page.rows:
            raise Problem(NOT_FOUND, f"{self._contract.name} has no row with the key '{shown(key)}'")
        headers = _headers(read)
        if asked.choice.format is not JSON_FORMAT:
            return await _written(read, asked.choice, _facts(read), headers)
        with span("encode"):
            [row] = asked.encoder.objects(read.page.rows)
            body = dumps({"data": row, **_facts(read)})
        return Response(body, 200, headers, JSON)

    async def schema(self, request: Request) -> Response:
        """Answer with what a row looks like and what can be asked of it."""
        negotiated(request, (JSON,))
        refuse_parameters(request)
        return Response(self._description, 200, media_type=JSON)

    async def _read_meant(
        self, query: Query, asked_for: Meant[Query], count: Count
    ) -> tuple[Meant[Query], _Read]:
        """Return the page, and the question with the window it was read in: of the moment it was read at."""
        read = await self._read_counted(asked_for.question, count)
        anew = meant(query, read.page.as_of)
        if anew.window == asked_for.window:
            return asked_for, read
        # Asked a moment behind midnight, read a moment before: the next pages will have the window of then.
        return anew, await self._read_counted(replace(anew.question, snapshot=read.page.snapshot), count)

    async def _read_counted(self, query: Query, count: Count) -> _Read:
        """Return the page and, if it is asked for, the total: an exact one is of the page's own snapshot."""
        if count is Count.NONE:
            return await self._read(query)
        if count is Count.EXACT and query.snapshot is None:
            # What is counted must wait: the first page is what decides on the snapshot.
            read = await self._read(query)
            total = total_of(read.page) or await count_all(
                self._reader, replace(query, snapshot=read.page.snapshot), count
            )
        else:
            read, total = await abreast(self._read(query), count_all(self._reader, query, count))
        return replace(read, total=total)

    async def _read(self, query: Query) -> _Read:
        started = time.perf_counter()
        page = await self._reader.select(query)
        return _Read(query.columns, page, ms_since(started))

    def _parsed(self, query_string: bytes, accepted: str) -> _AskedRow:
        asked = parameters_of(query_string)
        choice, columns = both(
            lambda: choose_format(accepted, asked), lambda: parse_selection(self._contract, asked)
        )
        return _AskedRow(choice, columns, RowEncoder(columns))

    def _by_key(self, columns: tuple[Column, ...], text: str) -> Query:
        key = self._contract.key_column
        return Query(
            contract=self._contract,
            columns=columns,
            filters=(Filter(key, Operator.EQ, parse_column_value("key", key, text)),),
            order=(Order(key),),
            page_size=1,
        )


async def _written(read: _Read, choice: Choice, envelope: Envelope, headers: dict[str, str]) -> Response:
    def write() -> bytes:
        writer = choice.writer(read.columns)
        return writer.begin() + writer.write(read.page.rows) + writer.end(envelope)

    with span("encode", {"exposure.format": choice.format.extension}):
        # What needs a library of its own imports it at the first answer, which the loop would wait for.
        body = await asyncio.to_thread(write) if choice.format.library else write()
    return Response(body, 200, headers, choice.content_type)


def _facts(read: _Read) -> dict[str, object]:
    total = {"total": read.total.written} if read.total else {}
    return total | written_facts(read.page.as_of, read.elapsed_ms, read.bytes_billed, read.page.tier)


def _headers(read: _Read) -> dict[str, str]:
    page = read.page
    headers = fact_headers(
        complete=page.complete, as_of=page.as_of, bytes_billed=read.bytes_billed, tier=page.tier
    )
    return headers | ({"X-Total": read.total.header} if read.total else {})
