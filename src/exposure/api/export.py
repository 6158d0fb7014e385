"""All rows of one contract in one answer: `GET /v1/{contract}:export`.

Filters, `select`, `order` and the format are those of a page; there are no pages, and without `order` the
rows come as the warehouse has them, which costs it no sorting. All are of one moment. Memory is bounded by
a part of the answer, whatever its length; a failure ends it in a way that no client takes for an end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from exposure.api.facts import fact_headers, ms_since, written_facts
from exposure.api.formats.choice import Choice, choose_format
from exposure.api.formats.format import Shape
from exposure.api.request import accept, both, parameters
from exposure.api.streamed import StreamedResponse
from exposure.api.time_window import Meant, meant
from exposure.clock import now
from exposure.contracts.model import Contract
from exposure.query.model import Query
from exposure.query.parse import parse_export
from exposure.telemetry.spans import span
from exposure.warehouse.port import Reader, RowStream

# An array a column needs the whole answer at once.
_SHAPES = (Shape.OBJECTS, Shape.ARRAYS)
_PART_BYTES = 256 * 1024
# Rows may hold megabytes each: a stream begins carefully and grows into its part's size.
_FIRST_ROWS, _MOST_ROWS, _GROWTH = 8, 4096, 8


class ContractExport:
    """Answers requests for all rows of one contract from one reader."""

    def __init__(self, contract: Contract, reader: Reader, clock: Callable[[], datetime] = now) -> None:
        self._contract = contract
        self._reader = reader
        self._clock = clock

    async def export(self, request: Request) -> Response:
        """Answer with every row the request means; a failure before the first of them is a problem."""
        asked = parameters(request)
        with span("parse"):
            choice, query = both(
                lambda: choose_format(accept(request), asked, _SHAPES),
                lambda: parse_export(self._contract, asked),
            )
            asked_for = meant(query, self._clock())
        stream = await self._reader.stream(asked_for.question)
        parts = _Parts(stream, choice, asked_for)
        try:
            with span("encode", {"exposure.format": choice.format.extension}):
                first = await parts.first()
        except BaseException:
            stream.close()
            raise
        headers = self._headers(stream, choice) | asked_for.headers
        return StreamedResponse(first, parts.more, stream.close, headers)

    def _headers(self, stream: RowStream, choice: Choice) -> dict[str, str]:
        name = f"{self._contract.name}.{choice.format.extension}"
        return {
            "Content-Type": choice.content_type,
            "Content-Disposition": f'attachment; filename="{name}"',
            # Complete is an answer that comes to its end; one that breaks off is no answer.
            **fact_headers(complete=True, as_of=stream.as_of, bytes_billed=stream.bytes_billed),
        }


class _Parts:
    """The answer part by part. Parts are made on a thread, so that the loop goes on serving."""

    def __init__(self, stream: RowStream, choice: Choice, asked_for: Meant[Query]) -> None:
        self._stream = stream
        self._started = time.perf_counter()
        self._rows = _FIRST_ROWS
        self._is_over = False
        self._choice = choice
        self._columns = asked_for.question.columns
        self._window = asked_for.written
        self._writer: Any = None

    async def first(self) -> bytes:
        """Return the beginning with the first rows, if there are any."""
        self._writer = await asyncio.to_thread(self._choice.writer, self._columns)
        begun: bytes = self._writer.begin()
        return begun + (await self._body() or b"")

    async def more(self) -> bytes | None:
        """Return the next part; behind the last rows the end of the answer, and then None."""
        if self._is_over:
            return None
        part = await self._body()
        if part is not None:
            return part
        self._is_over = True
        return await asyncio.to_thread(self._writer.end, self._envelope())

    async def _body(self) -> bytes | None:
        return await (self._part_of_batches() if self._choice.format.takes_batches else self._part_of_rows())

    async def _part_of_rows(self) -> bytes | None:
        rows = await self._stream.next_rows(self._rows)
        if not rows:
            return None
        part: bytes = await asyncio.to_thread(self._writer.write, rows)
        fitting = max(1, _PART_BYTES * len(rows) // max(1, len(part)))
        self._rows = min(fitting, self._rows * _GROWTH, _MOST_ROWS)
        return part

    async def _part_of_batches(self) -> bytes | None:
        batch = await self._stream.next_batch()
        return None if batch is None else await asyncio.to_thread(self._writer.write_batch, batch)

    def _envelope(self) -> dict[str, object]:
        facts = written_facts(self._stream.as_of, ms_since(self._started), self._stream.bytes_billed)
        return {"complete": True, "next_page_token": None, **facts, **self._window}
