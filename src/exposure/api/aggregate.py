"""The answers about groups of one contract's rows: measures by group, and facets. Free of routing.

Values are written as in rows. A bucket of instants is the instant it begins at, with the offset that the
question's time zone has there: `2026-03-29T00:00:00+01:00`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from exposure.api.encode import JSON, RowEncoder, dumps, instant
from exposure.api.explain import TIER, explained
from exposure.api.request import both, negotiated, parameters
from exposure.contracts.model import Column, Contract
from exposure.query.aggregate import APPROXIMATE, Aggregation
from exposure.query.aggregate_parse import parse_aggregation
from exposure.query.asides import parse_explain
from exposure.query.facets import parse_facets
from exposure.query.model import Row
from exposure.warehouse.port import Groups, Reader


class ContractGroups:
    """Answers requests about groups of one contract's rows from one reader."""

    def __init__(self, contract: Contract, reader: Reader) -> None:
        self._contract = contract
        self._reader = reader

    async def aggregate(self, request: Request) -> Response:
        """Answer with the groups, whether they are all, and which measures may be estimates."""
        negotiated(request, (JSON,))
        asked = parameters(request)
        aggregation, is_explained = both(
            lambda: parse_aggregation(self._contract, asked), lambda: parse_explain(asked)
        )
        if is_explained:
            return await explained(self._reader, aggregation)
        started = time.perf_counter()
        groups = await self._reader.aggregate(aggregation)
        answer = {
            "data": _objects(aggregation, groups.rows),
            "complete": groups.complete,
            "timezone": aggregation.timezone,
            "approximate": [one.name for one in aggregation.measures if one.function in APPROXIMATE],
        }
        return _answer(answer, [groups], started)

    async def facets(self, request: Request) -> Response:
        """Answer with the most frequent values of columns and how often each is there."""
        negotiated(request, (JSON,))
        asked = parse_facets(self._contract, parameters(request))
        started = time.perf_counter()
        found = await asyncio.gather(*(self._reader.aggregate(one) for one in asked))
        facets = {
            one.groups[0].name: {"values": _values(one, groups.rows), "complete": groups.complete}
            for one, groups in zip(asked, found, strict=True)
        }
        return _answer(
            {"facets": facets, "complete": all(groups.complete for groups in found)}, found, started
        )


def _objects(aggregation: Aggregation, rows: Sequence[Row]) -> list[dict[str, object]]:
    names = [*(one.name for one in aggregation.groups), *(one.name for one in aggregation.measures)]
    return [dict(zip(names, row, strict=True)) for row in _written(aggregation, rows)]


def _values(aggregation: Aggregation, rows: Sequence[Row]) -> list[dict[str, object]]:
    return [{"value": value, "count": count} for value, count in _written(aggregation, rows)]


def _written(aggregation: Aggregation, rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows ready for `dumps`."""
    kinds = [*(one.type for one in aggregation.groups), *(one.type for one in aggregation.measures)]
    # The encoder goes by the types alone: no column is called like a measure.
    columns = [Column(f"c{index}", kind) for index, kind in enumerate(kinds)]
    zoned = [index for index, group in enumerate(aggregation.groups) if group.is_zoned]
    encoded = RowEncoder(columns).arrays(rows)
    if not zoned or aggregation.timezone == "UTC":
        return encoded
    zone = ZoneInfo(aggregation.timezone)
    return [
        tuple(_local(value, zone) if index in zoned else value for index, value in enumerate(row))
        for row in encoded
    ]


def _local(value: object, zone: ZoneInfo) -> object:
    if not isinstance(value, datetime):
        return value
    local = value.astimezone(zone)
    offset = local.utcoffset()
    # RFC 3339 has no seconds in an offset, which zones had before they had standard time.
    return value if offset is None or offset.seconds % 60 else local


def _answer(answer: dict[str, object], found: Sequence[Groups], started: float) -> Response:
    as_of = min(groups.as_of for groups in found)
    bytes_billed = sum(groups.bytes_billed for groups in found)
    elapsed_ms = round((time.perf_counter() - started) * 1000, 3)
    stats = {"tier": TIER, "elapsed_ms": elapsed_ms, "bytes_billed": bytes_billed}
    headers = {
        "Cache-Control": "no-store",
        "Vary": "Accept",
        "X-Complete": "true" if answer["complete"] else "false",
        "X-As-Of": instant(as_of),
        "X-Bytes-Billed": str(bytes_billed),
    }
    return Response(dumps({**answer, "as_of": as_of, "stats": stats}), 200, headers, JSON)
