"""The answers about groups of one contract's rows: measures by group, and facets. Free of routing.

Values are written as in rows. A bucket of instants is the instant it begins at, with the offset that the
question's time zone has there: `2026-03-29T00:00:00+01:00`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from exposure.api.encode import JSON, RowEncoder, dumps
from exposure.api.explain import explained
from exposure.api.facts import fact_headers, ms_since, written_facts
from exposure.api.request import both, negotiated, parameters
from exposure.api.time_window import Meant, meant
from exposure.clock import now
from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Scalar
from exposure.query.aggregate import APPROXIMATE, Aggregation, Group, Measure
from exposure.query.aggregate_parse import parse_aggregation
from exposure.query.asides import parse_explain
from exposure.query.facets import parse_facets
from exposure.query.model import Row
from exposure.telemetry.spans import span
from exposure.warehouse.port import Groups, Reader


class ContractGroups:
    """Answers requests about groups of one contract's rows from one reader."""

    def __init__(self, contract: Contract, reader: Reader, clock: Callable[[], datetime] = now) -> None:
        self._contract = contract
        self._reader = reader
        self._clock = clock

    async def aggregate(self, request: Request) -> Response:
        """Answer with the groups, whether they are all, and which measures may be estimates."""
        negotiated(request, (JSON,))
        asked = parameters(request)
        with span("parse"):
            aggregation, is_explained = both(
                lambda: parse_aggregation(self._contract, asked), lambda: parse_explain(asked)
            )
            asked_for = meant(aggregation, self._clock())
        if is_explained:
            return await explained(self._reader, asked_for.question)
        started = time.perf_counter()
        groups = await self._reader.aggregate(asked_for.question)
        with span("encode"):
            rows = _objects(aggregation, groups.rows)
        answer = {
            "data": rows,
            "complete": groups.complete,
            "timezone": aggregation.timezone,
            "approximate": [one.name for one in aggregation.measures if one.function in APPROXIMATE],
        }
        return _answer(answer, asked_for, groups, started)

    async def facets(self, request: Request) -> Response:
        """Answer with the most frequent values of columns and how often each is there."""
        negotiated(request, (JSON,))
        with span("parse"):
            asked = parse_facets(self._contract, parameters(request))
            asked_for = meant(asked, self._clock())
        started = time.perf_counter()
        groups = await self._reader.aggregate(asked_for.question)
        with span("encode"):
            facets = {
                one.name: {"values": _values(number, one, groups), "complete": number not in groups.cut}
                for number, one in enumerate(asked.groups)
            }
        return _answer({"facets": facets, "complete": groups.complete}, asked_for, groups, started)


def _objects(aggregation: Aggregation, rows: Sequence[Row]) -> list[dict[str, object]]:
    asked: list[Group | Measure] = [*aggregation.groups, *aggregation.measures]
    written = _written([one.type for one in asked], rows)
    zoned = [index for index, one in enumerate(aggregation.groups) if one.is_zoned]
    if zoned and aggregation.timezone != "UTC":
        zone = ZoneInfo(aggregation.timezone)
        written = [
            tuple(_local(value, zone) if index in zoned else value for index, value in enumerate(row))
            for row in written
        ]
    return [dict(zip([one.name for one in asked], row, strict=True)) for row in written]


def _values(number: int, group: Group, groups: Groups) -> list[dict[str, object]]:
    """Return the values of one of several groups apart."""
    rows = [row[1:] for row in groups.rows if row[0] == number]
    return [{"value": value, "count": count} for value, count in _written([group.type, Scalar.INTEGER], rows)]


def _written(kinds: Sequence[Scalar], rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows ready for `dumps`."""
    # The encoder goes by the types alone: no column is called like a measure.
    return RowEncoder([Column(f"c{index}", kind) for index, kind in enumerate(kinds)]).arrays(rows)


def _local(value: object, zone: ZoneInfo) -> object:
    if not isinstance(value, datetime):
        return value
    local = value.astimezone(zone)
    offset = local.utcoffset()
    # RFC 3339 has no seconds in an offset, which zones had before they had standard time.
    return value if offset is None or offset.seconds % 60 else local


def _answer(
    answer: dict[str, object], asked_for: Meant[Aggregation], groups: Groups, started: float
) -> Response:
    as_of, bytes_billed = groups.as_of, groups.bytes_billed
    headers = fact_headers(
        complete=bool(answer["complete"]), as_of=as_of, bytes_billed=bytes_billed, tier=groups.tier
    )
    body = answer | written_facts(as_of, ms_since(started), bytes_billed, groups.tier) | asked_for.written
    return Response(dumps(body), 200, headers | asked_for.headers, JSON)
